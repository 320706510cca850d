"""Checks of tokens, HTTP and rate limits, most of them for production."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from ..security import Check

Config = Mapping[str, Any]


def find_if(
    problem: str, condition: Callable[[Config], Any]
) -> Callable[..., str | None]:
    """Make a check of a condition: the problem is found where it holds."""
    return lambda config: problem if condition(config) else None


def find_long_age(name: str, maximum: timedelta) -> Callable[[Config], str | None]:
    """Make a check of an age."""
    return lambda config: (
        f"{name} is {config[name]}, more than {maximum}."
        if config[name] > maximum
        else None
    )


def find_separate_rate_limits(config: Config) -> str | None:
    """Check that workers which must count together do."""
    workers = int(os.environ.get("WEB_CONCURRENCY", 2)) * config["INSTANCES"]
    separate = workers > 1 and config["RATELIMIT_STORAGE_URI"].startswith("memory:")
    return f"{workers} workers each count refused logins alone." if separate else None


def find_separate_databases(config: Config) -> str | None:
    """Check that machines share their database."""
    is_sqlite = config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    separate = is_sqlite and config["INSTANCES"] > 1
    return "SQLite is one file, and there are several machines." if separate else None


CHECKS = [
    Check(
        "auth.E005",
        find_long_age("SECURITY_TOKEN_MAX_AGE", timedelta(hours=1)),
        "A stolen token can be used that long (ASVS 9.2; RFC 9700, 2.2).",
        "Set FLASK_SECURITY_TOKEN_MAX_AGE=900.",
    ),
    Check(
        "auth.E006",
        find_long_age("SECURITY_REFRESH_TOKEN_MAX_AGE", timedelta(days=90)),
        "A session that never ends is a second password (ASVS 7.3).",
        "Set FLASK_SECURITY_REFRESH_TOKEN_MAX_AGE=2592000.",
    ),
    Check(
        "auth.E007",
        find_long_age("SECURITY_REFRESH_TOKEN_MAX_IDLE", timedelta(days=30)),
        "A lost device stays logged in (ASVS 7.3).",
        "Set FLASK_SECURITY_REFRESH_TOKEN_MAX_IDLE=604800.",
    ),
    Check(
        "auth.E020",
        find_if("Debug or test mode is on.", lambda c: c["DEBUG"] or c["TESTING"]),
        "Errors show the code, and may run some (ASVS 13.4.2).",
        "Set FLASK_DEBUG=false.",
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
        "auth.E027",
        find_if("HSTS_SECONDS is 0.", lambda c: not c["HSTS_SECONDS"]),
        "A browser can be made to connect without TLS (ASVS 3.4.1).",
        "Set FLASK_HSTS_SECONDS=31536000.",
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
]
