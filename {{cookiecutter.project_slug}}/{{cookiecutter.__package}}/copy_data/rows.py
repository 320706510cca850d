"""Copy the rows of all tables, in one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    MetaData,
    RowMapping,
    Sequence,
    Table,
    bindparam,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.schema import sort_tables_and_constraints

from .problems import CopyError, find_problems

# What the connection to the new one runs first. A row may be copied before the row that
# it refers to: find_problems has seen that every row is there. One statement may take
# long, and 0 is a key like any other.
BULK_SQL = {
    "sqlite": ["PRAGMA foreign_keys = OFF"],
    "postgresql": ["SET LOCAL statement_timeout = 0"],
    "mysql": [
        "SET foreign_key_checks = 0, max_statement_time = 0",
        "SET sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')",
    ],
}
BULK_SQL["mariadb"] = BULK_SQL["mysql"]

# The sequence of a serial or identity column, and how one is advanced: rows that bring
# their key do not advance it. Other databases look at the highest key themselves.
OWNED_SEQUENCE_SQL = {
    "postgresql": "SELECT pg_get_serial_sequence('{table}', '{column}')"
}
ADVANCE_SQL = {
    "postgresql": "SELECT setval('{sequence}', {value})",
    "mysql": "SELECT setval({sequence}, {value})",
}
ADVANCE_SQL["mariadb"] = ADVANCE_SQL["mysql"]


def copy_tables(
    metadata: MetaData, old: Connection, new: Connection
) -> dict[Table, int | None]:
    """Copy all tables in one transaction, or raise CopyError.

    Returns the number of rows of each table, and None for a view.
    """
    sort: Any = sort_tables_and_constraints
    # The last entry has no table, but the foreign keys of cycles.
    *ordered, (_, cycles) = sort(metadata.tables.values())
    models = [table for table, _ in ordered if table is not None]
    views = find_views(models, old) | find_views(models, new)
    tables = [table for table in models if table not in views]
    if problems := list(find_problems(tables, old, new)):
        raise CopyError("\n  ".join(["", *problems]))
    unordered = {key.table for key in cycles} | set(filter(refers_to_self, tables))
    new.rollback()
    for statement in BULK_SQL.get(new.dialect.name, []):
        new.exec_driver_sql(statement)
    with deferred_foreign_keys(unordered, new):
        counts = {table: copy_table(table, old, new) for table in tables}
    for column in (column for table in tables for column in table.c):
        advance_sequence(column, new)
    new.commit()
    return {**counts, **dict.fromkeys(views)}


def find_views(tables: list[Table], connection: Connection) -> set[Table]:
    """Return the tables of the models that are views in a database."""
    schema = inspect(connection)
    kind = ObjectKind.ANY_VIEW
    return {
        table
        for table in tables
        if (table.schema, table.name)
        in schema.get_multi_columns(schema=table.schema, kind=kind)
    }


def refers_to_self(table: Table) -> bool:
    """Say whether a row of a table may refer to another row of it."""
    return any(key.referred_table is table for key in table.foreign_key_constraints)


@contextmanager
def deferred_foreign_keys(tables: set[Table], connection: Connection) -> Iterator[None]:
    """Have PostgreSQL look at the foreign keys of some tables at the end."""
    if connection.dialect.name != "postgresql":
        yield  # BULK_SQL is enough
        return
    name, schema = connection.dialect.identifier_preparer, inspect(connection)
    keys = [
        f"{name.format_table(table)} ALTER CONSTRAINT {name.quote(str(key['name']))}"
        for table in tables
        for key in schema.get_foreign_keys(table.name, table.schema)
        if not key["options"].get("deferrable")
    ]
    for key in keys:
        connection.exec_driver_sql(f"ALTER TABLE {key} DEFERRABLE")
    connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")
    yield
    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for key in keys:
        connection.exec_driver_sql(f"ALTER TABLE {key} NOT DEFERRABLE")


def copy_table(table: Table, old: Connection, new: Connection) -> int:
    """Copy the rows of a table; return how many."""
    # What the database computes it computes again.
    columns = {f"v{i}": c for i, c in enumerate(table.c) if c.computed is None}
    json = {name: c for name, c in columns.items() if isinstance(c.type, JSON)}
    select_rows = select(
        *(column.label(name) for name, column in columns.items()),
        *(column.is_(None).label(f"{name}_null") for name, column in json.items()),
    )
    values = {c: bindparam(name, type_=get_type(c)) for name, c in columns.items()}
    count = 0
    result = old.execute(select_rows, execution_options={"yield_per": 1000})
    try:
        for rows in result.mappings().partitions():
            given = [restore_nulls(row, json) for row in rows]
            new.execute(insert(table).values(values), given)
            count += len(rows)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Without the message: it has the value.
        reason = f"a value of {table} is unreadable ({type(error).__name__})."
        raise CopyError(reason) from None
    return count


def get_type(column: Column[Any]) -> Any:
    """Return the type of a column, for which None is always NULL."""
    if isinstance(column.type, JSON):
        return column.type.adapt(type(column.type), none_as_null=True)
    return column.type


def restore_nulls(row: RowMapping, json: Iterable[str]) -> dict[str, Any]:
    """Tell the null of JSON from NULL: both are read as None."""
    nulls = [name for name in json if row[name] is None and not row[f"{name}_null"]]
    return dict(row) | dict.fromkeys(nulls, JSON.NULL)


def advance_sequence(column: Column[Any], connection: Connection) -> None:
    """Let the sequence of a column go on after the highest copied value."""
    quoted, dialect = connection.dialect.identifier_preparer, connection.dialect.name
    sequence = column.default
    name: str | None
    if isinstance(sequence, Sequence) and connection.dialect.supports_sequences:
        name = quoted.format_sequence(sequence)
    else:
        ask = OWNED_SEQUENCE_SQL.get(dialect, "SELECT NULL")
        table = quoted.format_table(column.table)
        ask = ask.format(table=table, column=column.name)
        name = connection.exec_driver_sql(ask).scalar()
    highest = name and connection.scalar(select(func.max(column)))
    if highest and highest > 0:
        advance = ADVANCE_SQL[dialect].format(sequence=name, value=highest)
        connection.exec_driver_sql(advance)
