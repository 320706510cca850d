"""Headers: those of proxies that are trusted, and those that every response has."""

from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

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
    wsgi_app, added = app.wsgi_app, list(headers.items())

    # A WSGI middleware: a hook of Flask would cost twice as much for each request.
    def add_headers(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        def send(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            sent = {name.title() for name, _ in headers}
            headers += [item for item in added if item[0] not in sent]
            return start_response(status, headers, *error)

        return wsgi_app(environ, send)

    app.wsgi_app = add_headers  # type: ignore[method-assign]
