"""An e-mail address and a password: are they those of an account?"""

import hmac
from typing import Any, cast

from flask import current_app
from flask_security import LoginForm, UserMixin
from sqlalchemy import Select, func, select

from ..database import db
from ..logs import audit
from . import limits, passwords, users
from .models import User


class Credentials(LoginForm):
    """The library's checks, with the same work whether or not the account exists."""

    def validate_next(self, field: Any) -> None:
        """Leave it be: nothing here redirects."""

    def validate(self, **kwargs: Any) -> bool:
        """Check, or raise TooManyRequests; a refusal is logged with its reason."""
        email = self.email.data or ""
        refused = limits.attempt(email)
        self.ifield = self.email
        account = users.find(email) or Decoy(email)
        self.user = cast(UserMixin, account)
        accepted = super().validate(**kwargs)
        if accepted:
            audit("login", user=account.id)
        else:
            refused()
            audit("login refused", user=account.id, reason=_reason(account))
        return accepted


class Decoy:
    """Stands in for an account that does not exist.

    Its hash is that of another account, always the same for an address, so that
    it costs what the stored hashes cost. No password matches it.
    """

    id = None
    active = False

    def __init__(self, email: str) -> None:
        """Borrow a hash."""
        self.password: str | None = db.session.scalar(_hash_near(_place_of(email)))

    def verify_and_update_password(self, password: str) -> bool:
        """Do the work of a check."""
        passwords.verify(password, self.password)
        return False

    def track_failed_authn(self, auth_type: str) -> None:
        """Nothing to track."""


def _place_of(email: str) -> float:
    key = str(current_app.secret_key).encode()
    digest = hmac.digest(key, email.strip().lower().encode(), "sha256")
    return int.from_bytes(digest[:4]) / 2**32


def _hash_near(place: float) -> Select[str | None]:
    last = select(func.max(User.id)).scalar_subquery()
    near = User.id >= place * last
    return select(User.password).where(near).order_by(User.id).limit(1)


def _reason(user: User | Decoy) -> str:
    if isinstance(user, Decoy):
        return "unknown address"
    return "wrong password" if user.active else "deactivated"
