"""The smallest resource: one protected endpoint."""

from pathlib import Path

from flask import Flask

from .. import api
from . import views


def init_app(app: Flask) -> None:
    """Serve /dummy-api/."""
    app.register_blueprint(views.blueprint)
    api.describe(app, Path(__file__).with_name("openapi.json"))
