"""Headers: which to believe, and which to send."""

from flask import Flask, Response, current_app
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
    app.after_request(_send)


def _send(response: Response) -> Response:
    sent = {name.title() for name, _ in response.headers}
    for name, value in ALWAYS.items():
        if name not in sent:
            response.headers.add(name, value)
    if seconds := current_app.config["HSTS_SECONDS"]:
        response.headers["Strict-Transport-Security"] = f"max-age={seconds}"
    return response
