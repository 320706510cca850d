"""What a new password must be."""

from typing import Any

from flask_security import PasswordUtil

# Checked before any other work on a password: normalising a long one is costly.
LENGTH_MAX = 256


class PasswordRules(PasswordUtil):
    """The library's rules, and two of our own (NIST SP 800-63B-4, section 3.1.1.2)."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return the reasons to refuse (None: it is good) and the normalised password.

        `kwargs` has the account's `email`, or its `user`.
        """
        if len(password) > LENGTH_MAX:
            return [f"Password must be at most {LENGTH_MAX} characters"], password
        reasons, normalised = super().validate(password, is_register, **kwargs)
        email = kwargs.get("email") or getattr(kwargs.get("user"), "email", None)
        if not reasons and email and normalised.casefold() == email.casefold():
            reasons = ["Password must not be the e-mail address"]
        return reasons, normalised
