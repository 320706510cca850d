"""How `flask db` runs migrations: on the app's own engine, one process at a time."""

from logging.config import fileConfig
from pathlib import Path

import click
import drafts
from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

fileConfig(str(context.config.config_file_name), disable_existing_loggers=False)

# SQL that takes a lock: a second process waits, and finds the work done. A migration of
# a large table takes longer than a request may. SQLite copies a table to change it, and
# must not enforce foreign keys meanwhile.
LOCK_SQL = {
    "sqlite": ["PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE"],
    "postgresql": ["SET statement_timeout = 0", "SELECT pg_advisory_lock(5001)"],
    "mysql": ["SET max_statement_time = 0", "SELECT GET_LOCK('flask db', 3600)"],
}
LOCK_SQL["mariadb"] = LOCK_SQL["mysql"]

migrate = current_app.extensions["migrate"]
settings = {
    "target_metadata": migrate.db.metadata,
    "process_revision_directives": drafts.complete,
    "render_item": drafts.render_item,
    # Each revision is committed on its own.
    "transaction_per_migration": True,
    **migrate.configure_args,
}


def run_offline() -> None:
    """Print the SQL (`flask db upgrade --sql`) instead of running it."""
    context.configure(
        dialect_name=migrate.db.engine.dialect.name, literal_binds=True, **settings
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Migrate the database."""
    with connect() as connection:
        take_lock(connection)
        context.configure(connection=connection, **settings)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        # The lock, and the other settings, end with the connection.
        connection.invalidate()


def connect() -> Connection:
    """Connect, or say which database is unreachable and what to do."""
    try:
        connection: Connection = migrate.db.engine.connect()
    except OperationalError as error:
        compose = Path("compose.yaml").exists()
        start = "docker compose up -d db" if compose else "start it"
        # Without the query: it may have a password.
        url = migrate.db.engine.url.set(query={})
        raise click.ClickException(
            f"The database {url} is unreachable: {error.orig}\n"
            f"Try: {start}. Its URL is FLASK_SQLALCHEMY_DATABASE_URI in .env."
        ) from None
    return connection


def take_lock(connection: Connection) -> None:
    """Wait for other processes that migrate."""
    for statement in LOCK_SQL.get(connection.dialect.name, []):
        connection.exec_driver_sql(statement)
    if connection.dialect.name != "sqlite":
        connection.commit()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
