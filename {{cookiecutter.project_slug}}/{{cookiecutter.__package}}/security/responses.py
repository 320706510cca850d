"""Flask-Security's answers, in the shape of this API."""

from typing import Any

from flask import Response, jsonify
from flask_security import Security, UserMixin

from ..errors import problem


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
        return _refused(payload)
    answer = {name: payload[name] for name in ("user",) if name in payload}
    return jsonify(meta={"code": code}, response=answer)


def _refused(payload: dict[str, Any]) -> Response:
    # The form was checked before the library saw it: what is left are credentials.
    answer = problem(401, str(payload["errors"][0]))
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
