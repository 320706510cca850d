"""Health checks: liveness (/healthz) and readiness (/readyz)."""

from flask import Blueprint, Flask
from sqlalchemy import text

from .database import db

blueprint = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Serve /healthz and /readyz."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Liveness: restart the process if this fails."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> dict[str, str]:
    """Readiness: send no traffic while the database is unreachable (503)."""
    db.session.execute(text("SELECT 1"))
    return {"status": "ok"}
