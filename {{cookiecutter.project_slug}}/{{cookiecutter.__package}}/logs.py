"""Logs: a line for each request, and for each event of authentication.

Lines name people by their id, and requests by their path without the query: what
could be a password, a token or an address is not there to begin with.
"""

import logging.config
import re
import time
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, request

requests = logging.getLogger(f"{__package__}.requests")
events = logging.getLogger(f"{__package__}.auth")

REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)


def init_app(app: Flask) -> None:
    """Log to stderr, as JSON where LOG_JSON is on."""
    if not app.testing:
        logging.config.dictConfig(_logging(app.config["LOG_JSON"]))
    app.before_request(_start)
    app.after_request(_finish)


def audit(event: str, **details: Any) -> None:
    """Log an event of authentication (ASVS 16.3): no secret, no address."""
    events.info(event, extra={"event": event, "request_id": _request_id(), **details})


def _logging(as_json: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    if as_json:
        line["()"] = "pythonjsonlogger.json.JsonFormatter"
        line["rename_fields"] = {"asctime": "time", "levelname": "level"}
    else:
        line["()"] = "logging.Formatter"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": "WARNING", "handlers": ["err"]},
        "loggers": {str(__package__): {"level": "INFO"}},
    }


def _start() -> None:
    g.started = time.perf_counter()
    sent = request.headers.get("X-Request-ID", "")
    g.request_id = sent if REQUEST_ID.fullmatch(sent) else uuid4().hex


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = _request_id()
    line = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "duration_ms": round((time.perf_counter() - g.started) * 1000, 1),
        "user": getattr(g.get("caller"), "id", None),
        "request_id": _request_id(),
    }
    requests.info("%(method)s %(path)s %(status)s", line, extra=line)
    return response


def _request_id() -> str | None:
    request_id: str | None = g.get("request_id")
    return request_id
