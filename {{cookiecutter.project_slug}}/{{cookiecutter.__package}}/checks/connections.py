"""Checks of what the app connects to: who as, with TLS, and whether it answers."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from ..database import db
from ..security import Check
from ..security.rate_limits import RateLimiter

Config = Mapping[str, Any]

# What a database answers about the user who asks, and what a superuser gets.
PRIVILEGES_SQL = {
    "postgresql": "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    "mysql": "SHOW GRANTS",
}
PRIVILEGES_SQL["mariadb"] = PRIVILEGES_SQL["mysql"]
IS_SUPERUSER = re.compile(r"True|.*\b(ALL PRIVILEGES|SUPER)\b.* ON \*\.\*.*", re.DOTALL)

# Where the database cannot be asked.
SUPERUSERS = {"postgres", "root", "sa", "admin", "administrator", "mysql", "mariadb"}

ENCRYPTED_SSL_MODES = {"require", "verify-ca", "verify-full"}
ENCRYPTED_SCHEMES = {
    "rediss",
    "rediss+cluster",
    "valkeys",
    "mongodb+srv",
    "async+rediss",
}


def is_local(host: str | None) -> bool:
    """Say whether a host is this machine, or a socket in its file system."""
    if not host or host == "localhost" or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def find_superuser(config: Config) -> str | None:
    """Check which rights the app has in its database; ask it where possible."""
    url = make_url(config["SQLALCHEMY_DATABASE_URI"])
    sql = PRIVILEGES_SQL.get(url.get_backend_name())
    if not sql:
        return None
    try:
        answers = [str(row) for row in db.session.scalars(text(sql))]
        found = any(map(IS_SUPERUSER.fullmatch, answers))
    except SQLAlchemyError:
        db.session.rollback()
        found = url.username in SUPERUSERS
    return "The user of the database is a superuser." if found else None


def find_plain_database(config: Config) -> str | None:
    """Check that the database is on this machine, or asked over TLS."""
    url = make_url(config["SQLALCHEMY_DATABASE_URI"])
    options = {
        **config["SQLALCHEMY_ENGINE_OPTIONS"].get("connect_args", {})
    } | url.query
    host = options.get("host") or options.get("unix_socket") or url.host
    if url.get_backend_name() == "sqlite" or is_local(str(host or "")):
        return None
    if url.get_backend_name() == "postgresql":
        encrypted = options.get("sslmode") in ENCRYPTED_SSL_MODES
    else:
        encrypted = any(options.get(name) for name in ("ssl", "ssl_ca"))
    return None if encrypted else "The database is asked without TLS."


def find_plain_storage(config: Config) -> str | None:
    """Check that Redis is on this machine, or asked over TLS."""
    url = urlsplit(config["RATELIMIT_STORAGE_URI"])
    verify = config["RATELIMIT_STORAGE_OPTIONS"].get("ssl_cert_reqs", "required")
    if url.scheme == "memory" or is_local(url.hostname):
        return None
    if url.scheme not in ENCRYPTED_SCHEMES:
        return "RATELIMIT_STORAGE_URI has no TLS."
    unverified = "ssl_cert_reqs=none" in url.query.lower() or verify != "required"
    return "The certificate of Redis is not verified." if unverified else None


def find_unreachable_storage(config: Config) -> str | None:
    """Check that Redis answers, with the settings that are given."""
    answers = RateLimiter(config).shared.storage.check()
    return None if answers else "Redis does not answer, or refuses the password."


TLS = "Whoever is in between can read and change it (ASVS 12.3.1)."
CHECKS = [
    Check(
        "auth.E043",
        find_superuser,
        "One injected statement can read and change everything (ASVS 13.2.2).",
        "Create a user for the app, who owns its tables only: docs/security.md.",
        deploy=True,
    ),
    Check(
        "auth.E044",
        find_plain_database,
        TLS,
        "Add ?sslmode=verify-full (PostgreSQL) or ?ssl_ca=FILE (MariaDB) to its URL.",
        deploy=True,
    ),
    Check(
        "auth.E045",
        find_plain_storage,
        TLS,
        "Set FLASK_RATELIMIT_STORAGE_URI=rediss://..., with a valid certificate.",
        deploy=True,
    ),
    Check(
        "auth.E049",
        find_unreachable_storage,
        "Each process counts refused logins alone meanwhile (ASVS 6.3.1).",
        "Start Redis, or correct FLASK_RATELIMIT_STORAGE_URI and its password.",
        deploy=True,
    ),
]
