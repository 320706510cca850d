"""Every use of Flask-Security that is not its documented interface, with its reason.

Checked with release 5.9.2. A test names the line that another release does not allow.
"""

from collections.abc import Callable
from typing import Any

import flask_security
from flask import Flask, current_app

# What the library's settings are where nothing else is set.
DEFAULTS = {f"SECURITY_{n}": v for n, v in flask_security.core._default_config.items()}


def init_app(app: Flask, load_caller: Callable[..., Any]) -> None:
    """Make `load_caller` decide who calls; switch Flask-Principal off."""
    library = app.extensions["security"]
    # In the place of the library's own request loader, which knows its own tokens only.
    library.login_manager.request_loader(load_caller)
    # Flask-Principal would load the caller before each request; our own guards ask for
    # roles. Its signals are reached through the library.
    library.principal.identity_loaders.clear()
    signals = vars(flask_security.core) | vars(flask_security.decorators)
    for signal in (signals["identity_loaded"], signals["identity_changed"]):
        for receiver in list(signal.receivers_for(app)):
            signal.disconnect(receiver, app)


def get_hash_context(app: Flask) -> Any:
    """Return Passlib's context, which hashes, verifies and knows outdated hashes."""
    # The queue replaces its methods; the library offers no place for that.
    return app.extensions["security"].pwd_context


def make_anonymous_user() -> Any:
    """Return the user of a request that stands for nobody."""
    # The library does not export the class.
    return current_app.extensions["security"].login_manager.anonymous_user()
