"""The application: create_app is its table of contents."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from . import (
    accounts,
    api,
    backup,
    basic_auth,
    breached_passwords,
    checks,
    copy_data,
    database,
    dummy,
    emails,
    errors,
    headers,
    health,
    import_users,
    logs,
    notes,
    pages,
    security,
    settings,
)


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the application.

    Without `config` the settings come from the environment and `.env`; with it (in
    tests) the environment is not read. Raises settings.ConfigurationError when a
    setting is missing or unsafe.
    """
    app = Flask(__name__, static_folder=None)
    settings.init_app(app, config)
    logs.init_app(app)
    headers.init_app(app)
    errors.init_app(app)
    database.init_app(app)
    copy_data.init_app(app)
    backup.init_app(app)
    api.init_app(app)
    security.init_app(app)
    checks.init_app(app)
    health.init_app(app)
    import_users.init_app(app)
    emails.init_app(app)
    accounts.init_app(app)
    basic_auth.init_app(app)
    breached_passwords.init_app(app)
    dummy.init_app(app)
    notes.init_app(app)
    pages.init_app(app)
    return app
