"""Login: do an e-mail address and a password belong to a user?"""

from typing import Any

from flask import Flask, abort, request
from sqlalchemy import bindparam, func, select

from ..database import db
from ..logs import audit
from . import passwords, sessions, users
from .access import refuse
from .extension_points import get_extension_points
from .models import User
from .rate_limits import check_rate_limit, pseudonymize

# The hash of some user, always the same for an address: it costs what the stored hashes
# cost. Django calls it a dummy hash. It is at a place among the random names that users
# have in tokens, so an index finds it, whatever the number of users.
first = select(func.min(User.fs_uniquifier))
after_place = first.where(User.fs_uniquifier >= bindparam("place"))
place = func.coalesce(after_place.scalar_subquery(), first.scalar_subquery())
SELECT_SOME_HASH = select(User.password).where(User.fs_uniquifier == place)


def init_app(app: Flask) -> None:
    """Serve /login."""
    app.add_url_rule("/login", view_func=login, methods=["POST"])


def login() -> dict[str, Any]:
    """Open a session, for an e-mail address and a password."""
    fields = request.get_json()
    user = authenticate(fields["email"], fields["password"])
    if user is None:
        # One answer for every reason: it tells nothing about the account.
        abort(refuse("The e-mail address or the password is wrong.", "Bearer"))
    return sessions.open_session(user)


def authenticate(email: str, password: str) -> User | None:
    """Return the user with this e-mail address, if the password is right.

    A refused login takes the same work, whatever the reason: the same hashes, and the
    same statements in the same order. It is logged with its reason.

    Raises TooManyRequests, ServiceUnavailable (no hash can wait), or HTTPException with
    the response of a login step that is missing.
    """
    name = users.normalize_email(email) or email.strip().lower()
    record = check_rate_limit("login", name)
    # Asked for known addresses too: the statements are the same.
    some_hash = db.session.scalar(SELECT_SOME_HASH, {"place": pseudonymize(name)})
    user = users.find_user_by_email(email)
    # Read now: the user may be deleted while the password is hashed.
    user_id, active = (user.id, user.active) if user else (None, False)
    password = users.normalize_password(password)
    if user and user.password:
        right = user.verify_and_update_password(password)
    else:
        # The same work, and a refusal. Without any user, one hash is made instead.
        right = passwords.verify(password, some_hash) and False
    record(right and active)
    if user is None or not (right and active):
        reason = "wrong password" if active else "deactivated"
        reason = reason if user else "unknown address"
        audit("login refused", user=user_id, reason=reason)
        return None
    for find_missing in get_extension_points().login_steps:
        if response := find_missing(user):
            audit("login incomplete", user=user_id)
            abort(response)
    audit("login", user=user_id)
    return user
