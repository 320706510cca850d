"""Every use of Flask-Security that is not its documented interface, with its reason.

Checked with release 5.9.2.
"""

from typing import Any

import flask_security
from flask import Flask, current_app

# What the library's settings are where nothing else is set.
DEFAULTS = {f"SECURITY_{n}": v for n, v in flask_security.core._default_config.items()}


def get_library() -> Any:
    """Return the library's object of the current app, with our parts in it."""
    return current_app.extensions["security"]


def init_app(app: Flask, library: Any) -> None:
    """Switch Flask-Principal off."""
    # Flask-Principal would load the caller before each request; our own guards ask for
    # roles. Its signals are reached through the library.
    library.principal.identity_loaders.clear()
    signals = vars(flask_security.core) | vars(flask_security.decorators)
    for signal in (signals["identity_loaded"], signals["identity_changed"]):
        for receiver in list(signal.receivers_for(app)):
            signal.disconnect(receiver, app)
