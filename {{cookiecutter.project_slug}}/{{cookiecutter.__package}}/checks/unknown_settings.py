"""Variables FLASK_... that nothing reads: most are misspelt."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import FlaskGroup

from ..security import Check
from ..security.library import DEFAULTS
from ..settings import find_settings

# Names that Flask and the extensions read, and do not list anywhere.
OTHERS = """
    ENV RUN_FROM_CLI SKIP_DOTENV
    SQLALCHEMY_BINDS SQLALCHEMY_ECHO SQLALCHEMY_RECORD_QUERIES
    SQLALCHEMY_TRACK_MODIFICATIONS
    API_SPEC_OPTIONS API_TITLE API_VERSION ETAG_DISABLED ETAG_INCLUDE_HEADERS
    CORS_ALLOW_HEADERS CORS_ALLOW_PRIVATE_NETWORK CORS_ALWAYS_SEND
    CORS_EXPOSE_HEADERS CORS_INTERCEPT_EXCEPTIONS CORS_MAX_AGE CORS_METHODS
    CORS_RESOURCES CORS_SEND_WILDCARD CORS_SUPPORTS_CREDENTIALS CORS_VARY_HEADER
    LOGIN_DISABLED SESSION_PROTECTION USE_SESSION_FOR_NEXT
"""

# What Kubernetes sets in a container for a service whose name begins with "flask".
SERVICE = re.compile(
    r"(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
PREFIXES = ("DB_", "OPENAPI_", "REMEMBER_COOKIE_", "SECURITY_MSG_", "WTF_")


def init_app(app: Flask) -> None:
    """Log a warning about each name that nothing reads."""
    for sentence in find_unknown(app):
        app.logger.warning(sentence)


def find_unknown(app: Flask) -> list[str]:
    """Return a sentence about each name that nothing reads, never with its value."""
    # Where create_app was given the settings, the environment was not read.
    read = [name for name in app.config if f"FLASK_{name}" in os.environ]
    if not read:
        return []
    known = {*app.default_config, *find_settings(app.import_name), *DEFAULTS}
    known |= {*OTHERS.split()}
    known |= {name for cli in (FlaskGroup(), app.cli) for name in find_options(cli)}
    return [
        describe(name, known)
        for name in sorted(read)
        if name not in known
        and not name.startswith(PREFIXES)
        and not SERVICE.fullmatch(name)
    ]


def find_options(command: click.Command, prefix: str = "") -> Iterator[str]:
    """Yield the options of a command: `flask run --port` is RUN_PORT as well."""
    for parameter in command.params:
        yield f"{prefix}{parameter.name}".upper()
    for name, inner in getattr(command, "commands", {}).items():
        yield from find_options(inner, f"{prefix}{name}_".replace("-", "_"))


def describe(name: str, known: set[str]) -> str:
    """Name the nearest setting that exists."""
    nearest = get_close_matches(name, known, 1)
    meant = f" Did you mean FLASK_{nearest[0]}?" if nearest else ""
    return f"FLASK_{name} is not a known setting.{meant}"


def find_unknown_settings(config: Mapping[str, Any]) -> str | None:
    """Check for names that nothing reads."""
    return " ".join(find_unknown(current_app)) or None


CHECKS = [
    Check(
        "auth.E050",
        find_unknown_settings,
        "What was meant to be set has its default instead.",
        "Correct the name, or state the setting in a settings.py.",
    ),
]
