"""What keeps tables from being copied: all of it is said before the first row."""

from collections.abc import Iterator

from sqlalchemy import (
    Connection,
    ForeignKeyConstraint,
    Inspector,
    Table,
    and_,
    func,
    inspect,
    select,
)

UPGRADE = "Run `flask db upgrade` on both databases"


class CopyError(Exception):
    """The data cannot be copied; the message says why, and never has a password."""


def find_problems(
    tables: list[Table], old: Connection, new: Connection
) -> Iterator[str]:
    """Yield why the tables cannot be copied, before any row is."""
    different = [
        f"{table} {reason} in {where}. {UPGRADE}."
        for connection, where in ((old, "SOURCE"), (new, "the new database"))
        for table in tables
        if (reason := find_difference(table, inspect(connection)))
    ]
    yield from different
    for table in tables if not different else []:
        if new.scalar(select(select(table).exists())):
            yield f"{table} is not empty in the new database."
        if reason := find_obstacle(table, inspect(new)):
            yield f"{table} {reason}."
        for key in table.foreign_key_constraints:
            if count := count_orphans(key, old):
                yield (
                    f"{count} rows of {table} refer to rows of {key.referred_table} "
                    f"({', '.join(key.column_keys)}) that do not exist."
                )


def find_difference(table: Table, schema: Inspector) -> str | None:
    """Return how a table of the models is different in a database."""
    if not schema.has_table(table.name, table.schema):
        return "does not exist"
    names = {column["name"] for column in schema.get_columns(table.name, table.schema)}
    different = names ^ {column.name for column in table.c}
    return f"has other columns ({', '.join(sorted(different))})" if different else None


def find_obstacle(table: Table, schema: Inspector) -> str | None:
    """Return why no row can be copied to a table, or not be taken back."""
    for column in schema.get_columns(table.name, table.schema):
        if column.get("identity", {}).get("always"):
            return f"has an identity column that takes no value ({column['name']})"
    # Older releases of SQLAlchemy know options on some databases only.
    has_engines = schema.dialect.name in ("mysql", "mariadb")
    options = schema.get_table_options(table.name, table.schema) if has_engines else {}
    if options.get("mysql_engine", "InnoDB") != "InnoDB":
        return "has an engine without transactions"
    return None


def count_orphans(key: ForeignKeyConstraint, connection: Connection) -> int:
    """Count the rows that refer to a row that does not exist."""
    target = key.referred_table.alias()
    pairs = [(e.parent, target.c[e.column.key]) for e in key.elements]
    join = key.table.outerjoin(target, and_(*(left == right for left, right in pairs)))
    given = and_(*(left.is_not(None) for left, _ in pairs), pairs[0][1].is_(None))
    return connection.scalar(select(func.count()).select_from(join).where(given)) or 0
