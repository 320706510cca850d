"""Passwords: what a new one must be, and whether one is right."""

import re
from hashlib import sha1
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from flask import current_app
from flask_security import PasswordUtil, hash_password, verify_password

from ..database import db
from ..logs import audit
from .extension_points import get_extension_points

# In characters. Checked before any other work: normalising a long text is costly.
MAX_LENGTH = 256

# What is known about a user, and what an attacker tries first: as Django's
# UserAttributeSimilarityValidator.
USER_ATTRIBUTES = ("email", "first_name", "last_name")

# The service of breached passwords answers with some 40 KiB.
MAX_BREACH_RESPONSE_BYTES = 256 * 1024


def verify(password: str, stored: str | None) -> bool:
    """Check a password; a hash that no scheme can read never matches.

    What was read in the database session before is read again after it.
    """
    # Hashing is most of a login: others can use the database connection meanwhile.
    db.session.rollback()
    for start, is_right in get_extension_points().password_hashes.items():
        if (stored or "").startswith(start):
            run = current_app.extensions["hash_queue"].run
            return bool(run(is_right, password, stored))
    try:
        return verify_password(password, stored or "")
    except ValueError:
        hash_password(password)  # the work of a real check: timing tells nothing
        return False


def needs_new_hash(stored: str | None) -> bool:
    """Say whether a hash has other parameters than today's, or cannot be read."""
    try:
        context = current_app.extensions["security"].pwd_context
        return bool(context.needs_update(stored or ""))
    except ValueError:
        return True


class PasswordRules(PasswordUtil):
    """The library's rules, and ours (NIST SP 800-63B-4, section 3.1.1.2)."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return the reasons to refuse (None: it is good) and the normalised password.

        `kwargs` has the user's `email`, or the `user`.
        """
        if len(password) > MAX_LENGTH:
            return [f"Must have at most {MAX_LENGTH} characters."], password
        reasons, normalised = super().validate(password, is_register, **kwargs)
        minimum = current_app.config["SECURITY_PASSWORD_LENGTH_MIN"]
        rest = self._remove_user_attributes(normalised, kwargs)
        if not reasons and len(rest) < minimum:
            reasons = [
                f"Must have at least {minimum} characters "
                "besides your name and e-mail address."
            ]
        if not reasons and is_breached(normalised):
            reasons = ["Is known from a data breach: choose another one."]
        return reasons, normalised

    def _remove_user_attributes(self, password: str, known: dict[str, Any]) -> str:
        # They are allowed, but do not count.
        user = known.get("user")
        values = [known.get(a) or getattr(user, a, None) for a in USER_ATTRIBUTES]
        text = self.normalize(" ".join(filter(None, values))).casefold()
        words = re.findall(r"\S{4,}", text) + re.findall(r"[^\W_]{4,}", text)
        longest_first = map(re.escape, sorted(words, key=len, reverse=True))
        return re.sub("|".join(longest_first), "", password.casefold())


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
            known = response.read(MAX_BREACH_RESPONSE_BYTES).decode()
    except (OSError, HTTPException, ValueError) as error:
        audit("breach check failed", reason=type(error).__name__)
        return False
    # Padding has the count 0.
    return bool(re.search(rf"^{digest[5:]}:0*[1-9]", known, re.MULTILINE))
