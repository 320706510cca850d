"""Passwords: what a new one must be, and whether one is right."""

import re
from typing import Any

from flask import current_app
from flask_security import PasswordUtil, hash_password, verify_password

from ..database import db
from .extension_points import get_extension_points

# In characters. Checked before any other work: normalising a long text is costly.
MAX_LENGTH = 256

# What is known about a user, and what an attacker tries first: as Django's
# UserAttributeSimilarityValidator.
USER_ATTRIBUTES = ("email", "first_name", "last_name")


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
    context = current_app.extensions["security"].pwd_context
    return not context.identify(stored or "") or bool(context.needs_update(stored))


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
        if not reasons:
            rules = get_extension_points().password_rules
            found = [reason for rule in rules if (reason := rule(normalised))]
            reasons = found or None
        return reasons, normalised

    def _remove_user_attributes(self, password: str, known: dict[str, Any]) -> str:
        # They are allowed, but do not count.
        user = known.get("user")
        values = [known.get(a) or getattr(user, a, None) for a in USER_ATTRIBUTES]
        text = self.normalize(" ".join(filter(None, values))).casefold()
        words = re.findall(r"\S{4,}", text) + re.findall(r"[^\W_]{4,}", text)
        longest_first = map(re.escape, sorted(words, key=len, reverse=True))
        return re.sub("|".join(longest_first), "", password.casefold())
