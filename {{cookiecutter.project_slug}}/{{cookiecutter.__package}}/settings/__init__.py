"""Settings: stated by the settings.py of each part, changed by the environment.

A setting NAME is the environment variable FLASK_NAME. The environment wins over
`.env`, `.env` over `.flaskenv`, and those over the defaults in code.
"""

import json
import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

import click
from flask import Flask
from flask.cli import load_dotenv
from flask.helpers import get_load_dotenv

from . import general
from .rules import Setting


class ConfigurationError(click.ClickException):
    """A setting is missing or unsafe: `flask` prints it without a traceback."""


def init_app(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill app.config, or raise ConfigurationError with every problem found."""
    constants = find_settings(app.import_name)
    rules = {name: s for name, s in constants.items() if isinstance(s, Setting)}
    app.config.from_mapping(constants)
    app.config.from_mapping({name: rule.default for name, rule in rules.items()})
    if settings is None:
        if get_load_dotenv():
            load_dotenv()
        app.config.from_prefixed_env(loads=_parse)
        # Read as JSON, a secret of digits would become a number.
        for name, rule in rules.items():
            if rule.is_text and f"FLASK_{name}" in os.environ:
                app.config[name] = os.environ[f"FLASK_{name}"]
    else:
        app.config.from_mapping(settings)
    problems = [
        f"  FLASK_{name} {problem}."
        for name, rule in rules.items()
        if (problem := rule.find_problem(app.config[name]))
    ]
    if problems:
        raise ConfigurationError("\n".join(["Invalid configuration:", *problems]))
    for name, rule in rules.items():
        app.config[name] = rule.convert(app.config[name])


def find_settings(package: str) -> dict[str, Any]:
    """Return what the settings.py of each subpackage states, by its name."""
    names = [
        f"{package}.{module.name}.settings"
        for module in iter_modules(import_module(package).__path__)
        if module.ispkg
    ]
    modules = [general, *(import_module(name) for name in names if find_spec(name))]
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if name.isupper()
    }


def _parse(text: str) -> Any:
    # JSON, and the booleans of Python: "False" as text would count as true.
    return json.loads(text.lower() if text in ("True", "False") else text)
