"""The database, and what every table has."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click import ClickException
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Moment = datetime | None


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, also on engines without time zones."""

    # MariaDB would keep whole seconds.
    impl = sa.DateTime(timezone=True).with_variant(DATETIME(fsp=6), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: Moment, dialect: sa.Dialect) -> Moment:
        """Store UTC; a naive datetime raises ValueError, as its zone is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: Moment, dialect: sa.Dialect) -> Moment:
        """Give back what was stored, aware."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """The current moment, aware."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """What every table has: an id and when its row was made and last changed."""

    # Constraints without a name cannot be dropped by a migration.
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    modified_at: Mapped[datetime] = mapped_column(
        UtcDateTime, default=utc_now, onupdate=utc_now
    )


@sa.event.listens_for(sa.Table, "after_parent_attach")
def set_character_set(table: sa.Table, _: Any) -> None:
    """Let each table say its character set, whatever that of the database is."""
    for option in ("mysql_charset", "mariadb_charset"):
        table.kwargs.setdefault(option, "utf8mb4")


db = SQLAlchemy(model_class=Base)
migrate = Migrate()

# Errors are logged with their SQL, without its parameters: they are personal data.
COMMON_ENGINE_OPTIONS = {"hide_parameters": True}

# Timeouts in seconds: a server that is unreachable, or that takes long for one
# statement, must not block every thread.
SERVER_ENGINE_OPTIONS = {
    # A connection that the server has closed in the meantime is replaced, not used.
    "pool_pre_ping": True,
    "pool_recycle": 1800,
    # As many connections as a worker has threads, and a few more.
    "pool_size": 5,
    "max_overflow": 15,
    "pool_timeout": 10,
}

ENGINE_OPTIONS: dict[str, dict[str, Any]] = {
    # A writer waits for the write lock, and takes it when its transaction begins.
    "sqlite": {"connect_args": {"timeout": 30, "isolation_level": "IMMEDIATE"}},
    "postgresql": {
        **SERVER_ENGINE_OPTIONS,
        # Milliseconds until an unanswered connection is given up.
        "connect_args": {"connect_timeout": 3, "tcp_user_timeout": 10_000},
    },
    "mysql": {
        **SERVER_ENGINE_OPTIONS,
        # As on PostgreSQL. MariaDB's default also locks gaps between rows, and two
        # requests of one user would end in a deadlock.
        "isolation_level": "READ COMMITTED",
        "connect_args": {"connect_timeout": 3},
    },
}
ENGINE_OPTIONS["mariadb"] = ENGINE_OPTIONS["mysql"]

# SQL that runs on each new connection.
ON_CONNECT_SQL = {
    "sqlite": [
        # Readers do not wait for the writer.
        "PRAGMA journal_mode = WAL",
        # With WAL a crash of the process loses nothing and never corrupts the file; a
        # power failure may lose the last writes.
        "PRAGMA synchronous = NORMAL",
        # SQLite enforces foreign keys only when asked to.
        "PRAGMA foreign_keys = ON",
    ],
    "postgresql": ["SET statement_timeout = '10s'"],
    "mysql": ["SET max_statement_time = 10"],
}
ON_CONNECT_SQL["mariadb"] = ON_CONNECT_SQL["mysql"]

# A transaction around a single query is two more round trips to PostgreSQL. SQLite has
# no round trips to save, and on MariaDB the switch itself is one.
SINGLE_QUERY_OPTIONS = {"postgresql": {"isolation_level": "AUTOCOMMIT"}}


def init_app(app: Flask) -> None:
    """Connect the app to the database that SQLALCHEMY_DATABASE_URI names."""
    try:
        _connect(app)
    except Exception as error:
        # What the error says may be part of a password: it is not repeated.
        names = "FLASK_SQLALCHEMY_DATABASE_URI or FLASK_SQLALCHEMY_ENGINE_OPTIONS"
        raise ClickException(
            f"{names} cannot be used: {type(error).__name__}"
        ) from None


def _connect(app: Flask) -> None:
    url = sa.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    dialect = url.get_backend_name()
    defaults = ENGINE_OPTIONS.get(dialect, SERVER_ENGINE_OPTIONS)
    options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    arguments = defaults.get("connect_args", {}) | options.get("connect_args", {})
    options = COMMON_ENGINE_OPTIONS | defaults | options | {"connect_args": arguments}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    if dialect == "sqlite" and not Path(url.database or "/").is_absolute():
        # The extension would make it for everyone to read.
        Path(app.instance_path).mkdir(0o700, parents=True, exist_ok=True)
    db.init_app(app)
    # Batch mode: SQLite changes a column only by copying its table.
    migrate.init_app(app, db, render_as_batch=True)
    with app.app_context():
        for listener in CONNECT_LISTENERS.get(dialect, []):
            sa.event.listen(db.engine, "connect", listener)
        statements = ON_CONNECT_SQL.get(dialect, [])
        sa.event.listen(db.engine, "connect", partial(run_on_connect, statements))
        engine = db.engine.execution_options(**SINGLE_QUERY_OPTIONS.get(dialect, {}))
    app.extensions["single_query_engine"] = engine


def keep_new_file_private(connection: Any, _: Any) -> None:
    """Let only its owner read a new database, and so its journals, on SQLite."""
    name = connection.execute("PRAGMA database_list").fetchone()[2]
    if name and not (file := Path(name)).stat().st_size:
        file.chmod(0o600)


# Each runs on a new connection, before its SQL.
CONNECT_LISTENERS = {"sqlite": [keep_new_file_private]}


def run_on_connect(statements: list[str], connection: Any, _: Any) -> None:
    """Run statements on a new connection of the driver."""
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
    connection.commit()
