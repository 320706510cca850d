"""Notes: a resource to copy. docs/resources.md says how."""

from flask import Flask

from . import views


def init_app(app: Flask) -> None:
    """Serve /notes/."""
    app.extensions["api"].register_blueprint(views.blueprint)
