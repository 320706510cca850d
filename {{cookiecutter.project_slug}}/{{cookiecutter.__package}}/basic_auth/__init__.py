"""HTTP Basic (RFC 7617): an e-mail address and a password with each request.

HTTP_BASIC_AUTH switches it on, for a try in a browser.
"""

from pathlib import Path

from flask import Flask, Request
from werkzeug.datastructures import Authorization

from .. import api
from ..security import Credential, get_extension_points
from ..security.access import Caller
from ..security.login import authenticate
from .checks import CHECKS


def init_app(app: Flask) -> None:
    """Accept HTTP Basic where the setting is on, and describe it."""
    points = get_extension_points(app)
    points.checks.extend(CHECKS)
    if app.config["HTTP_BASIC_AUTH"]:
        challenge = f'Basic realm="{app.config["SECURITY_DEFAULT_HTTP_AUTH_REALM"]}"'
        basic = Credential(read_credentials, find_caller, challenge)
        points.credentials.append(basic)
        api.describe(app, Path(__file__).with_name("openapi.json"))


def read_credentials(request: Request) -> Authorization | None:
    """Return the address and password of HTTP Basic, if they are there."""
    try:
        authorization = request.authorization
    except ValueError:  # not Base64
        return None
    is_basic = authorization is not None and authorization.type == "basic"
    return authorization if is_basic else None


def find_caller(authorization: Authorization) -> Caller | None:
    """Return the user, after the checks of POST /login and with the same work."""
    user = authenticate(authorization.username or "", authorization.password or "")
    return Caller(user.id, user.fs_uniquifier) if user else None
