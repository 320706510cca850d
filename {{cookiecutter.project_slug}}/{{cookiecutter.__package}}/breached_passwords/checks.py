"""Checks of the service of breached passwords."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..security import Check

MAX_TIMEOUT = 10  # seconds
LOCAL = {"localhost", "127.0.0.1", "::1"}


def find_plain_service(config: Mapping[str, Any]) -> str | None:
    """Check that the service is asked over TLS, or is on this machine."""
    url = urlsplit(config["PASSWORD_BREACH_URL"] or "https:")
    plain = url.scheme != "https" and url.hostname not in LOCAL
    return "PASSWORD_BREACH_URL has no TLS." if plain else None


def find_long_timeout(config: Mapping[str, Any]) -> str | None:
    """Check how long a request waits for the service."""
    is_long = config["PASSWORD_BREACH_TIMEOUT"] > MAX_TIMEOUT
    return f"PASSWORD_BREACH_TIMEOUT is more than {MAX_TIMEOUT}." if is_long else None


CHECKS = [
    Check(
        "auth.E046",
        find_plain_service,
        "Whoever is in between can read and change it (ASVS 12.3.1).",
        "Set FLASK_PASSWORD_BREACH_URL=https://...",
        deploy=True,
    ),
    Check(
        "auth.E055",
        find_long_timeout,
        "A service that does not answer holds the threads of the app (ASVS 15.1.3).",
        "Set FLASK_PASSWORD_BREACH_TIMEOUT=2.",
        deploy=True,
    ),
]
