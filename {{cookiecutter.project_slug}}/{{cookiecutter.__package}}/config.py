"""Settings that every environment shares, and the check that they are safe.

A setting NAME is the environment variable FLASK_NAME. The environment wins over
`.env`, `.env` over `.flaskenv`, and those over the defaults in code.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import click
from flask import Flask
from flask.cli import load_dotenv
from flask.helpers import get_load_dotenv

from .secret_rules import weakness
from .security import settings as security_settings
from .security.accounts import PARTS

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

SECRETS = ("SECRET_KEY", "SECURITY_PASSWORD_SALT")
TEXTS = (*SECRETS, "SQLALCHEMY_DATABASE_URI", "MAIL_USERNAME", "MAIL_PASSWORD")

Kind = tuple[list[type], str]
WHOLE: Kind = ([int], "a whole number")
SECONDS: Kind = ([int, timedelta], "a whole number of seconds")

# What a setting may be, for those where another kind would do something unexpected.
KINDS: Mapping[str, Kind] = {
    "ACCOUNTS": ([list], f"a list, of any of these: {json.dumps([*PARTS])}"),
    "ACCOUNT_TOKEN_MAX_AGE": SECONDS,
    "API_DOCS": ([bool], "true or false"),
    "CHECKS_SILENCED": ([list], 'a list of ids: ["auth.E025"]'),
    "CORS_ORIGINS": ([list], 'a list: ["https://example.com"]'),
    "HASHES_AT_ONCE": WHOLE,
    "HSTS_SECONDS": WHOLE,
    "HTTP_BASIC_AUTH": ([bool], "true or false"),
    "INSTANCES": WHOLE,
    "LETTER_LIMIT_PER_ACCOUNT": ([str], "a rate: 5 per hour"),
    "LETTER_LIMIT_PER_ADDRESS": ([str], "a rate: 20 per hour"),
    "LOGIN_LIMIT_PER_ACCOUNT": ([str], "a rate: 10 per minute"),
    "LOGIN_LIMIT_PER_ADDRESS": ([str], "a rate: 30 per minute"),
    "LOG_JSON": ([bool], "true or false"),
    "MAX_CONTENT_LENGTH": ([int], "a whole number of bytes"),
    "MAIL_TIMEOUT": WHOLE,
    "PASSWORD_BREACH_SECONDS": WHOLE,
    "PROXY_COUNT": WHOLE,
    "RATELIMIT_ENABLED": ([bool], "true or false"),
    "RATELIMIT_STORAGE_OPTIONS": ([dict], 'an object: {"db": 1}'),
    "RATELIMIT_STORAGE_URI": ([str], "an address: redis://127.0.0.1:6379"),
    "SECRET_KEY_FALLBACKS": ([list, type(None)], 'a list of old keys: ["..."]'),
    "SECURITY_PASSWORD_LENGTH_MIN": WHOLE,
    "SECURITY_REFRESH_TOKEN_MAX_AGE": SECONDS,
    "SECURITY_REFRESH_TOKEN_MAX_IDLE": SECONDS,
    "SECURITY_TOKEN_MAX_AGE": SECONDS,
    "SQLALCHEMY_ENGINE_OPTIONS": ([dict], 'an object: {"pool_size": 10}'),
    "TRUSTED_HOSTS": ([list, type(None)], 'a list: ["api.example.com"]'),
}

# The library's own parts answer with pages, and have no limits.
PAGES = ("CHANGEABLE", "CHANGE_EMAIL", "CONFIRMABLE", "RECOVERABLE", "REGISTERABLE")

LEAST = {
    "HASHES_AT_ONCE": 1,
    "HSTS_SECONDS": 0,
    "INSTANCES": 1,
    "PROXY_COUNT": 0,
    "SECURITY_PASSWORD_LENGTH_MIN": 12,
}

HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


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
    for name, (kind, _) in KINDS.items():
        if kind is SECONDS[0] and isinstance(app.config[name], int):
            app.config[name] = timedelta(seconds=app.config[name])


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
    secrets = [(name, config.get(name)) for name in SECRETS]
    if isinstance(old_keys := config.get("SECRET_KEY_FALLBACKS"), list):
        secrets += [("SECRET_KEY_FALLBACKS", key) for key in old_keys]
    for name, value in secrets:
        if reason := weakness(value):
            yield f"  FLASK_{name} {reason}. Make one with: {HOW_TO_MAKE_ONE}"
    if not config.get("SQLALCHEMY_DATABASE_URI"):
        yield "  FLASK_SQLALCHEMY_DATABASE_URI is missing. .env.example shows one"
    for name in PAGES:
        if config.get(f"SECURITY_{name}"):
            yield f"  FLASK_SECURITY_{name} serves pages: see FLASK_ACCOUNTS"
    for name, (kind, rule) in KINDS.items():
        if type(config.get(name)) not in kind:
            yield f"  FLASK_{name} is {config[name]!r}, and must be {rule}"
        elif name in LEAST and config[name] < LEAST[name]:
            yield f"  FLASK_{name} is {config[name]}, and must be {LEAST[name]} or more"
        elif name == "ACCOUNTS" and any(part not in [*PARTS] for part in config[name]):
            yield f"  FLASK_{name} is {config[name]!r}, and must be {rule}"
