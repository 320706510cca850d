"""`flask copy-data` copies any tables that models can express."""

import re
import sqlite3
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Sequence,
    String,
    Table,
    Uuid,
    create_engine,
    event,
    func,
    insert,
    inspect,
    null,
    select,
    text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.exc import IntegrityError

ONE, TWO = UUID(int=1), UUID(int=2)

# A table has an option ROWS: what is in it.
METADATA = MetaData(naming_convention={"fk": "fk_%(table_name)s_%(column_0_N_name)s"})


def table(name, *items, rows, **options):
    return Table(name, METADATA, *items, info={"rows": rows}, **options)


table(
    "row_refers_to_a_later_one",
    Column("id", Integer, primary_key=True),
    Column("parent", ForeignKey("row_refers_to_a_later_one.id"), nullable=False),
    rows=[{"id": 1, "parent": 3}, {"id": 2, "parent": 1}, {"id": 3, "parent": 3}],
)
table(
    "cycle_begins",
    Column("id", Integer, primary_key=True),
    Column("next", ForeignKey("cycle_ends.id"), nullable=False),
    rows=[{"id": 1, "next": 2}],
)
table(
    "cycle_ends",
    Column("id", Integer, primary_key=True),
    Column("next", ForeignKey("cycle_begins.id"), nullable=False),
    rows=[{"id": 2, "next": 1}],
)
table(
    "uuid_is_the_key",
    Column("id", Uuid, primary_key=True),
    Column("other", ForeignKey("uuid_is_the_key.id")),
    rows=[{"id": ONE, "other": TWO}, {"id": TWO, "other": None}],
)
table(
    "text_is_the_key",
    Column("name", String(20), primary_key=True),
    rows=[{"name": "b"}, {"name": "a"}, {"name": "\u00e4 100% :x"}],
)
table(
    "key_has_two_columns",
    Column("left", Integer, primary_key=True, autoincrement=False),
    Column("right", String(20), primary_key=True),
    Column("to_left", Integer),
    Column("to_right", String(20)),
    ForeignKeyConstraint(
        ["to_left", "to_right"],
        ["key_has_two_columns.left", "key_has_two_columns.right"],
        name="to_another",
    ),
    rows=[
        {"left": 1, "right": "a", "to_left": 2, "to_right": "b"},
        {"left": 2, "right": "b", "to_left": 7, "to_right": None},
    ],
)
table(
    "Name that is Quoted",
    Column("Key of Table", Integer, primary_key=True, key="number"),
    Column("order", String(20), CheckConstraint("1 = 1"), key="v0"),
    rows=[{"number": 1, "v0": "a"}],
)
table(
    "key_is_zero",
    Column("number", Integer, primary_key=True),
    rows=[{"number": 0}],
)
table(
    "key_is_not_called_id",
    Column("number", Integer, primary_key=True),
    Column("text", String(20)),
    rows=[{"number": 41, "text": "a"}],
)
table(
    "identity_is_the_key",
    Column("number", Integer, Identity(), primary_key=True),
    Column("text", String(20)),
    rows=[{"number": 41, "text": "a"}],
)
table(
    "sequence_is_the_key",
    Column("number", Integer, Sequence("numbers", metadata=METADATA), primary_key=True),
    Column("text", String(20)),
    rows=[{"number": 41, "text": "a"}],
)
table(
    "types",
    Column("id", Integer, primary_key=True),
    Column("document", JSON),
    Column("yes", Boolean),
    Column("kind", Enum("a", "b", name="kind")),
    Column("data", LargeBinary),
    Column("price", Numeric(10, 2)),
    Column("day", Date),
    Column("twice", Numeric(10, 2), Computed("price * 2", persisted=True)),
    rows=[
        {
            "document": document,
            "yes": True,
            "kind": "b",
            "data": b"\x00\xff",
            "price": Decimal("0.10"),
            "day": date(2024, 2, 29),
        }
        for document in (null(), JSON.NULL, {"a": [1, None]}, "text", 0, False)
    ],
)
COUNTED = ["key_is_not_called_id", "identity_is_the_key", "sequence_is_the_key"]


@pytest.fixture
def target(engine, tmp_path):
    """Return an empty database: on the server of the tests, or a SQLite file."""
    if engine.dialect.name != "sqlite":
        yield engine
        METADATA.drop_all(engine)
        return
    target = create_engine(f"sqlite:///{tmp_path}/new.db")
    yield target
    target.dispose()


@pytest.fixture
def copy(package, target, tmp_path):
    """Return a function that copies tables with their rows from SQLite."""
    source = create_engine(f"sqlite:///{tmp_path}/old.db")

    def run(metadata=METADATA):
        for database in (source, target):
            metadata.create_all(database)
        with source.begin() as old:
            for each in metadata.tables.values():
                for row in each.info["rows"]:
                    old.execute(insert(each).values(row))
        return only(metadata)

    def only(metadata):
        with source.connect() as old, target.connect() as new:
            new.detach()
            copied = package.copy_data.rows.copy_tables(metadata, old, new)
        return {each.name: count for each, count in copied.items()}

    refused = package.copy_data.problems.CopyError
    yield SimpleNamespace(
        run=run, only=only, source=source, target=target, CopyError=refused
    )
    source.dispose()


def read(engine, table):
    names = [c for c in table.c if not isinstance(c.type, JSON)]
    documents = [c for c in table.c if isinstance(c.type, JSON)]
    nulls = [c.is_(None) for c in documents]
    statement = select(*names, *documents, *nulls)
    with engine.connect() as connection:
        # Databases sort texts differently.
        return sorted(map(repr, connection.execute(statement)))


def test_tables_of_every_shape_have_the_same_rows(copy):
    counts = copy.run()
    assert counts == {t.name: len(t.info["rows"]) for t in METADATA.tables.values()}
    for each in METADATA.tables.values():
        assert read(copy.target, each) == read(copy.source, each), each.name


@pytest.mark.parametrize("name", COUNTED)
def test_next_row_has_the_next_key(copy, name):
    copy.run()
    each = METADATA.tables[name]
    with copy.target.begin() as connection:
        connection.execute(insert(each), {"text": "b"})
        assert connection.scalar(select(func.max(each.c.number))) == 42


@pytest.mark.parametrize("name", ["row_refers_to_a_later_one", "key_has_two_columns"])
def test_foreign_keys_are_as_before(copy, name):
    METADATA.create_all(copy.target)
    before = inspect(copy.target).get_foreign_keys(name)
    copy.run()
    assert inspect(copy.target).get_foreign_keys(name) == before


def test_foreign_keys_are_checked_at_once_after_the_copy(copy):
    copy.run()
    each = METADATA.tables["cycle_begins"]
    event.listen(copy.target, "connect", enforce_foreign_keys)
    with pytest.raises(IntegrityError), copy.target.connect() as connection:
        connection.execute(insert(each), {"id": 9, "next": 10})


def enforce_foreign_keys(connection, _):
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")


VIEW = MetaData()
Table("shown", VIEW, Column("id", Integer, primary_key=True), info={"rows": []})


@pytest.fixture
def view(copy):
    """Replace a table by a view, in both databases."""
    for database in (copy.source, copy.target):
        with database.begin() as connection:
            connection.execute(text("CREATE VIEW shown AS SELECT 1 AS id"))
    yield
    with copy.target.begin() as connection:
        connection.execute(text("DROP VIEW shown"))


def test_view_is_left_out(copy, view):
    assert copy.run(VIEW) == {"shown": None}


def of_one_table(*items, **options):
    metadata = MetaData()
    Table("thing", metadata, Column("id", Integer, primary_key=True), *items, **options)
    return metadata


EMPTY = of_one_table(info={"rows": []})
NOTHING, COLUMN = MetaData(), of_one_table(Column("more", Integer))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (NOTHING, EMPTY, "thing does not exist in SOURCE."),
        (EMPTY, NOTHING, "thing does not exist in the new database."),
        (COLUMN, EMPTY, "thing has other columns (more) in SOURCE."),
        (EMPTY, COLUMN, "thing has other columns (more) in the new database."),
    ],
)
def test_difference_is_told_before_anything_is_copied(copy, old, new, problem):
    old.create_all(copy.source)
    new.create_all(copy.target)
    with pytest.raises(copy.CopyError, match=re.escape(problem)):
        copy.only(EMPTY)
    new.drop_all(copy.target)


def test_table_that_cannot_be_written_is_told_before_any_row_is(
    copy, monkeypatch, package
):
    problems = package.copy_data.problems
    monkeypatch.setattr(problems, "find_obstacle", lambda *_: "has an obstacle")
    with pytest.raises(copy.CopyError, match=r"thing has an obstacle\."):
        copy.run(EMPTY)
    EMPTY.drop_all(copy.target)


@pytest.mark.parametrize(
    ("columns", "options", "obstacle"),
    [
        ([{"name": "id", "identity": {"always": False}}], {}, None),
        ([{"name": "id"}], {"mysql_engine": "InnoDB"}, None),
        (
            [{"name": "id", "identity": {"always": True}}],
            {},
            "has an identity column that takes no value (id)",
        ),
        (
            [{"name": "id"}],
            {"mysql_engine": "MyISAM"},
            "has an engine without transactions",
        ),
    ],
)
def test_table_that_cannot_be_written_is_told(package, columns, options, obstacle):
    schema = SimpleNamespace(
        dialect=SimpleNamespace(name="mysql"),
        get_columns=lambda name, schema: columns,
        get_table_options=lambda name, schema: options,
    )
    find = package.copy_data.problems.find_obstacle
    assert find(EMPTY.tables["thing"], schema) == obstacle


class Server:
    """A connection to a server that is not there, and the SQL that it gets."""

    def __init__(self, dialect, answer=None):
        self.dialect, self.sql, self.answer = dialect, [], answer

    def exec_driver_sql(self, statement):
        self.sql.append(statement)
        return SimpleNamespace(scalar=lambda: self.answer)

    def scalar(self, statement):
        return 41


def test_postgresql_looks_at_the_foreign_keys_at_the_end(monkeypatch, package):
    server, rows = Server(postgresql.dialect()), package.copy_data.rows
    keys = [
        {"name": "to Self", "options": {}},
        {"name": "b", "options": {"deferrable": True}},
    ]
    schema = SimpleNamespace(get_foreign_keys=lambda name, schema: keys)
    monkeypatch.setattr(rows, "inspect", lambda connection: schema)
    with rows.deferred_foreign_keys(set(EMPTY.tables.values()), server):
        server.exec_driver_sql("INSERT")
    assert server.sql == [
        'ALTER TABLE thing ALTER CONSTRAINT "to Self" DEFERRABLE',
        "SET CONSTRAINTS ALL DEFERRED",
        "INSERT",
        "SET CONSTRAINTS ALL IMMEDIATE",
        'ALTER TABLE thing ALTER CONSTRAINT "to Self" NOT DEFERRABLE',
    ]


def test_another_database_needs_no_change_of_the_foreign_keys(package):
    server = Server(mysql.dialect())
    with package.copy_data.rows.deferred_foreign_keys(set(), server):
        server.exec_driver_sql("INSERT")
    assert server.sql == ["INSERT"]


@pytest.mark.parametrize(
    ("name", "dialect", "sql"),
    [
        (
            "identity_is_the_key",
            postgresql.dialect(),
            [
                "SELECT pg_get_serial_sequence('identity_is_the_key', 'number')",
                "SELECT setval('the_sequence', 41)",
            ],
        ),
        (
            "sequence_is_the_key",
            postgresql.dialect(),
            ["SELECT setval('numbers', 41)"],
        ),
        ("key_is_not_called_id", mysql.dialect(), ["SELECT NULL"]),
    ],
)
def test_sequence_is_advanced_on_a_server(package, name, dialect, sql):
    answer = "the_sequence" if "pg_get" in sql[0] else None
    server = Server(dialect, answer)
    column = METADATA.tables[name].c.number
    package.copy_data.rows.advance_sequence(column, server)
    assert server.sql == sql
