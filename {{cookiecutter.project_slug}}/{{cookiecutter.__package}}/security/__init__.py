"""Who may call: the only package that imports Flask-Security.

The rest of the app imports from here what its views need: guards, the user who calls,
and functions about users. Features meet each other in extension_points.py.
"""

from pathlib import Path

from flask import Flask
from flask_security import Security, SQLAlchemyUserDatastore

from .. import api
from ..database import db
from . import (
    access,
    cli,
    extension_points,
    hash_queue,
    library,
    login,
    passwords,
    rate_limits,
    request_validation,
    sessions,
    tokens,
    user_data,
    users,
)
from .access import Caller as Caller
from .access import current_user as current_user
from .access import get_caller as get_caller
from .access import roles_required as roles_required
from .access import scope_required as scope_required
from .access import token_required as token_required
from .email_addresses import EmailRules
from .extension_points import Check as Check
from .extension_points import Credential as Credential
from .extension_points import get_extension_points as get_extension_points
from .models import Role
from .models import User as User
from .stateless import StatelessSessionInterface
from .users import InvalidAccountRequest as InvalidAccountRequest


def init_app(app: Flask) -> None:
    """Protect the app: login, tokens, sessions, passwords, `flask auth`."""
    app.session_interface = StatelessSessionInterface()
    extension_points.init_app(app)
    request_validation.init_app(app)
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, User, Role),
        # Its views are HTML pages and cookie sessions.
        register_blueprint=False,
        mail_util_cls=EmailRules,
        password_util_cls=passwords.PasswordRules,
    )
    security.unauthn_handler(access.respond_unauthenticated)
    library.init_app(app, access.load_caller)
    hash_queue.init_app(app, library.get_hash_context(app))
    for part in (tokens, rate_limits, access, login, sessions, users, user_data, cli):
        part.init_app(app)
    api.describe(app, Path(__file__).with_name("openapi.json"))
