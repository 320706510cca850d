"""Checks of the database: its constraints, its revision, its character set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import String, bindparam, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from ..database import db
from ..security import Check, User

Config = Mapping[str, Any]

# SQL that looks at the set-up, what it should find, and what is wrong otherwise.
SETUP = {
    "postgresql": (
        "SHOW server_encoding",
        "UTF8",
        "The encoding of the database is not UTF8: create it with ENCODING 'UTF8'.",
    ),
    "mysql": (
        "SELECT count(*) FROM information_schema.tables WHERE table_name IN :names "
        "AND table_schema = DATABASE() AND table_collation NOT LIKE 'utf8mb4%'",
        0,
        "The character set of a table is not utf8mb4: ALTER TABLE ... CONVERT TO.",
    ),
}
SETUP["mariadb"] = SETUP["mysql"]


def find_shared_addresses(config: Config) -> str | None:
    """Check that the database itself keeps e-mail addresses unique."""
    try:
        inspector = inspect(db.engine)
        if not inspector.has_table(User.__tablename__):
            return None  # auth.W014
        constraints = inspector.get_unique_constraints(User.__tablename__)
        indexes = inspector.get_indexes(User.__tablename__)
    except SQLAlchemyError:
        return None  # auth.W014
    unique = [*constraints, *(index for index in indexes if index["unique"])]
    found = any(key["column_names"] == ["email"] for key in unique)
    return None if found else "auth_user.email is not unique in the database."


def find_missing_migrations(config: Config) -> str | None:
    """Check that the tables are those of the newest migration."""
    folder = Path(current_app.extensions["migrate"].directory)
    if not (folder / "alembic.ini").exists():
        return None  # not in this folder
    newest = ScriptDirectory(str(folder)).get_current_head()
    try:
        revision = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        return None  # auth.W014
    if revision in (None, newest):
        return None  # without any, there are no tables: auth.W014
    return f"The database has revision {revision}, and the newest is {newest}."


def find_wrong_setup(config: Config) -> str | None:
    """Check the set-up of the server, as /readyz does."""
    try:
        return find_setup_problem()
    except SQLAlchemyError:
        return None  # auth.W014


def find_setup_problem() -> str | None:
    """Return what is wrong with the set-up of the database, or None: one query."""
    sql, right, problem = SETUP.get(db.engine.dialect.name, ("SELECT 1", 1, ""))
    statement = text(sql)
    if ":names" in sql:
        names = bindparam("names", [*db.metadata.tables], String, expanding=True)
        statement = statement.bindparams(names)
    return None if db.session.scalar(statement) == right else problem


CHECKS = [
    Check(
        "auth.E054",
        find_shared_addresses,
        "Two accounts with one address are one account for their owner (ASVS 6.3.8).",
        "Draft a migration: flask db migrate. Remove double addresses before it.",
    ),
    Check(
        "auth.E056",
        find_missing_migrations,
        "The app expects other tables, and fails where they differ.",
        "Run: flask db upgrade",
    ),
    Check(
        "auth.E057",
        find_wrong_setup,
        "Texts that it cannot store are refused, and the client is blamed.",
        "Do what it says, on a copy first; /readyz answers 503 meanwhile.",
    ),
]
