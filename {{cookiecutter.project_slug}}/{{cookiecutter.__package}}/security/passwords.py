"""Passwords: what a new one must be, and whether one is right."""

import re
from typing import Any
from unicodedata import normalize

from flask import current_app
from flask_security import PasswordUtil, hash_password, verify_password

from ..database import db
from .extension_points import get_extension_points
from .library import get_hash_context

# In characters, as `count_characters` counts them.
MAX_LENGTH = 256

# What is known about a user, and what an attacker tries first: as Django's
# UserAttributeSimilarityValidator.
USER_ATTRIBUTES = ("email", "first_name", "last_name")


def count_characters(text: str) -> int:
    """Count the code points of the form NFC, however it is typed (NIST SP 800-63B-4).

    Of a text that is longer than MAX_LENGTH only the beginning is counted.
    """
    # No character is made of more than 4. Normalising a long text is costly.
    return len(normalize("NFC", text[: 4 * MAX_LENGTH + 1]))


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
        return bool(get_hash_context(current_app).needs_update(stored or ""))
    except ValueError:
        return True


class PasswordRules(PasswordUtil):
    """Our rules in the place of the library's (NIST SP 800-63B-4, 3.1.1.2)."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return the reasons to refuse (None: it is good) and the normalised password.

        `kwargs` has the user's `email`, or the `user`.
        """
        if (length := count_characters(password)) > MAX_LENGTH:
            return [f"Must have at most {MAX_LENGTH} characters."], password
        if re.search("[\ud800-\udfff]", password):
            return ["Must be valid Unicode."], password
        normalised = self.normalize(password)
        minimum = current_app.config["SECURITY_PASSWORD_LENGTH_MIN"]
        if self._count_others(password, kwargs) < minimum:
            name = " besides your name and e-mail address" if length >= minimum else ""
            return [f"Must have at least {minimum} characters{name}."], normalised
        rules = get_extension_points().password_rules
        reasons = [reason for rule in rules if (reason := rule(normalised))]
        return reasons or None, normalised

    def _count_others(self, password: str, known: dict[str, Any]) -> int:
        # What is known about the user is allowed, but does not count.
        user = known.get("user")
        values = [known.get(a) or getattr(user, a, None) for a in USER_ATTRIBUTES]
        text = self.normalize(" ".join(filter(None, values))).casefold()
        words = re.findall(r"\S{4,}", text) + re.findall(r"[^\W_]{4,}", text)
        longest_first = map(re.escape, sorted(words, key=len, reverse=True))
        folded = [self.normalize(c).casefold() for c in normalize("NFC", password)]
        # The character that each folded one comes from: a ligature is one, not three.
        origins = [n for n, parts in enumerate(folded) for _ in parts]
        found = re.finditer("|".join(longest_first), "".join(folded))
        return len(folded) - len({n for m in found for n in origins[slice(*m.span())]})
