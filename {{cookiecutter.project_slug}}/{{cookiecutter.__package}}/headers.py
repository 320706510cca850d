"""Headers: those of proxies that are trusted, and those that every response has."""

from collections.abc import Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask
from flask_cors import CORS
from werkzeug.middleware.proxy_fix import ProxyFix

# Responses are data for programs: no browser may cache, sniff, frame or run them.
SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def init_app(app: Flask) -> None:
    """Trust PROXY_COUNT proxies, allow CORS_ORIGINS, send the security headers."""
    if proxies := app.config["PROXY_COUNT"]:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    if origins := app.config["CORS_ORIGINS"]:
        CORS(app, origins=origins, expose_headers=["ETag", "X-Pagination"], max_age=600)
    headers = dict(SECURITY_HEADERS)
    if seconds := app.config["HSTS_SECONDS"]:
        headers["Strict-Transport-Security"] = f"max-age={seconds}"
    app.wsgi_app = SecurityHeaders(app.wsgi_app, headers)  # type: ignore[method-assign]


class SecurityHeaders:
    """Adds headers to each response that has none of that name.

    A WSGI middleware: a hook of Flask would cost twice as much for each request.
    """

    def __init__(self, wsgi_app: WSGIApplication, headers: Mapping[str, str]) -> None:
        """Wrap an application."""
        self.wsgi_app = wsgi_app
        self.headers = list(headers.items())

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        """Handle one request."""

        def send(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            sent = {name.title() for name, _ in headers}
            headers += [item for item in self.headers if item[0] not in sent]
            return start_response(status, headers, *error)

        return self.wsgi_app(environ, send)
