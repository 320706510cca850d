"""Logs: a line for each request, and for each event of authentication.

Lines name people by their id, and requests by their path without the query: what
could be a password, a token or an address is not there to begin with.
"""

import json
import logging.config
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, g, has_request_context, request

requests = logging.getLogger(f"{__package__}.requests")
events = logging.getLogger(f"{__package__}.auth")

# What every record has, and need not be in its line.
COMMON = {*vars(logging.makeLogRecord({})), "message", "asctime"}

# Made once: json.dumps would make an encoder for each line.
ENCODE = json.JSONEncoder(default=str).encode

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


def init_app(app: Flask) -> None:
    """Log to stderr, as JSON where LOG_JSON is on."""
    if not app.testing:
        logging.config.dictConfig(_logging(app.config["LOG_JSON"]))
    app.wsgi_app = RequestLog(app.wsgi_app)  # type: ignore[method-assign]


def audit(event: str, **details: Any) -> None:
    """Log an event of authentication (ASVS 16.3): no secret, no address."""
    events.info(event, extra={"event": event, "request_id": _request_id(), **details})


class JsonLine(logging.Formatter):
    """Writes a record as JSON, with all that it says beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        fields = record.__dict__.items()
        line |= {name: value for name, value in fields if name not in COMMON}
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return ENCODE(line)


def _logging(as_json: bool) -> dict[str, Any]:
    text = {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLine} if as_json else text},
        "filters": {"no requests": {"()": lambda: _is_no_request}},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["err"]},
        "loggers": {
            str(__package__): {"level": "INFO"},
            "werkzeug": {"filters": ["no requests"]},
        },
    }


def _is_no_request(record: logging.LogRecord) -> bool:
    # The development server would log each request too, with its query.
    return not record.args


class RequestLog:
    """Gives each request a name, and logs it when it is answered.

    A WSGI middleware: hooks of Flask would cost twice as much for each request.
    """

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        """Stand before an application."""
        self.wsgi_app = wsgi_app

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""
        started = time.perf_counter()
        sent = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = sent if REQUEST_ID.fullmatch(sent) else token_hex(16)
        environ["request_id"] = request_id

        def finish(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            line = {
                "method": environ["REQUEST_METHOD"],
                "path": quote(request.path),
                "status": int(status[:3]),
                "duration_ms": round((time.perf_counter() - started) * 1000, 1),
                "user": getattr(g.get("caller"), "id", None),
                "request_id": request_id,
            }
            requests.info("%(method)s %(path)s %(status)s", line, extra=line)
            headers.append(("X-Request-ID", request_id))
            return start_response(status, headers, *error)

        return self.wsgi_app(environ, finish)


def _request_id() -> str | None:
    return request.environ.get("request_id") if has_request_context() else None
