"""Sessions: a login opens one, refresh tokens keep it alive, a logout ends it.

A session is a row of auth_session. Every access token names its session, so that the
token ends with the row.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from flask import Blueprint, Flask, current_app, g
from flask_security import auth_token_required as token_required
from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, or_, update

from ..database import db, utc_now
from ..logs import audit
from .extension_points import get_extension_points
from .models import Session, User

blueprint = Blueprint("sessions", __name__)

# Built once: building a statement costs more than running it.
is_expired = Session.expires_at < bindparam("now")
is_idle = Session.last_used_at < bindparam("idle_since")
DELETE_ENDED = delete(Session).where(or_(is_expired, is_idle))
DELETE_ENDED = DELETE_ENDED.execution_options(synchronize_session=False)
DELETE_ENDED_OF_USER = DELETE_ENDED.where(Session.user_id == bindparam("user_id"))


def init_app(app: Flask) -> None:
    """Serve /logout, and delete ended sessions with `flask auth cleanup`."""
    app.register_blueprint(blueprint)
    get_extension_points(app).cleanups["ended sessions"] = delete_ended_sessions


@blueprint.post("/logout")
@token_required
def logout() -> dict[str, Any]:
    """End the session of the token, on every instance. Other devices stay logged in."""
    _end(Session.key == g.get("session_key"))
    db.session.commit()
    audit("logout", user=g.caller.id)
    return {"meta": {"code": 200}, "response": {}}


def _end(condition: ColumnElement[bool]) -> None:
    statement = update(Session).where(condition)
    db.session.execute(statement.values(revoked_at=utc_now()))


def delete_ended_sessions() -> int:
    """Delete the sessions of all users that have ended by age; return how many."""
    result = db.session.execute(DELETE_ENDED, _get_moments())
    db.session.commit()
    return cast(CursorResult[Any], result).rowcount


def delete_ended_sessions_of_user(user: User, **_: Any) -> None:
    """Delete the user's sessions that have ended by age: every login does."""
    values = {**_get_moments(), "user_id": user.id}
    db.session.execute(DELETE_ENDED_OF_USER, values)


def _get_moments() -> dict[str, datetime]:
    config, now = current_app.config, utc_now()
    idle = max(
        config["SECURITY_REFRESH_TOKEN_MAX_IDLE"], config["SECURITY_TOKEN_MAX_AGE"]
    )
    return {"now": now, "idle_since": now - idle}


def create_session_for_script(user: User, age: timedelta) -> str:
    """Open a session that cannot be refreshed, and return its access token."""
    token = user.get_auth_token()
    create_session(user, "command line", utc_now() + age)
    db.session.commit()
    return str(token)


def create_session(user: User, name: str, expires_at: datetime) -> Session:
    """Open the session that the access token of this request names."""
    session = Session(
        user_id=user.id,
        name=name,
        key=g.session_key,
        generation=1,
        expires_at=expires_at,
        last_used_at=utc_now(),
    )
    db.session.add(session)
    return session


def end_session(session: Session) -> None:
    """End a session. Its row may be deleted already, with its user."""
    # By its id, as _spend_token: two orders of locks would be a deadlock.
    _end(Session.id == session.id)


def refresh_session(session: Session, user: User) -> str | None:
    """Spend the session's newest refresh token; return why not, or None."""
    if not user.active:
        return "deactivated"
    # A login locks the rows in this order too: no deadlock.
    delete_ended_sessions_of_user(user)
    # Of two requests with the same token only one can be the user's.
    if not _spend_token(session):
        return "spent"
    g.session_key = session.key
    return None


def _spend_token(session: Session) -> bool:
    is_newest = Session.generation == session.generation
    is_alive = (Session.id == session.id) & Session.revoked_at.is_(None)
    changes = {"generation": Session.generation + 1, "last_used_at": utc_now()}
    statement = update(Session).where(is_alive, is_newest).values(changes)
    return cast(CursorResult[Any], db.session.execute(statement)).rowcount == 1
