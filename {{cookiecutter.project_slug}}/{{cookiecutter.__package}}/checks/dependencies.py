"""Checks of the installed libraries."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..security import Check

# The first releases with the last known fix: an advisory applies to older ones.
SAFE_VERSIONS = {
    "flask": (3, 1, 3),
    "flask-cors": (6, 0, 0),
    "flask-security": (5, 9, 2),
    "gunicorn": (23, 0, 0),
    "idna": (3, 7),
    "jinja2": (3, 1, 6),
    "mako": (1, 3, 12),
    "python-dotenv": (1, 2, 2),
    "werkzeug": (3, 1, 6),
}


def find_vulnerable_libraries(config: Mapping[str, Any]) -> str | None:
    """Check for versions older than the last known fix."""
    old = [name for name, safe in SAFE_VERSIONS.items() if _is_older(name, safe)]
    return f"Older than the last known fix: {', '.join(old)}." if old else None


@cache
def _is_older(name: str, safe: tuple[int, ...]) -> bool:
    try:
        parts = version(name).split(".")
    except PackageNotFoundError:  # gunicorn, on Windows
        return False
    return tuple(int(part) for part in parts if part.isdigit()) < safe


CHECKS = [
    Check(
        "auth.E011",
        find_vulnerable_libraries,
        "Their vulnerabilities are public (ASVS 15.2.1).",
        "Run make lock, or install requirements.txt again.",
    ),
]
