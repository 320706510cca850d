"""Settings that every environment shares. setting_rules.py says whether they are safe.

A setting NAME is the environment variable FLASK_NAME. The environment wins over
`.env`, `.env` over `.flaskenv`, and those over the defaults in code.
"""

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import click
from flask import Flask
from flask.cli import load_dotenv
from flask.helpers import get_load_dotenv

from .security import settings as security_settings
from .setting_rules import AGES, SECRETS, number, problems

DEFAULTS = {
    # Whether /docs and /openapi.json are served. `flask openapi print` always works.
    "API_DOCS": False,
    # Findings of `flask auth check` that are as they should be here: ["auth.E025"].
    "CHECKS_SILENCED": [],
    # Origins whose pages may call this API from a browser: ["https://example.com"].
    "CORS_ORIGINS": [],
    # Browsers then insist on TLS for so many seconds. 0: not said.
    "HSTS_SECONDS": 0,
    # On how many machines the app runs: `flask auth check --deploy` asks.
    "INSTANCES": 1,
    "LOG_JSON": True,
    # How many proxies stand in front. Of more, a client could write the headers.
    "PROXY_COUNT": 0,
    # A larger body is refused unread: 413. In bytes.
    "MAX_CONTENT_LENGTH": 1024 * 1024,
    # What to change of database.ENGINES: {"pool_size": 10}.
    "SQLALCHEMY_ENGINE_OPTIONS": {},
}

TEXTS = (
    *SECRETS,
    *("SQLALCHEMY_DATABASE_URI", "FRONT_END_URL", "PASSWORD_BREACH_URL"),
    *("MAIL_SERVER", "MAIL_DEFAULT_SENDER", "MAIL_USERNAME", "MAIL_PASSWORD"),
)


class ConfigurationError(click.ClickException):
    """A setting is missing or unsafe: `flask` prints it without a traceback."""


def init_app(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill app.config, or raise ConfigurationError with every problem found."""
    app.config.from_mapping(DEFAULTS)
    app.config.from_object(security_settings)
    if settings is None:
        _read_environment(app)
    else:
        app.config.from_mapping(settings)
    if found := list(problems(app.config)):
        raise ConfigurationError("\n".join(["the settings are not safe:", *found]))
    for name in AGES:
        app.config[name] = timedelta(seconds=number(app.config[name]))


def _read_environment(app: Flask) -> None:
    if get_load_dotenv():
        load_dotenv()
    app.config.from_prefixed_env(loads=_parse)
    # from_prefixed_env parses JSON: a secret of digits would become a number.
    for name in TEXTS:
        if f"FLASK_{name}" in os.environ:
            app.config[name] = os.environ[f"FLASK_{name}"]


def _parse(text: str) -> Any:
    # JSON, and the booleans of Python: "False" as text would count as true.
    return json.loads(text.lower() if text in ("True", "False") else text)
