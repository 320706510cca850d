"""Checks of a deployment. Each feature adds its own: `flask auth check` runs them."""

from flask import Flask

from ..security import get_extension_points
from . import (
    cli,
    connections,
    database,
    dependencies,
    deployment,
    exposure,
    files,
    library_settings,
    passwords,
    ranges,
    secrets,
    unknown_settings,
)

__all__ = ["cli", "init_app"]

MODULES = (
    secrets,
    files,
    passwords,
    ranges,
    deployment,
    exposure,
    connections,
    database,
    dependencies,
    unknown_settings,
)


def init_app(app: Flask) -> None:
    """Add the checks; cli.py adds the command. Some are made at each start."""
    for module in MODULES:
        get_extension_points(app).checks.extend(module.CHECKS)
    get_extension_points(app).readiness.append(database.find_setup_problem)
    library_settings.init_app(app)
    unknown_settings.init_app(app)
