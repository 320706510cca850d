"""Whether the process lives, and whether it can do its work."""

from flask import Blueprint, Flask
from sqlalchemy import text

from .database import db

blueprint = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Serve /healthz and /readyz."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Alive: restart the process if this fails."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> dict[str, str]:
    """Ready: send no traffic while this fails (503, the database is away)."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ok"}
