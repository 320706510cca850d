"""Sessions: a login opens one, refresh tokens keep it alive, a logout ends it.

A session is a row of auth_session. Every token names its session, so that the token
ends with the row.
"""

from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any, NoReturn, cast

from flask import Blueprint, Flask, abort, current_app, request
from flask_security import auth_token_required as token_required
from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, func, or_, update

from ..database import db, utc_now
from ..logs import audit
from . import tokens
from .access import get_caller, refuse
from .extension_points import get_extension_points
from .models import Session, User
from .rate_limits import check_rate_limit

blueprint = Blueprint("sessions", __name__)

# Built once: building a statement costs more than running it.
is_expired = Session.expires_at < bindparam("now")
is_idle = Session.last_used_at < bindparam("idle_since")
DELETE_ENDED = delete(Session).where(or_(is_expired, is_idle))
DELETE_ENDED = DELETE_ENDED.execution_options(synchronize_session=False)
DELETE_ENDED_OF_USER = DELETE_ENDED.where(Session.user_id == bindparam("user_id"))


def init_app(app: Flask) -> None:
    """Serve what opens, keeps and ends sessions; add to `flask auth cleanup`."""
    app.register_blueprint(blueprint)
    get_extension_points(app).cleanups["ended sessions"] = delete_ended_sessions


@blueprint.post("/refresh-token")
def refresh() -> dict[str, Any]:
    """Exchange the newest refresh token of a session for new tokens.

    A second use of a token ends the session: the user or a thief has used it before
    (RFC 9700, section 4.14.2).
    """
    claims = tokens.read_token("refresh", request.get_json()["refresh_token"])
    if claims is None:
        # Only invented tokens count, so that they do not lock out who has a session.
        check_rate_limit("refresh")(False)
        return _refuse_refresh(None, "invalid")
    session = db.session.scalar(db.select(Session).filter_by(key=claims["sid"]))
    if session is None:
        return _refuse_refresh(None, "no session")
    user, session_id = session.user, session.id
    user_id, answer = user.id, _give_tokens(user, session.key, claims["gen"] + 1)
    # A login locks the rows in this order too: no deadlock.
    _delete_ended_sessions_of_user(user_id)
    if not user.active or user.fs_uniquifier != claims["uid"]:
        return _refuse_refresh(user_id, "deactivated or revoked")
    if not _spend_token(session_id, claims["gen"]):
        generation = db.select(Session.generation).filter_by(id=session_id)
        if db.session.scalar(generation) in (None, claims["gen"]):
            return _refuse_refresh(user_id, "expired or ended")
        _end(Session.id == session_id)
        db.session.commit()
        audit("refresh token reused, session ended", user=user_id)
        return _refuse_refresh(user_id, "reused")
    db.session.commit()
    audit("session refreshed", user=user_id)
    return answer


def _refuse_refresh(user_id: int | None, reason: str) -> NoReturn:
    audit("refresh refused", user=user_id, reason=reason)
    detail = "The refresh token is invalid or has expired. Log in again."
    abort(refuse(detail, "Bearer"))


def _spend_token(session_id: int, generation: int) -> bool:
    # In one statement: of two requests with the same token only one can be the user's.
    config, now = current_app.config, utc_now()
    since = now - config["CLOCK_SKEW"] - config["SECURITY_REFRESH_TOKEN_MAX_IDLE"]
    is_alive = (Session.id == session_id) & Session.revoked_at.is_(None)
    is_newest = (Session.generation == generation) & (Session.last_used_at >= since)
    changes = {"generation": generation + 1, "last_used_at": now}
    statement = update(Session).where(is_alive, is_newest).values(changes)
    return _execute(statement) == 1


@blueprint.post("/logout")
@token_required
def logout() -> dict[str, Any]:
    """End the session of the token, on every instance. Other devices stay logged in."""
    caller = get_caller()
    _end(Session.key == caller.session_key)
    db.session.commit()
    audit("logout", user=caller.id)
    return {"meta": {"code": 200}, "response": {}}


def open_session(user: User) -> dict[str, Any]:
    """Open a session, and return the answer with its tokens."""
    _delete_ended_sessions_of_user(user.id)
    if not _track_login(user):
        abort(refuse("The account was changed by another request.", "Bearer"))
    age = current_app.config["SECURITY_REFRESH_TOKEN_MAX_AGE"]
    answer = _give_tokens(user, _create_session(user, "login", age), 1)
    db.session.commit()
    return answer


def create_session_for_script(user: User, age: timedelta) -> str:
    """Open a session that cannot be refreshed, and return its access token."""
    key = _create_session(user, "command line", age)
    answer = _give_tokens(user, key, 1)
    db.session.commit()
    return str(answer["response"]["user"]["authentication_token"])


def _give_tokens(user: User, key: str, generation: int) -> dict[str, Any]:
    age = current_app.config["SECURITY_TOKEN_MAX_AGE"]
    claims = {"uid": user.fs_uniquifier, "sid": key, "gen": generation}
    content = {
        **user.get_security_payload(),
        "authentication_token": tokens.get_serializer("access").dumps(claims),
        "refresh_token": tokens.get_serializer("refresh").dumps(claims),
        "expires_in": int(age.total_seconds()),
    }
    return {"meta": {"code": 200}, "response": {"user": content}}


def _create_session(user: User, name: str, age: timedelta) -> str:
    key, end = token_hex(16), utc_now() + age
    db.session.add(Session(user_id=user.id, name=name, key=key, expires_at=end))
    return key


def _track_login(user: User) -> bool:
    # In SQL: of two logins at the same time both count. Not for a user who was revoked
    # or deleted in the meantime.
    now, address = utc_now(), request.remote_addr
    changes = {
        "last_login_at": func.coalesce(User.current_login_at, now),
        "current_login_at": now,
        "last_login_ip": User.current_login_ip,
        # What a proxy sends need not be an address.
        "current_login_ip": address and address[:45],
        "login_count": User.login_count + 1,
    }
    statement = update(User).where(User.fs_uniquifier == user.fs_uniquifier)
    return _execute(statement.values(changes)) == 1


def delete_ended_sessions() -> int:
    """Delete the sessions of all users that have ended by age; return how many."""
    count = _execute(DELETE_ENDED, _get_moments())
    db.session.commit()
    return count


def _delete_ended_sessions_of_user(user_id: int) -> None:
    _execute(DELETE_ENDED_OF_USER, {**_get_moments(), "user_id": user_id})


def _get_moments() -> dict[str, datetime]:
    # Other machines, whose clocks may differ, wrote the moments in the rows.
    config, now = current_app.config, utc_now() - current_app.config["CLOCK_SKEW"]
    idle = max(
        config["SECURITY_REFRESH_TOKEN_MAX_IDLE"], config["SECURITY_TOKEN_MAX_AGE"]
    )
    return {"now": now, "idle_since": now - idle}


def _end(condition: ColumnElement[bool]) -> None:
    _execute(update(Session).where(condition).values(revoked_at=utc_now()))


def _execute(statement: Any, values: dict[str, Any] | None = None) -> int:
    return cast(CursorResult[Any], db.session.execute(statement, values)).rowcount
