"""Every error has one shape: application/problem+json, RFC 9457."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, current_app, json
from sqlalchemy.exc import (
    DataError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    TimeoutError,
)
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, PreconditionFailed
from werkzeug.http import HTTP_STATUS_CODES

DATABASE_RETRY_AFTER = 5  # seconds

# The server is unreachable, the connection was lost, or the pool has none left.
UNREACHABLE = (InterfaceError, OperationalError, PendingRollbackError, TimeoutError)

Errors = Mapping[str, list[str]]

# An answer has the errors of this many fields, and so many characters of each name.
MAX_FIELD_ERRORS = 20
MAX_FIELD_NAME_LENGTH = 100


def init_app(app: Flask) -> None:
    """Answer every error of the app, and of its libraries, with a problem document."""
    app.register_error_handler(HTTPException, http_problem)
    for error in UNREACHABLE:
        app.register_error_handler(error, database_unreachable)
    app.register_error_handler(StaleDataError, stale_row)
    app.register_error_handler(DataError, unstorable_value)
    app.register_error_handler(UnicodeEncodeError, unstorable_value)


def problem(status: int, detail: str | None, errors: Errors | None = None) -> Response:
    """Make an error response.

    `detail` says what is wrong with this request; `errors` has the messages for
    each field, by its name.
    """
    title = HTTP_STATUS_CODES[status]
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return Response(json.dumps(body), status, mimetype="application/problem+json")


def invalid_fields(errors: Errors) -> Response:
    """Make the 422 response for fields that are invalid: it names the first of them."""
    first = _take(errors, iter(range(MAX_FIELD_ERRORS)))
    return problem(422, "Some fields are invalid.", first)


def _take(errors: Any, left: Iterator[int]) -> Any:
    # The messages of a field; or, by its name or index, those of each part of it.
    if not isinstance(errors, Mapping):
        return errors if next(left, None) is not None else None
    taken = {
        str(name)[:MAX_FIELD_NAME_LENGTH]: _take(part, left)
        for name, part in errors.items()
    }
    return {name: part for name, part in taken.items() if part}


def http_problem(error: HTTPException) -> Response:
    """Answer an error that Flask or one of its libraries raised."""
    # What fails after the view, as a commit may, comes wrapped in a 500.
    if isinstance(cause := getattr(error, "original_exception", None), UNREACHABLE):
        return database_unreachable(cause)
    response = problem(error.code or 500, error.description)
    # Allow (405), Retry-After (429): the headers that the exception adds.
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def database_unreachable(error: Exception) -> Response:
    """Answer 503 with Retry-After; the log has the error."""
    current_app.logger.error("The database is unreachable", exc_info=error)
    response = problem(503, "The database is unreachable. Try again in a moment.")
    response.headers["Retry-After"] = str(DATABASE_RETRY_AFTER)
    return response


def stale_row(error: StaleDataError) -> Response:
    """Answer 412: another request changed the row after If-Match was checked."""
    return http_problem(PreconditionFailed())


def unstorable_value(error: Exception) -> Response:
    """Answer 422, for half of a surrogate pair, or NUL on PostgreSQL."""
    return problem(422, "A value cannot be stored in the database.")
