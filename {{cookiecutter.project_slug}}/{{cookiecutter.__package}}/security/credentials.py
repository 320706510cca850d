"""An e-mail address and a password: are they those of an account?"""

from typing import Any, cast

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
        name = users.one_spelling(email) or email.strip().lower()
        settle = limits.attempt(name)
        self.ifield = self.email
        account = users.find(email) or Decoy(name)
        self.user = cast(UserMixin, account)
        # Asked now, as the account may be gone when its password is hashed.
        user, reason = account.id, _reason(account)
        accepted = super().validate(**kwargs)
        settle(accepted)
        if accepted:
            audit("login", user=user)
        else:
            audit("login refused", user=user, reason=reason)
        return accepted


class Decoy:
    """Stands in for an account that does not exist.

    Its hash is that of another account, always the same for an address, so that
    it costs what the stored hashes cost. No password matches it.
    """

    id = None
    active = False

    def __init__(self, name: str) -> None:
        """Borrow a hash."""
        place = int(limits.pseudonym(name)[:8], 16) / 2**32
        self.password: str | None = db.session.scalar(_hash_near(place))

    def verify_and_update_password(self, password: str) -> bool:
        """Do the work of a check."""
        passwords.verify(password, self.password)
        return False

    def track_failed_authn(self, auth_type: str) -> None:
        """Nothing to track."""


def _hash_near(place: float) -> Select[str | None]:
    last = select(func.max(User.id)).scalar_subquery()
    near = User.id >= place * last
    return select(User.password).where(near).order_by(User.id).limit(1)


def _reason(user: User | Decoy) -> str:
    if isinstance(user, Decoy):
        return "unknown address"
    return "wrong password" if user.active else "deactivated"
