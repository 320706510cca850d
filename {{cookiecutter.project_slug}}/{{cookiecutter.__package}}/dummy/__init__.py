"""A resource to start from."""

from flask import Flask

from . import views


def init_app(app: Flask) -> None:
    """Serve /dummy-api/."""
    app.register_blueprint(views.blueprint)
