"""Login: do an e-mail address and a password belong to a user?"""

from typing import Any, cast

from flask import abort
from flask_security import LoginForm, UserMixin
from sqlalchemy import bindparam, func, select

from ..database import db
from ..logs import audit
from . import passwords, users
from .extension_points import get_extension_points
from .models import User, is_unchanged
from .rate_limits import check_rate_limit, pseudonymize

# The hash at a place among the random names that users have in tokens: found by an
# index, whatever the number of users.
first = select(func.min(User.fs_uniquifier))
after_place = first.where(User.fs_uniquifier >= bindparam("place"))
place = func.coalesce(after_place.scalar_subquery(), first.scalar_subquery())
SELECT_SOME_HASH = select(User.password).where(User.fs_uniquifier == place)


class LoginCredentials(LoginForm):
    """The library's checks, with equal work whether or not the account exists.

    A refused login runs the same statements, in the same order, whatever the reason.
    """

    def validate_next(self, field: Any) -> None:
        """Accept it: nothing here redirects."""

    def validate(self, **kwargs: Any) -> bool:
        """Check, or raise TooManyRequests; a refusal is logged with its reason.

        Raises HTTPException with the response of a login step that is missing.
        """
        email = self.email.data or ""
        name = users.normalize_email(email) or email.strip().lower()
        record = check_rate_limit("login", name)
        self.ifield = self.email
        # Asked for known addresses too: the statements are the same.
        some_hash = db.session.scalar(SELECT_SOME_HASH, {"place": pseudonymize(name)})
        account = users.find_user_by_email(email)
        # Read now: the user may be deleted when the password is hashed.
        user, reason = getattr(account, "id", None), _get_reason(account)
        can_log_in = account and account.password
        self.user = cast(UserMixin, account if can_log_in else DummyUser(some_hash))
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


class DummyUser:
    """Stands for a user who does not exist, so that a login takes equal work.

    Its hash is that of some user, always the same for an address, so that it costs what
    the stored hashes cost. No password matches it. Django calls it a dummy hash.
    """

    active = False

    def __init__(self, some_hash: str | None) -> None:
        """Take the hash of some user; without any, one is made for each login."""
        self.password = some_hash or "none"

    def verify_and_update_password(self, password: str) -> bool:
        """Do the work and run the statement of a check, and refuse."""
        passwords.verify(password, self.password)
        is_unchanged("")
        return False

    def track_failed_authn(self, auth_type: str) -> None:
        """Track nothing."""


def _get_reason(user: User | None) -> str:
    if user is None:
        return "unknown address"
    return "wrong password" if user.active else "deactivated"
