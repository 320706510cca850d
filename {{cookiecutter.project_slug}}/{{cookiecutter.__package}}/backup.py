"""`flask db-backup`: a complete copy of a SQLite database, while the app runs."""

import shlex
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from .database import db, utc_now

# What backs up a server. The password is asked for, or read from a file (~/.pgpass,
# ~/.my.cnf): on a command line other users could see it.
SERVER_COMMANDS = {
    "postgresql": "pg_dump --format=custom --file=backup.dump",
    "mysql": "mariadb-dump --single-transaction --password --result-file=backup.sql",
}
SERVER_COMMANDS["mariadb"] = SERVER_COMMANDS["mysql"]


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(db_backup)


@click.command()
@with_appcontext
def db_backup() -> None:
    """Write a backup of the SQLite database to the folder instance/.

    Only its owner can read it, and no file is overwritten. For a database server it
    prints the command that makes a backup.
    """
    url = db.engine.url
    try:
        if url.get_backend_name() != "sqlite":
            raise OSError(f"this command is for SQLite. {describe_command(url)}")
        if not Path(url.database or "").is_file():
            raise OSError("there is no database file. Run: flask db upgrade")
        folder = Path(current_app.instance_path)
        folder.mkdir(0o700, parents=True, exist_ok=True)
        backup = folder / f"backup-{utc_now():%Y-%m-%dT%H%M%SZ}.db"
        # Created with this mode: at no moment can others read it.
        backup.touch(0o600, exist_ok=False)
        write_backup(backup)
    except (OSError, SQLAlchemyError) as error:
        raise click.ClickException(f"No backup was made: {error}") from None
    click.echo(f"Wrote {backup}")


def write_backup(file: Path) -> None:
    """Copy the database, as it is at this moment, into an empty file."""
    try:
        with db.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(file),))
    except SQLAlchemyError:
        file.unlink()
        raise


def describe_command(url: URL) -> str:
    """Return what backs up the server of a URL, without its password."""
    if not (command := SERVER_COMMANDS.get(url.get_backend_name())):
        return "Use the tools of the database server."
    given = {"--host": url.host, "--port": url.port, "--user": url.username}
    words = [f"{name}={value}" for name, value in given.items() if value]
    return f"Run: (umask 077; {command} {shlex.join([*words, url.database or ''])})"
