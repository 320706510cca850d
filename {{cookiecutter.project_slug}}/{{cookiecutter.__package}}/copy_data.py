"""`flask copy-data`: copy all rows from another database, to move up from SQLite."""

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import Connection, NullPool, Table, create_engine, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from .database import db
from .settings.rules import find_url_problem

# Rows that bring their id do not advance PostgreSQL's sequence.
ADVANCE_SEQUENCE_SQL = {
    "postgresql": "SELECT setval(pg_get_serial_sequence('{0}', 'id'), max(id)) FROM {0}"
}


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(copy_data)


@click.command()
@click.argument("source")
@with_appcontext
def copy_data(source: str) -> None:
    """Copy every row of the database SOURCE into the configured, empty database.

    SOURCE is a SQLAlchemy URL: sqlite:////srv/instance/app.db. Run `flask db upgrade`
    on both databases first. If any row fails, nothing is copied.
    """
    tables = db.metadata.sorted_tables
    if problem := find_url_problem(source):
        raise click.ClickException(f"Nothing was copied: SOURCE {problem}.")
    try:
        # NullPool: the connection is closed at the end.
        engine = create_engine(source, poolclass=NullPool)
        with engine.connect() as old, db.engine.begin() as new:
            for table in tables:
                if new.scalar(select(func.count()).select_from(table)):
                    message = f"{table} is not empty. Nothing was copied."
                    raise click.ClickException(message)
            for table in tables:
                click.echo(f"{table}: {_copy_table(table, old, new)} rows")
    except SQLAlchemyError as error:
        raise click.ClickException(f"Nothing was copied: {error}") from None


def _copy_table(table: Table, old: Connection, new: Connection) -> int:
    count = 0
    for rows in old.execute(select(table)).mappings().partitions(1000):
        new.execute(insert(table), [dict(row) for row in rows])
        count += len(rows)
    if "id" in table.c:
        statement = ADVANCE_SEQUENCE_SQL.get(new.dialect.name, "SELECT 1")
        new.exec_driver_sql(statement.format(table.name))
    return count
