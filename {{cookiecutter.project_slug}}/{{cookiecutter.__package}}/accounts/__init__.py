"""Accounts: users register, reset a password, change a password or e-mail address.

ACCOUNT_FLOWS names the flows that are served: docs/accounts.md.
"""

from pathlib import Path

from flask import Flask

from .. import api
from ..security import get_extension_points, request_validation
from ..security.tokens import add_serializer
from . import views
from .checks import CHECKS


def init_app(app: Flask) -> None:
    """Serve the flows that are on."""
    paths = [path for flow in app.config["ACCOUNT_FLOWS"] for path in views.FLOWS[flow]]
    app.register_blueprint(views.make_blueprint(app.config["ACCOUNT_FLOWS"]))
    for purpose in views.TOKEN_PURPOSES:
        add_serializer(app, purpose)
    request_validation.limit_fields(app, views.FIELDS)
    get_extension_points(app).checks.extend(CHECKS)
    if paths:
        api.describe(app, Path(__file__).with_name("openapi.json"), paths)
