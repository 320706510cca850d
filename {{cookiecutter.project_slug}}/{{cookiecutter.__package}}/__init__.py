"""The application: create_app is its table of contents."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from . import (
    api,
    config,
    database,
    dummy,
    errors,
    headers,
    health,
    logs,
    moving,
    notes,
    pages,
    security,
)


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Make the application.

    Without `settings` they come from the environment and `.env`; with them
    (tests) the environment is not read. Raises config.ConfigurationError when
    a setting is missing or unsafe.
    """
    app = Flask(__name__, static_folder=None)
    config.init_app(app, settings)
    logs.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    database.init_app(app)
    moving.init_app(app)
    api.init_app(app)
    security.init_app(app)
    health.init_app(app)
    dummy.init_app(app)
    notes.init_app(app)
    pages.init_app(app)
    return app
