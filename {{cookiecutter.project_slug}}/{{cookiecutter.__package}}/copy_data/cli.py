"""`flask copy-data`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import click
from flask.cli import with_appcontext
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ..database import db
from .problems import CopyError
from .rows import copy_tables

# What the connection to the old database runs first: nothing is written there, and all
# tables are read as they are at one moment.
READ_ONLY_SQL = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "mysql": "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
}
READ_ONLY_SQL["mariadb"] = READ_ONLY_SQL["mysql"]


@click.command()
@click.argument("source")
@with_appcontext
def copy_data(source: str) -> None:
    """Copy every row of the database SOURCE into the configured, empty database.

    SOURCE is a SQLAlchemy URL: sqlite:////srv/instance/app.db. Run `flask db upgrade`
    on both databases first. Views are left out. If any row fails, nothing is copied.
    """
    try:
        with connect_read_only(source) as old, db.engine.connect() as new:
            # Closed at the end: another request must not get it, as it is changed here.
            new.detach()
            counts = copy_tables(db.metadata, old, new)
    except CopyError as error:
        raise click.ClickException(f"Nothing was copied: {error}") from None
    except SQLAlchemyError as error:
        # The first line: the next ones of a driver may have the values of a row.
        reason = str(getattr(error, "orig", error)).partition("\n")[0]
        raise click.ClickException(f"Nothing was copied: {reason}") from None
    for table, count in counts.items():
        click.echo(
            f"{table}: {'left out, a view' if count is None else f'{count} rows'}"
        )


@contextmanager
def connect_read_only(source: str) -> Iterator[Connection]:
    """Connect to the old database."""
    try:
        url = make_url(source)
        if url.get_backend_name() == "sqlite":
            url = open_read_only(url)
        # NullPool: the connection is closed at the end.
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
        connection = engine.connect()
        read_only = READ_ONLY_SQL.get(engine.dialect.name, "SELECT 1")
        connection.exec_driver_sql(read_only)
    except (ArgumentError, ImportError, ValueError):
        message = "SOURCE is no SQLAlchemy URL of a database with a driver here."
        raise CopyError(message) from None
    except SQLAlchemyError as error:
        # Not the driver's message: where a password has an unquoted @ or /, the rest of
        # it is taken for a part of the address.
        message = (
            f"SOURCE cannot be opened ({type(error).__name__}). Check the address, the "
            "user and the password; in a URL, write @ as %40 and / as %2F."
        )
        raise CopyError(message) from None
    with connection:
        yield connection


def open_read_only(url: URL) -> URL:
    """Return the URL that opens an existing SQLite file, and creates none."""
    name = url.database or ""
    if name.startswith("file:"):
        return url.update_query_dict({"mode": "ro", "uri": "true"})
    if not (file := Path(name)).is_file():
        raise CopyError(f"There is no SQLite file {name!r}.")
    uri = f"file:{quote(str(file.absolute()))}"
    return url.set(database=uri, query={"mode": "ro", "uri": "true"})
