"""Flask-Security's answers, in the shape of this API."""

from typing import Any

from flask import Response, current_app, jsonify, request
from flask_security import Security, UserMixin

from ..errors import problem

# One answer for every reason: it tells nothing about the account.
REFUSALS = {
    "security.login": "The e-mail address or the password is not right.",
    "security.refresh_token": "The refresh token is not valid: log in again.",
}


def init_app(security: Security) -> None:
    """Answer in JSON, whatever the request accepts."""
    security.want_json(lambda request: True)
    security.render_json(render)


def render(
    payload: dict[str, Any],
    code: int,
    headers: dict[str, str] | None = None,
    user: UserMixin | None = None,
) -> Response:
    """Answer what a view of the library found."""
    if code >= 400:
        return _refused()
    answer = {name: payload[name] for name in ("user",) if name in payload}
    age = current_app.config["SECURITY_TOKEN_MAX_AGE"]
    answer["user"]["expires_in"] = int(age.total_seconds())
    return jsonify(meta={"code": code}, response=answer)


def _refused() -> Response:
    # The body was checked before the library saw it: what is left are credentials.
    answer = problem(401, REFUSALS[str(request.endpoint)])
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
