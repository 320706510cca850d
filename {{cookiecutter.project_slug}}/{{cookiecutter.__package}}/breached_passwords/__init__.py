"""Breached passwords: a new password must not be known from a data breach.

PASSWORD_BREACH_URL names the service that is asked (NIST SP 800-63B-4, 3.1.1.2).
"""

import re
from hashlib import sha1
from http.client import HTTPException
from urllib.request import Request, urlopen

from flask import Flask, current_app

from ..logs import audit
from ..security import get_extension_points
from .checks import CHECKS

# The service answers with some 40 KiB.
MAX_RESPONSE_BYTES = 256 * 1024


def init_app(app: Flask) -> None:
    """Refuse breached passwords where a service is set."""
    points = get_extension_points(app)
    points.password_rules.append(find_breach)
    points.checks.extend(CHECKS)


def find_breach(password: str) -> str | None:
    """Return why a new password is refused, or None."""
    if is_breached(password):
        return "Is known from a data breach: choose another one."
    return None


def is_breached(password: str) -> bool:
    """Ask PASSWORD_BREACH_URL, which gets the first 20 bits of a digest (k-anonymity).

    False where none is set, or where it does not answer: that is logged.
    """
    if not (url := current_app.config["PASSWORD_BREACH_URL"]):
        return False
    digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    # Padding: the length of the response must not tell which one it is.
    request = Request(f"{url}/{digest[:5]}", headers={"Add-Padding": "true"})
    timeout = current_app.config["PASSWORD_BREACH_TIMEOUT"]
    try:
        with urlopen(request, timeout=timeout) as response:
            known = response.read(MAX_RESPONSE_BYTES).decode()
    except (OSError, HTTPException, ValueError) as error:
        audit("breach check failed", reason=type(error).__name__)
        return False
    # Padding has the count 0.
    return bool(re.search(rf"^{digest[5:]}:0*[1-9]", known, re.MULTILINE))
