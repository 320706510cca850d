"""Login: do an e-mail address and a password belong to a user?"""

from typing import Any, cast

from flask import abort
from flask_security import LoginForm, UserMixin
from sqlalchemy import Select, func, select

from ..database import db
from ..logs import audit
from . import passwords, users
from .extension_points import get_extension_points
from .models import User
from .rate_limits import check_rate_limit, pseudonymize


class LoginCredentials(LoginForm):
    """The library's checks, with equal work whether or not the account exists."""

    def validate_next(self, field: Any) -> None:
        """Accept it: nothing here redirects."""

    def validate(self, **kwargs: Any) -> bool:
        """Check, or raise TooManyRequests; a refusal is logged with its reason.

        Raises HTTPException with the response of a login step that is missing.
        """
        email = self.email.data or ""
        name = users.normalize_email(email) or email.strip().lower()
        record = check_rate_limit(name)
        self.ifield = self.email
        account = users.find_user_by_email(email) or UnknownUser(name)
        self.user = cast(UserMixin, account)
        # Read now: the user may be deleted when the password is hashed.
        user, reason = account.id, _get_reason(account)
        accepted = super().validate(**kwargs)
        record(accepted)
        if not accepted:
            audit("login refused", user=user, reason=reason)
            return False
        for find_missing in get_extension_points().login_steps:
            if response := find_missing(account):
                audit("login incomplete", user=user)
                abort(response)
        audit("login", user=user)
        return True


class UnknownUser:
    """Stands for a user who does not exist, so that a login takes equal work.

    Its hash is that of another user, always the same for an address, so that it costs
    what the stored hashes cost. No password matches it. Django calls it a dummy hash.
    """

    id = None
    active = False

    def __init__(self, name: str) -> None:
        """Take the hash of another user."""
        place = int(pseudonymize(name)[:8], 16) / 2**32
        self.password: str | None = db.session.scalar(_select_hash(place))

    def verify_and_update_password(self, password: str) -> bool:
        """Do the work of a check, and refuse."""
        passwords.verify(password, self.password)
        return False

    def track_failed_authn(self, auth_type: str) -> None:
        """Track nothing."""


def _select_hash(place: float) -> Select[str | None]:
    last_id = select(func.max(User.id)).scalar_subquery()
    condition = User.id >= place * last_id
    return select(User.password).where(condition).order_by(User.id).limit(1)


def _get_reason(user: User | UnknownUser) -> str:
    if isinstance(user, UnknownUser):
        return "unknown address"
    return "wrong password" if user.active else "deactivated"
