"""What a request must be before Flask-Security reads it."""

from collections.abc import Mapping

from flask import Flask, Response, abort, current_app, request
from werkzeug.exceptions import MethodNotAllowed

from ..errors import problem
from .passwords import LENGTH_MAX as PASSWORD_LENGTH_MAX

EMAIL_LENGTH_MAX = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
BODY_BYTES_MAX = 16 * 1024

# The fields of each endpoint, with the most characters they may have.
FIELDS: Mapping[str, Mapping[str, int]] = {
    "security.login": {"email": EMAIL_LENGTH_MAX, "password": PASSWORD_LENGTH_MAX},
}


def init_app(app: Flask) -> None:
    """Check the requests to the library's endpoints."""
    app.before_request(check)


def check() -> Response | None:
    """Let a well-formed request pass; answer any other with its problem."""
    fields = FIELDS.get(request.endpoint or "")
    if fields is None:
        return None
    if request.method not in ("POST", "OPTIONS"):
        raise MethodNotAllowed(["POST", "OPTIONS"])
    if request.method == "OPTIONS":
        return None
    if "next" in request.args:
        abort(400, "This API does not redirect: leave out the parameter next.")
    limit = min(BODY_BYTES_MAX, current_app.config["MAX_CONTENT_LENGTH"])
    request.max_content_length = limit
    body = _json_object()
    if errors := _field_errors(body, fields):
        return problem(422, "The fields are not as they should be.", errors)
    return None


def _json_object() -> dict[str, object]:
    if not request.is_json:
        abort(415, "Send JSON, with Content-Type: application/json.")
    try:
        body = request.get_json()
    except RecursionError:
        abort(400, "The JSON is nested too deeply.")
    if not isinstance(body, dict):
        abort(400, "Send a JSON object.")
    return body


def _field_errors(
    body: Mapping[str, object], fields: Mapping[str, int]
) -> dict[str, list[str]]:
    errors = {name: ["Unknown field."] for name in body.keys() - fields.keys()}
    for name, length_max in fields.items():
        if reason := _text_error(body.get(name), length_max):
            errors[name] = [reason]
    return errors


def _text_error(value: object, length_max: int) -> str | None:
    if value is None or value == "":
        return "Required."
    if not isinstance(value, str):
        return "Must be a string."
    if len(value) > length_max:
        return f"At most {length_max} characters."
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "Must be valid Unicode."
    return None
