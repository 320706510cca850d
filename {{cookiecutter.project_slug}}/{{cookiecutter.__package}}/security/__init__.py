"""Who may call. The only package that knows Flask-Security.

The rest of the app uses the public names and nothing else:
`token_required` and `roles_required` guard a view, `current_user` is who calls,
`users` finds and makes accounts.
"""

from flask import Flask
from flask_security import (
    Security,
    SQLAlchemyUserDatastore,
    current_user,
    roles_required,
)
from flask_security import auth_token_required as token_required

from ..database import db
from . import access, cli, request_checks, responses, tokens, users
from .models import Role, User
from .passwords import PasswordRules
from .sessions import NoSession

__all__ = ["current_user", "init_app", "roles_required", "token_required", "users"]


def init_app(app: Flask) -> None:
    """Protect the app: log-in, tokens, passwords, `flask auth`."""
    app.session_interface = NoSession()
    # Before the library, which would otherwise read the body unchecked.
    request_checks.init_app(app)
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, User, Role),
        password_util_cls=PasswordRules,
    )
    tokens.init_app(app, security)
    access.init_app(security)
    responses.init_app(security)
    cli.init_app(app)
