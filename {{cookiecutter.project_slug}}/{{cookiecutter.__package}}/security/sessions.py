"""Sessions: a login opens one, its refresh tokens renew it, a logout ends it.

A session is a row of auth_refresh_tracker. Every access token names its session,
so that the end of the row is the end of the token.
"""

from datetime import datetime, timedelta
from typing import Any, cast

from flask import Blueprint, Flask, current_app, g
from flask_security import (
    RefreshTokenForm,
    RefreshTrackerMixin,
    SQLAlchemyUserDatastore,
    UserMixin,
    refresh_tracker_revoked,
)
from flask_security import auth_token_required as token_required
from flask_security.tokens import RefreshTokenErrors
from sqlalchemy import ColumnElement, CursorResult, bindparam, delete, or_, update

from ..database import db, utc_now
from ..logs import audit
from . import limits
from .models import RefreshTracker, User

blueprint = Blueprint("sessions", __name__)

# Built once: making a statement costs more than running it.
ENDED = (
    delete(RefreshTracker)
    .where(
        or_(
            RefreshTracker.expires_at < bindparam("now"),
            RefreshTracker.last_used_at < bindparam("idle_since"),
        )
    )
    .execution_options(synchronize_session=False)
)
ENDED_OF_USER = ENDED.where(RefreshTracker.user_id == bindparam("user_id"))


def init_app(app: Flask) -> None:
    """Serve /logout, and log the reuse of a refresh token."""
    app.register_blueprint(blueprint)
    refresh_tracker_revoked.connect(_log_reuse, app)


@blueprint.post("/logout")
@token_required
def logout() -> dict[str, Any]:
    """End the session of the token, on every instance: other devices stay in."""
    _end(RefreshTracker.refresh_family == g.get("family"))
    db.session.commit()
    audit("logout", user=g.caller.id)
    return {"meta": {"code": 200}, "response": {}}


def _end(session: ColumnElement[bool]) -> None:
    ended = update(RefreshTracker).where(session)
    db.session.execute(ended.values(revoked_at=utc_now()))


def cleanup() -> int:
    """Delete the sessions that have ended by age, of all users; count them."""
    done = cast(CursorResult[Any], db.session.execute(ENDED, _moments()))
    db.session.commit()
    return done.rowcount


def _forget_ended(user: UserMixin) -> None:
    db.session.execute(ENDED_OF_USER, {**_moments(), "user_id": user.id})


def _moments() -> dict[str, datetime]:
    config, now = current_app.config, utc_now()
    idle = max(
        config["SECURITY_REFRESH_TOKEN_MAX_IDLE"], config["SECURITY_TOKEN_MAX_AGE"]
    )
    return {"now": now, "idle_since": now - idle}


def open_for_script(user: User, age: timedelta) -> str:
    """Open a session that cannot be renewed, and return its access token."""
    token = user.get_auth_token()
    datastore = current_app.extensions["security"].datastore
    datastore.create_refresh_tracker(user, "command line", utc_now() + age)
    db.session.commit()
    return str(token)


class Datastore(SQLAlchemyUserDatastore):
    """The library's, with sessions that access tokens name."""

    def create_refresh_tracker(
        self, user: UserMixin, name: str, expires_at: datetime, **kwargs: Any
    ) -> RefreshTracker:
        """Open the session that the access token of this request names."""
        tracker = RefreshTracker(
            user_id=user.id,
            name=name,
            refresh_family=g.family,
            gen=1,
            expires_at=expires_at,
            last_used_at=utc_now(),
        )
        db.session.add(tracker)
        return tracker

    def cleanup_refresh_trackers(
        self, user: UserMixin, expired: bool = True, revoked: bool = False
    ) -> None:
        """Forget the user's ended sessions: every login and refresh does."""
        _forget_ended(user)

    def revoke_refresh_tracker(self, refresh_tracker: RefreshTrackerMixin) -> None:
        """End a session. Its row may be gone: its user may be."""
        # By its id, as _spend has it: two ways to a row could wait for each other.
        _end(RefreshTracker.id == refresh_tracker.id)

    def exchange_refresh_tracker(self, refresh_tracker: RefreshTrackerMixin) -> None:
        """Nothing: RefreshForm has spent the token, before anything was answered."""


class RefreshForm(RefreshTokenForm):
    """The library's checks of a refresh token, and ours."""

    def validate(self, **kwargs: Any) -> bool:
        """Check and spend the token, or raise TooManyRequests."""
        settle = limits.attempt()
        accepted = super().validate(**kwargs) and self._is_first()
        settle(accepted)
        user = getattr(self.user, "id", None)
        if accepted:
            audit("session renewed", user=user)
        else:
            reason = self.refresh_errors.name if self.refresh_errors else "no such user"
            audit("refresh refused", user=user, reason=reason)
        return accepted

    def _is_first(self) -> bool:
        # Of two requests with the same token only one can be the user's.
        tracker = cast(RefreshTracker, self.refresh_tracker)
        user = cast(User, self.user)
        if not user.active:
            self.refresh_token.errors = ["deactivated"]
            return False
        # Rows are locked in this order by a login too: nobody waits in a circle.
        _forget_ended(user)
        if not _spend(tracker):
            self.refresh_errors = RefreshTokenErrors.GEN_MISMATCH
            self.refresh_token.errors = ["spent"]
            return False
        g.family = tracker.refresh_family
        return True


def _spend(tracker: RefreshTracker) -> bool:
    turn = (
        update(RefreshTracker)
        .where(
            RefreshTracker.id == tracker.id,
            RefreshTracker.gen == tracker.gen,
            RefreshTracker.revoked_at.is_(None),
        )
        .values(gen=RefreshTracker.gen + 1, last_used_at=utc_now())
    )
    return cast(CursorResult[Any], db.session.execute(turn)).rowcount == 1


def _log_reuse(
    app: Flask, user: User | None, refresh_tracker: RefreshTracker, **_: Any
) -> None:
    audit("refresh token reused, session ended", user=refresh_tracker.user_id)
