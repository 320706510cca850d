"""Every error, in one shape: application/problem+json, RFC 9457."""

from collections.abc import Mapping

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

RETRY_SECONDS = 5

# The server is away, was away in the middle, or has no connection left for us.
DATABASE_AWAY = (InterfaceError, OperationalError, PendingRollbackError, TimeoutError)

Errors = Mapping[str, list[str]]


def init_app(app: Flask) -> None:
    """Answer every error of the app, and of its libraries, with a problem."""
    app.register_error_handler(HTTPException, http_problem)
    for error in DATABASE_AWAY:
        app.register_error_handler(error, _database_away)
    app.register_error_handler(StaleDataError, _overtaken)
    app.register_error_handler(DataError, _not_for_keeping)
    app.register_error_handler(UnicodeEncodeError, _not_for_keeping)


def problem(status: int, detail: str | None, errors: Errors | None = None) -> Response:
    """Make an error response.

    `detail` says what is wrong with this request; `errors` has the messages for
    each field, by its name.
    """
    body = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES[status],
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Response(
        json.dumps(body), status=status, mimetype="application/problem+json"
    )


def http_problem(error: HTTPException) -> Response:
    """Answer an error that Flask or one of its libraries raised."""
    # What fails after the view, as a commit may, comes wrapped in a 500.
    if isinstance(cause := getattr(error, "original_exception", None), DATABASE_AWAY):
        return _database_away(cause)
    answer = problem(error.code or 500, error.description)
    # Allow (405), Retry-After (429): what the exception says beside its page.
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            answer.headers[name] = value
    return answer


def _database_away(error: Exception) -> Response:
    current_app.logger.error("The database does not answer", exc_info=error)
    answer = problem(503, "The database does not answer. Try again in a moment.")
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _overtaken(error: StaleDataError) -> Response:
    # Another request changed the row after this one had checked its If-Match.
    return http_problem(PreconditionFailed())


def _not_for_keeping(error: Exception) -> Response:
    # Half of a surrogate pair; on PostgreSQL the character NUL.
    return problem(422, "A text or a number is none that the database can keep.")
