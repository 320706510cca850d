"""Headers: which to believe, and which to send."""

from collections.abc import Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

# Answers are data for programs: no browser keeps, guesses at, frames or runs them.
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def init_app(app: Flask) -> None:
    """Believe PROXY_COUNT proxies, let CORS_ORIGINS in, send the safe headers."""
    if proxies := app.config["PROXY_COUNT"]:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    if origins := app.config["CORS_ORIGINS"]:
        CORS(app, origins=origins, expose_headers=["ETag", "X-Pagination"], max_age=600)
    send = dict(ALWAYS)
    if seconds := app.config["HSTS_SECONDS"]:
        send["Strict-Transport-Security"] = f"max-age={seconds}"
    app.wsgi_app = SafeHeaders(app.wsgi_app, send)  # type: ignore[method-assign]


class SafeHeaders:
    """Adds headers to each answer that has none of that name.

    A WSGI middleware: a hook of Flask would cost twice as much for each request.
    """

    def __init__(self, wsgi_app: WSGIApplication, headers: Mapping[str, str]) -> None:
        """Stand before an application."""
        self.wsgi_app = wsgi_app
        self.headers = list(headers.items())

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer one request."""

        def send(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            sent = {name.title() for name, _ in headers}
            headers += [item for item in self.headers if item[0] not in sent]
            return start_response(status, headers, *error)

        return self.wsgi_app(environ, send)
