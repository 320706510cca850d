"""What a request must be before Flask-Security reads it."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Request, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ..errors import problem
from . import passwords

EMAIL_LENGTH_MAX = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
TOKEN_LENGTH_MAX = 2048
BODY_BYTES_MAX = 16 * 1024

EMAIL = {"email": EMAIL_LENGTH_MAX}
PASSWORD = {"password": passwords.LENGTH_MAX}
TOKEN = {"token": TOKEN_LENGTH_MAX}

# The fields of each endpoint, with the most characters they may have.
FIELDS: Mapping[str, Mapping[str, int]] = {
    "security.login": EMAIL | PASSWORD,
    "security.refresh_token": {"refresh_token": TOKEN_LENGTH_MAX},
    "accounts.register": EMAIL,
    "accounts.confirm_register": TOKEN | PASSWORD,
    "accounts.reset": EMAIL,
    "accounts.confirm_reset": TOKEN | PASSWORD,
    "accounts.change": PASSWORD | {"new_password": passwords.LENGTH_MAX},
    "accounts.change_email": EMAIL | PASSWORD,
    "accounts.confirm_change_email": TOKEN,
}


class CheckedRequest(Request):
    """A request whose body, on any endpoint, is whole and bounded."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Return the body; beyond the limit it is 413, broken off it is 400."""
        try:
            data = super().get_data(*args, **kwargs)
        except HTTPException:
            raise
        except Exception:  # each server has its own, for chunks that it cannot read
            abort(400, "The body cannot be read to its end.")
        # Werkzeug cuts a body in chunks at the limit, without a word.
        limit = self.max_content_length
        if limit is not None and self.content_length is None and len(data) >= limit:
            abort(413)
        return data

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        """Return the parsed body; nested too deeply, it is 400."""
        try:
            return super().get_json(*args, **kwargs)
        except RecursionError:
            abort(400, "The JSON is nested too deeply.")


def init_app(app: Flask) -> None:
    """Check the requests to the library's endpoints."""
    app.request_class = CheckedRequest
    app.before_request(check)


def check() -> Response | None:
    """Let a well-formed request pass; answer any other with its problem."""
    fields = FIELDS.get(request.endpoint or "")
    if fields is None:
        return None
    if request.method not in ("POST", "OPTIONS"):
        raise MethodNotAllowed(["POST", "OPTIONS"])
    if request.method == "OPTIONS":
        return Response(headers={"Allow": "OPTIONS, POST"})
    if request.endpoint == "security.login":
        passwords.check_room()
    if "next" in request.args:
        abort(400, "This API does not redirect: leave out the parameter next.")
    limit = min(BODY_BYTES_MAX, current_app.config["MAX_CONTENT_LENGTH"])
    request.max_content_length = limit
    body = _json_object()
    # The library reads no body without a length, as one in chunks is.
    request.content_length = len(request.get_data())
    if errors := _field_errors(body, fields):
        return problem(422, "The fields are not as they should be.", errors)
    return None


def _json_object() -> dict[str, object]:
    body = request.get_json()
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
