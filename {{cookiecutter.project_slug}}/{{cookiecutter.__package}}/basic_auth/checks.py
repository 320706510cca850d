"""The check of HTTP Basic."""

from collections.abc import Mapping
from typing import Any

from ..security import Check


def find_basic(config: Mapping[str, Any]) -> str | None:
    """Check that it is off."""
    return "HTTP_BASIC_AUTH is on." if config["HTTP_BASIC_AUTH"] else None


CHECKS = [
    Check(
        "auth.E026",
        find_basic,
        "The password is sent with every request (RFC 7617, section 4).",
        "Set FLASK_HTTP_BASIC_AUTH=false.",
        deploy=True,
    ),
]
