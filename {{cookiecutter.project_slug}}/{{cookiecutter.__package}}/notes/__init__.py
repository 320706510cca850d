"""Notes: an example resource to copy. docs/resources.md says how."""

from functools import partial

from flask import Flask

from ..security import get_extension_points, user_data
from . import views
from .models import Note


def init_app(app: Flask) -> None:
    """Serve /notes/, and export a user's notes."""
    app.extensions["api"].register_blueprint(views.blueprint)
    exports = get_extension_points(app).exports
    exports["notes"] = partial(user_data.export_rows, Note.user_id)
