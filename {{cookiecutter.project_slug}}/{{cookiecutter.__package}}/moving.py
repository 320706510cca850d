"""`flask copy-from`: take the rows of another database over, to move up from SQLite."""

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import Connection, NullPool, Table, create_engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from .database import db

# Rows that bring their id leave the counter of PostgreSQL behind.
CATCH_UP = {
    "postgresql": "SELECT setval(pg_get_serial_sequence('{0}', 'id'), max(id)) FROM {0}"
}


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(copy_from)


@click.command()
@click.argument("source")
@with_appcontext
def copy_from(source: str) -> None:
    """Copy every row of the database SOURCE into the configured one, which is empty.

    SOURCE is a SQLAlchemy URL: sqlite:////srv/instance/app.db. Both must have had
    `flask db upgrade`. It copies everything or, where anything fails, nothing.
    """
    tables = db.metadata.sorted_tables
    try:
        # Its one connection is closed at the end, not kept for another time.
        engine = create_engine(source, poolclass=NullPool)
        with engine.connect() as old, db.engine.begin() as new:
            for table in tables:
                if new.scalar(select(func.count()).select_from(table)):
                    raise click.ClickException(f"{table} is not empty: nothing copied.")
            for table in tables:
                click.echo(f"{table}: {_copy(table, old, new)} rows")
    except SQLAlchemyError as error:
        raise click.ClickException(f"Nothing was copied: {error}") from None


def _copy(table: Table, old: Connection, new: Connection) -> int:
    count = 0
    for rows in old.execute(select(table)).mappings().partitions(1000):
        new.execute(insert(table), [dict(row) for row in rows])
        count += len(rows)
    if "id" in table.c:
        statement = CATCH_UP.get(new.dialect.name, "SELECT 1")
        new.exec_driver_sql(statement.format(table.name))
    return count
