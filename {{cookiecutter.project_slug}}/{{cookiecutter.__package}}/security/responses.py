"""Flask-Security's responses, in the shape of this API."""

from typing import Any

from flask import Response, current_app, jsonify, request
from flask_security import Security, UserMixin

from ..errors import problem

# One answer for every reason: it tells nothing about the account.
REFUSALS = {
    "security.login": "The e-mail address or the password is wrong.",
    "security.refresh_token": "The refresh token is invalid or has expired. "
    "Log in again.",
}


def init_app(library: Security) -> None:
    """Answer in JSON, whatever the request accepts."""
    library.want_json(lambda request: True)
    library.render_json(render_json)


def render_json(
    payload: dict[str, Any],
    code: int,
    headers: dict[str, str] | None = None,
    user: UserMixin | None = None,
) -> Response:
    """Answer with what a view of the library returns."""
    if code >= 400:
        # The body was validated before: what is wrong are the credentials.
        response = problem(401, REFUSALS[str(request.endpoint)])
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    age = current_app.config["SECURITY_TOKEN_MAX_AGE"]
    content = {"user": {**payload["user"], "expires_in": int(age.total_seconds())}}
    return jsonify(meta={"code": code}, response=content)
