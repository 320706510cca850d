"""Request validation: bodies are bounded, and checked before a view reads them."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Request, Response, abort, current_app, request
from werkzeug.exceptions import HTTPException

from ..errors import invalid_fields
from . import passwords

MAX_EMAIL_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
MAX_TOKEN_LENGTH = 2048
MAX_BODY_BYTES = 16 * 1024

# The fields of an endpoint, each with its maximum length in characters.
Fields = Mapping[str, int]

EMAIL = {"email": MAX_EMAIL_LENGTH}
PASSWORD = {"password": passwords.MAX_LENGTH}
TOKEN = {"token": MAX_TOKEN_LENGTH}


class BoundedRequest(Request):
    """A request whose body, on any endpoint, is complete and bounded."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """Return the body. Beyond the limit it is 413, incomplete it is 400."""
        try:
            data = super().get_data(*args, **kwargs)
        except HTTPException:
            raise
        except Exception:  # each server has its own, for chunks that it cannot read
            abort(400, "The body is incomplete or malformed.")
        # Werkzeug cuts a chunked body off at the limit, without an error.
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
    """Validate the requests to /login and /refresh-token."""
    app.request_class = BoundedRequest
    app.extensions["request_fields"] = {
        "login": EMAIL | PASSWORD,
        "sessions.refresh": {"refresh_token": MAX_TOKEN_LENGTH},
    }
    app.before_request(validate_request)


def limit_fields(app: Flask, fields: Mapping[str, Fields]) -> None:
    """Validate the requests to more endpoints: their fields are texts, all required."""
    app.extensions["request_fields"].update(fields)


def validate_request() -> Response | None:
    """Let a valid request pass; answer any other with its problem."""
    fields = current_app.extensions["request_fields"].get(request.endpoint)
    if fields is None:
        return None
    if request.method == "OPTIONS":
        return None
    if request.endpoint == "login":
        # Refused before any other work, if there is no slot for the password now.
        with current_app.extensions["hash_queue"].slot():
            pass
    limit = min(MAX_BODY_BYTES, current_app.config["MAX_CONTENT_LENGTH"])
    request.max_content_length = limit
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400, "The body must be a JSON object.")
    if errors := find_field_errors(body, fields):
        return invalid_fields(errors)
    return None


def find_field_errors(
    body: Mapping[str, object], fields: Fields
) -> dict[str, list[str]]:
    """Return the messages for each invalid field, by its name."""
    reasons = {name: _find_text_error(body.get(name), fields[name]) for name in fields}
    reasons |= dict.fromkeys(body.keys() - fields.keys(), "Unknown field.")
    return {name: [reason] for name, reason in reasons.items() if reason}


def _find_text_error(value: object, max_length: int) -> str | None:
    if value is None or value == "":
        return "Required."
    if not isinstance(value, str):
        return "Must be a string."
    # A token is ASCII. What people type may have several forms.
    count = passwords.count_characters if max_length <= passwords.MAX_LENGTH else len
    if count(value) > max_length:
        return f"Must have at most {max_length} characters."
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "Must be valid Unicode."
    return None
