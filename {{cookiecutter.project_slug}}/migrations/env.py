"""How `flask db` runs the migrations: on the app's own engine, one at a time."""

import warnings
from logging.config import fileConfig
from pathlib import Path
from typing import Any

import click
from alembic import context
from alembic.autogenerate.rewriter import Rewriter
from alembic.operations.ops import CreateIndexOp, CreateTableOp
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

fileConfig(str(context.config.config_file_name), disable_existing_loggers=False)

# An index on an expression is written by hand: no two engines show it alike.
BY_HAND = {"uq_auth_user_email_lower"}
warnings.filterwarnings("ignore", ".*expression-based index")

# Whoever comes second waits, and finds the work done. Changing a large table takes
# longer than a request may, and SQLite must not follow a table's copy to its rows.
ALONE = {
    "sqlite": ["PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE"],
    "postgresql": ["SET statement_timeout = 0", "SELECT pg_advisory_lock(5001)"],
    "mysql": ["SET max_statement_time = 0", "SELECT GET_LOCK('flask db', 3600)"],
}
ALONE["mariadb"] = ALONE["mysql"]


def with_its_import(kind: str, item: Any, context: Any) -> Any:
    """Write a type of the app's own into a draft, and where it comes from."""
    name, module = type(item).__name__, type(item).__module__
    if kind != "type" or not module.startswith(f"{current_app.import_name}."):
        return False
    context.imports.add(f"from {module} import {name}")
    return f"{name}()"


drafts = Rewriter()


@drafts.rewrites(CreateTableOp)
@drafts.rewrites(CreateIndexOp)
def may_come_again(context: Any, revision: Any, step: Any) -> Any:
    """Let the next try find what a migration did before it failed: MariaDB keeps it."""
    step.if_not_exists = True
    return step


migrate = current_app.extensions["migrate"]
settings = {
    "target_metadata": migrate.db.metadata,
    "include_object": lambda _, name, *__: name not in BY_HAND,
    "process_revision_directives": drafts,
    "render_item": with_its_import,
    # Each revision counts as soon as it is done.
    "transaction_per_migration": True,
    **migrate.configure_args,
}


def run_offline() -> None:
    """Print the SQL (`flask db upgrade --sql`), for someone else to run."""
    context.configure(
        dialect_name=migrate.db.engine.dialect.name, literal_binds=True, **settings
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Change the database."""
    with connect() as connection:
        be_alone(connection)
        context.configure(connection=connection, **settings)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        # The lock, and what else was set, ends with the connection.
        connection.invalidate()


def connect() -> Connection:
    """Connect, or say where there is no database and how to get one."""
    try:
        connection: Connection = migrate.db.engine.connect()
    except OperationalError as error:
        compose = Path("compose.yaml").exists()
        start = "docker compose up -d db" if compose else "start it"
        raise click.ClickException(
            f"No database answers at {migrate.db.engine.url}: {error.orig}\n"
            f"Try: {start}. The address is FLASK_SQLALCHEMY_DATABASE_URI in .env."
        ) from None
    return connection


def be_alone(connection: Connection) -> None:
    """Wait for others who migrate."""
    for statement in ALONE.get(connection.dialect.name, []):
        connection.exec_driver_sql(statement)
    if connection.dialect.name != "sqlite":
        connection.commit()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
