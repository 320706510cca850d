"""Checks of tokens, HTTP and rate limits, most of them for production."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import make_url

from ..security import Check

Config = Mapping[str, Any]

FOR_DEVELOPMENT = (
    "DEBUG",
    "TESTING",
    "EXPLAIN_TEMPLATE_LOADING",
    "PROPAGATE_EXCEPTIONS",
    "SQLALCHEMY_ECHO",
    "TRAP_BAD_REQUEST_ERRORS",
    "TRAP_HTTP_EXCEPTIONS",
)


def find_if(
    problem: str, condition: Callable[[Config], Any]
) -> Callable[..., str | None]:
    """Make a check of a condition: the problem is found where it holds."""
    return lambda config: problem if condition(config) else None


def find_switched_on(config: Config) -> str | None:
    """Check the switches of Flask that are for development."""
    switches = ", ".join(name for name in FOR_DEVELOPMENT if config.get(name))
    return f"Switched on: {switches}." if switches else None


def find_logged_parameters(config: Config) -> str | None:
    """Check that no SQL is logged with its parameters."""
    options = config["SQLALCHEMY_ENGINE_OPTIONS"]
    shown = not options.get("hide_parameters", True)
    return "Errors of the database are logged with their parameters." if shown else None


def find_lost_database(config: Config) -> str | None:
    """Check that the database is not in memory."""
    url = make_url(config["SQLALCHEMY_DATABASE_URI"])
    in_memory = url.get_backend_name() == "sqlite" and (
        url.database in (None, "", ":memory:") or "mode" in url.query
    )
    return "The database is in memory." if in_memory else None


def count_workers() -> int:
    """Return how many processes gunicorn.conf.py and GUNICORN_CMD_ARGS ask for."""
    arguments = os.environ.get("GUNICORN_CMD_ARGS", "")
    given = re.findall(r"(?:^|\s)(?:-w|--workers)[\s=]*(\d+)", arguments)
    return int(given[-1] if given else os.environ.get("WEB_CONCURRENCY") or 2)


def find_separate_rate_limits(config: Config) -> str | None:
    """Check that workers which must count together do."""
    workers = count_workers() * config["INSTANCES"]
    separate = workers > 1 and config["RATELIMIT_STORAGE_URI"].startswith("memory:")
    return f"{workers} workers each count refused logins alone." if separate else None


def find_separate_databases(config: Config) -> str | None:
    """Check that machines share their database."""
    is_sqlite = config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    separate = is_sqlite and config["INSTANCES"] > 1
    return "SQLite is one file, and there are several machines." if separate else None


CHECKS = [
    Check(
        "auth.E020",
        find_switched_on,
        "Errors show the code, and may run some (ASVS 13.4.2).",
        "Remove it from the environment and from .env.",
        deploy=True,
    ),
    Check(
        "auth.E022",
        find_separate_rate_limits,
        "An attacker has as many attempts as there are workers (ASVS 6.3.1).",
        "Set FLASK_RATELIMIT_STORAGE_URI=redis://...",
        deploy=True,
    ),
    Check(
        "auth.E023",
        find_separate_databases,
        "A user who is logged out on one machine is logged in on another (ASVS 7.4.1).",
        "Set FLASK_SQLALCHEMY_DATABASE_URI to a database server.",
        deploy=True,
    ),
    Check(
        "auth.E024",
        find_if("TRUSTED_HOSTS is not set.", lambda c: not c["TRUSTED_HOSTS"]),
        "A client can send any Host header (RFC 9110, section 7.2).",
        """Set FLASK_TRUSTED_HOSTS='["api.example.com", "127.0.0.1"]'.""",
        deploy=True,
    ),
    Check(
        "auth.E025",
        find_if("PROXY_COUNT is 0.", lambda c: not c["PROXY_COUNT"]),
        "Behind a proxy every client has the proxy's address (ASVS 4.1.3).",
        "Set FLASK_PROXY_COUNT=1.",
        deploy=True,
    ),
    Check(
        "auth.E028",
        find_if(
            "CORS_ORIGINS allows every origin.", lambda c: "*" in c["CORS_ORIGINS"]
        ),
        "Any page can call the API from its visitor's browser (ASVS 3.4.2).",
        """Set FLASK_CORS_ORIGINS='["https://app.example.com"]'.""",
        deploy=True,
    ),
    Check(
        "auth.E030",
        find_if("RATELIMIT_ENABLED is false.", lambda c: not c["RATELIMIT_ENABLED"]),
        "Brute force is not limited (ASVS 6.3.1).",
        "Set FLASK_RATELIMIT_ENABLED=true.",
        deploy=True,
    ),
    Check(
        "auth.E051",
        find_logged_parameters,
        "They are personal data, and hashes of passwords (ASVS 16.2.5).",
        "Remove hide_parameters from FLASK_SQLALCHEMY_ENGINE_OPTIONS.",
        deploy=True,
    ),
    Check(
        "auth.E052",
        find_lost_database,
        "A restart loses every user, and each process has its own.",
        "Set FLASK_SQLALCHEMY_DATABASE_URI to a file or a database server.",
        deploy=True,
    ),
]
