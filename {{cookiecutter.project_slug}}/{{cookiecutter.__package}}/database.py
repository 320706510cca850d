"""The database, and what every table has."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

from click import ClickException
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    DateTime,
    Dialect,
    FunctionElement,
    MetaData,
    String,
    TypeDecorator,
    event,
    make_url,
)
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware and in UTC in Python, also on engines without time zones."""

    # MariaDB would keep whole seconds.
    impl = DateTime(timezone=True).with_variant(DATETIME(fsp=6), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Store UTC; a naive datetime raises ValueError, as its zone is unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(
        self, value: datetime | None, dialect: Dialect
    ) -> datetime | None:
        """Give back what was stored, aware."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class IgnoringCase(FunctionElement[str]):
    """A text in lower case; on MariaDB as it is, as a column there ignores case.

    MariaDB has no index on an expression.
    """

    type = String()
    inherit_cache = True


@compiles(IgnoringCase)
def _lower(text: Any, compiler: Any, **options: Any) -> str:
    return f"lower({compiler.process(text.clauses, **options)})"


@compiles(IgnoringCase, "mysql")
@compiles(IgnoringCase, "mariadb")
def _as_it_is(text: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(text.clauses, **options))


def utc_now() -> datetime:
    """The current moment, aware."""
    return datetime.now(UTC)


class Base(DeclarativeBase):
    """What every table has: an id and when its row was made and last changed."""

    # Constraints without a name cannot be dropped by a migration.
    metadata = MetaData(
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


db = SQLAlchemy(model_class=Base)
migrate = Migrate()

# Errors are logged with their SQL; the values would be personal data.
ANY_ENGINE = {"hide_parameters": True}

# Times are in seconds: a server that is away, or busy with one statement, must not take
# every thread with it.
SERVER = {
    # A connection that the server has closed meanwhile is replaced, not used.
    "pool_pre_ping": True,
    "pool_recycle": 1800,
    # As many as a worker has threads, and a few more.
    "pool_size": 5,
    "max_overflow": 15,
    "pool_timeout": 10,
}

ENGINES: dict[str, dict[str, Any]] = {
    # A writer waits for the lock of another, and takes it before it writes.
    "sqlite": {"connect_args": {"timeout": 30, "isolation_level": "IMMEDIATE"}},
    "postgresql": {
        **SERVER,
        # A machine that vanished is given up after so many milliseconds.
        "connect_args": {"connect_timeout": 3, "tcp_user_timeout": 10_000},
    },
    "mysql": {
        **SERVER,
        # As on PostgreSQL. Its own default locks rows that are not there, and two
        # requests of one user would each wait for the other.
        "isolation_level": "READ COMMITTED",
        "connect_args": {"connect_timeout": 3},
    },
}
ENGINES["mariadb"] = ENGINES["mysql"]

# What each new connection is told.
SAID = {
    "sqlite": [
        # Readers do not wait for the writer.
        "PRAGMA journal_mode = WAL",
        # With WAL the file stays whole, and a crash loses nothing; a power cut may
        # take the last writes.
        "PRAGMA synchronous = NORMAL",
        # SQLite checks them only where it is asked to.
        "PRAGMA foreign_keys = ON",
    ],
    "postgresql": ["SET statement_timeout = '10s'"],
    "mysql": ["SET max_statement_time = 10"],
}
SAID["mariadb"] = SAID["mysql"]

# A transaction around one query would be two more round trips to PostgreSQL. SQLite
# has none to save, and MariaDB would pay for the switch.
FOR_ONE_QUERY = {"postgresql": {"isolation_level": "AUTOCOMMIT"}}


def init_app(app: Flask) -> None:
    """Connect the app to the database that SQLALCHEMY_DATABASE_URI names."""
    try:
        _connect(app)
    except (ArgumentError, ImportError, TypeError) as error:
        names = "FLASK_SQLALCHEMY_DATABASE_URI or FLASK_SQLALCHEMY_ENGINE_OPTIONS"
        raise ClickException(f"{names} cannot be used: {error}") from None


def _connect(app: Flask) -> None:
    engine = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).get_backend_name()
    ours, theirs = ENGINES.get(engine, SERVER), app.config["SQLALCHEMY_ENGINE_OPTIONS"]
    names = ours.get("connect_args", {}) | theirs.get("connect_args", {})
    options = {**ANY_ENGINE, **ours, **theirs, "connect_args": names}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    # Batch mode: SQLite changes a column only by copying its table.
    migrate.init_app(app, db, render_as_batch=True)
    with app.app_context():
        event.listen(db.engine, "connect", partial(_say, SAID.get(engine, [])))
        lookups = db.engine.execution_options(**FOR_ONE_QUERY.get(engine, {}))
    app.extensions["lookups"] = lookups


def _say(statements: list[str], connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
    connection.commit()
