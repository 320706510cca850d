"""Checks of the account flows."""

from collections.abc import Mapping
from typing import Any

from ..security import Check


def find_readable_emails(config: Mapping[str, Any]) -> str | None:
    """Check who can read emails, or what their links lead to."""
    if config["MAIL_BACKEND"] != "smtp":
        return "Emails are not sent: MAIL_BACKEND prints them, with their tokens."
    if not config["ACCOUNT_FLOWS"]:
        return None
    if config["FRONT_END_URL"].startswith("http:"):
        return "The links in emails have no TLS: FRONT_END_URL."
    encrypted = config["MAIL_USE_TLS"] or config["MAIL_USE_SSL"]
    local = config["MAIL_SERVER"] in ("localhost", "127.0.0.1", "::1")
    return None if encrypted or local else "Emails are sent to MAIL_SERVER without TLS."


CHECKS = [
    Check(
        "auth.E029",
        find_readable_emails,
        "Whoever is in between can read the tokens in emails (ASVS 12.3.1).",
        "Set FLASK_MAIL_USE_TLS=true, or FLASK_MAIL_USE_SSL=true and its port.",
        deploy=True,
    ),
]
