"""Health checks: liveness (/healthz) and readiness (/readyz)."""

from typing import Any

from flask import Blueprint, Flask

from .errors import problem
from .security import get_extension_points

blueprint = Blueprint("health", __name__)


def init_app(app: Flask) -> None:
    """Serve /healthz and /readyz."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """Liveness: restart the process if this fails."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> Any:
    """Readiness: no traffic while the database is unreachable or unfit (503)."""
    for find_problem in get_extension_points().readiness:
        if found := find_problem():
            return problem(503, found)
    return {"status": "ok"}
