"""Who may call. The only package that knows Flask-Security.

The rest of the app uses the public names and nothing else:
`token_required` and `roles_required` guard a view, `current_user` is who calls,
`users` finds and makes accounts.
"""

from flask import Flask
from flask_security import Security, roles_required
from flask_security import auth_token_required as token_required

from ..database import db
from . import (
    access,
    accounts,
    cli,
    limits,
    passwords,
    request_checks,
    responses,
    roles,
    sessions,
    tokens,
    users,
)
from .access import current_user
from .cookies import NoSession
from .credentials import Credentials
from .models import RefreshTracker, Role, User

__all__ = ["current_user", "init_app", "roles_required", "token_required", "users"]


def init_app(app: Flask) -> None:
    """Protect the app: log-in, tokens, sessions, passwords, `flask auth`."""
    app.session_interface = NoSession()
    # Before the library, which would otherwise read the body unchecked.
    request_checks.init_app(app)
    security = Security(
        app,
        sessions.Datastore(db, User, Role, refresh_tracker_model=RefreshTracker),
        login_form=Credentials,
        refresh_token_form=sessions.RefreshForm,
        password_util_cls=passwords.PasswordRules,
    )
    passwords.init_app(app, security)
    tokens.init_app(app, security)
    limits.init_app(app)
    access.init_app(security)
    roles.init_app(app, security)
    responses.init_app(security)
    sessions.init_app(app)
    accounts.init_app(app)
    cli.init_app(app)
