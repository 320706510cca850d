"""Logs: one line for each request, and one for each authentication event.

Lines name users by their id, and requests by their path without the query string, so
that no password, token or e-mail address is logged.
"""

import json
import logging
import re
import time
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, has_request_context, request

request_logger = logging.getLogger(f"{__package__}.requests")
audit_logger = logging.getLogger(f"{__package__}.auth")

# Attributes that every record has: they are not repeated in its line.
STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime"}

# Built once: json.dumps would build an encoder for each line.
encode_json = json.JSONEncoder(default=str).encode

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


def init_app(app: Flask) -> None:
    """Log to stderr, as JSON where LOG_JSON is on."""
    if not app.testing:
        handler = logging.StreamHandler()
        as_json = app.config["LOG_JSON"]
        handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(TEXT))
        logging.basicConfig(handlers=[handler], force=True)
        logging.getLogger(__package__).setLevel(logging.INFO)
        logging.getLogger("werkzeug").addFilter(is_no_request)
    app.wsgi_app = log_requests(app.wsgi_app)  # type: ignore[assignment,method-assign]


def audit(event: str, **details: Any) -> None:
    """Log an authentication event (ASVS 16.3): no secret, no e-mail address."""
    extra = {"event": event, "request_id": _request_id(), **details}
    audit_logger.info(event, extra=extra)


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON, with every extra field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "name": record.name,
            "message": record.getMessage(),
        }
        line |= {k: v for k, v in vars(record).items() if k not in STANDARD_ATTRIBUTES}
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return encode_json(line)


def is_no_request(record: logging.LogRecord) -> bool:
    """Filter the development server's own lines about requests: they have the query."""
    return not record.args


def log_requests(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Give each request an id, and log it when it is answered.

    A WSGI middleware: hooks of Flask would cost twice as much for each request.
    """

    def handle(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
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
                "user": getattr(environ.get("auth.caller"), "id", None),
                "request_id": request_id,
            }
            request_logger.info("%(method)s %(path)s %(status)s", line, extra=line)
            headers.append(("X-Request-ID", request_id))
            return start_response(status, headers, *error)

        return wsgi_app(environ, finish)

    return handle


def _request_id() -> str | None:
    return request.environ.get("request_id") if has_request_context() else None
