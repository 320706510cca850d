"""Import users with the password hashes of another system: `flask auth import-users`.

An imported hash is stored behind a prefix. The first login with the right password
replaces it by a hash of this app.
"""

from flask import Flask

from ..security import get_extension_points
from . import cli, hashes

__all__ = ["cli", "init_app"]


def init_app(app: Flask) -> None:
    """Let imported hashes verify; cli.py adds the command."""
    get_extension_points(app).password_hashes[hashes.PREFIX] = hashes.verify
