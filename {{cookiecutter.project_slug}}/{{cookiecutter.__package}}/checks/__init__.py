"""Checks of a deployment. Each feature adds its own: `flask auth check` runs them."""

from flask import Flask

from ..security import get_extension_points
from . import cli, dependencies, deployment, files, passwords, secrets

__all__ = ["cli", "init_app"]


def init_app(app: Flask) -> None:
    """Add the checks; cli.py adds the command."""
    for module in (secrets, files, passwords, deployment, dependencies):
        get_extension_points(app).checks.extend(module.CHECKS)
