"""Settings that every environment shares, and the check that they are safe.

A setting NAME is the environment variable FLASK_NAME. The environment wins over
`.env`, `.env` over `.flaskenv`, and those over the defaults in code.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import click
from flask import Flask
from flask.cli import load_dotenv
from flask.helpers import get_load_dotenv

from .security import settings as security_settings

DEFAULTS = {
    # A larger body is refused unread: 413. In bytes.
    "MAX_CONTENT_LENGTH": 1024 * 1024,
    # Errors are logged with their SQL; the values would be personal data.
    "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True, "pool_pre_ping": True},
}

SECRETS = ("SECRET_KEY", "SECURITY_PASSWORD_SALT")
TEXTS = (*SECRETS, "SQLALCHEMY_DATABASE_URI")

# What a setting may be, for those where another kind would do something unexpected.
KINDS: Mapping[str, tuple[list[type], str]] = {
    "HTTP_BASIC_AUTH": ([bool], "true or false"),
    "MAX_CONTENT_LENGTH": ([int], "a whole number of bytes"),
    "SECRET_KEY_FALLBACKS": ([list, type(None)], 'a list of old keys: ["...", "..."]'),
    "SECURITY_PASSWORD_LENGTH_MIN": ([int], "a whole number of characters"),
    "SECURITY_TOKEN_MAX_AGE": ([int, timedelta], "a whole number of seconds"),
}

SECRET_LENGTH_MIN = 32
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
PLACEHOLDER = re.compile(
    r"change.?(me|this)|(your|my|some|a).?secret|secret.?key|example|placeholder|replace",
    re.IGNORECASE,
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
    if problems := list(_problems(app.config)):
        raise ConfigurationError("\n".join(["the settings are not safe:", *problems]))


def _read_environment(app: Flask) -> None:
    if get_load_dotenv():
        load_dotenv()
    app.config.from_prefixed_env(loads=_parse)
    # from_prefixed_env parses JSON: a secret of digits would become a number.
    for name in TEXTS:
        app.config[name] = os.environ.get(f"FLASK_{name}")


def _parse(text: str) -> Any:
    # JSON, and the booleans of Python: "False" as text would count as true.
    return json.loads(text.lower() if text in ("True", "False") else text)


def _problems(config: Mapping[str, Any]) -> Iterator[str]:
    for name in SECRETS:
        if reason := _weakness(config.get(name)):
            yield f"  FLASK_{name} {reason}. Make one with: {HOW_TO_MAKE_ONE}"
    if not config.get("SQLALCHEMY_DATABASE_URI"):
        yield "  FLASK_SQLALCHEMY_DATABASE_URI is missing. .env.example shows one"
    for name, (kind, rule) in KINDS.items():
        if type(config[name]) not in kind:
            yield f"  FLASK_{name} is {config[name]!r}, and must be {rule}"


def _weakness(secret: object) -> str | None:
    if not secret:
        return "is missing"
    if not isinstance(secret, str):
        return "is not text"
    if len(secret) < SECRET_LENGTH_MIN:
        return f"has {len(secret)} characters, not {SECRET_LENGTH_MIN} or more"
    if PLACEHOLDER.search(secret):
        return "is an example, not a secret"
    if len(set(secret)) < 5:
        return "repeats the same few characters"
    return None
