"""Every use of Flask-Security that is not its documented interface, with its reason.

Checked with release 5.9.2. The library's names for a session (refresh tracker, family,
gen) are used here only.
"""

from typing import Any

import flask_security
from flask import Flask, current_app
from flask_security import RefreshTokenForm
from flask_security.tokens import RefreshTokenErrors
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import synonym

from ..logs import audit
from . import sessions
from .models import Session, User
from .rate_limits import check_rate_limit
from .tokens import CANONICAL_TOKEN, add_serializer

# The library reads the columns of our models by its names.
User.refresh_trackers = synonym("sessions")  # type: ignore[assignment]
Session.refresh_family = synonym("key")  # type: ignore[assignment]
Session.gen = synonym("generation")  # type: ignore[assignment]


def get_library() -> Any:
    """Return the library's object of the current app, with our parts in it."""
    return current_app.extensions["security"]


def init_app(app: Flask, library: Any) -> None:
    """Sign tokens with our keys, use our sessions, and switch Flask-Principal off."""
    # The library has no setting for the digest (SHA-1) and the order of the keys.
    library.remember_token_serializer = add_serializer(app, "access")
    refresh_serializer = add_serializer(app, "refresh", RefreshSerializer)
    library.refresh_token_serializer = refresh_serializer
    datastore = library.datastore
    datastore.create_refresh_tracker = sessions.create_session
    datastore.cleanup_refresh_trackers = sessions.delete_ended_sessions_of_user
    datastore.revoke_refresh_tracker = sessions.end_session
    # RefreshForm has spent the token already.
    datastore.exchange_refresh_tracker = lambda session: None
    # Flask-Principal would load the caller before each request; our own guards ask for
    # roles. Its signals are reached through the library.
    library.principal.identity_loaders.clear()
    signals = vars(flask_security.core) | vars(flask_security.decorators)
    for signal in (signals["identity_loaded"], signals["identity_changed"]):
        for receiver in list(signal.receivers_for(app)):
            signal.disconnect(receiver, app)


class RefreshSerializer(URLSafeSerializer):
    """Signs the claims of the library's refresh tokens, and accepts no other token."""

    def loads(self, s: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the claims of a refresh token, or raise BadSignature."""
        if CANONICAL_TOKEN.fullmatch(s):
            match claims := super().loads(s, *args, **kwargs):
                case {"uid": str(), "family": str(), "gen": int()}:
                    return claims
        raise BadSignature("not a refresh token")


class RefreshForm(RefreshTokenForm):
    """The library's checks of a refresh token, and ours."""

    def validate(self, **kwargs: Any) -> bool:
        """Check and spend the token, or raise TooManyRequests."""
        accepted = super().validate(**kwargs) and self._refresh()
        user, error = getattr(self.user, "id", None), self.refresh_errors
        if accepted:
            audit("session refreshed", user=user)
        else:
            reason = error.name if error else str(self.refresh_token.errors[0])
            audit("refresh refused", user=user, reason=reason)
        session: Any = self.refresh_tracker
        if error is RefreshTokenErrors.GEN_MISMATCH:  # the library ends the session
            audit("refresh token reused, session ended", user=session.user_id)
        # Only invented tokens count, so that they do not lock out who has a session.
        if session is None:
            check_rate_limit("refresh")(False)
        return accepted

    def _refresh(self) -> bool:
        session, user = self.refresh_tracker, self.user
        if reason := sessions.refresh_session(session, user):  # type: ignore[arg-type]
            self.refresh_token.errors = [reason]
        if reason == "spent":
            self.refresh_errors = RefreshTokenErrors.GEN_MISMATCH
        return not reason
