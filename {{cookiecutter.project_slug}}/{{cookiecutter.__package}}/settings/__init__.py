"""Settings: stated by the settings.py of each part, changed by the environment.

A setting NAME is the environment variable FLASK_NAME. The environment wins over
`.env`, `.env` over `.flaskenv`, and those over the defaults in code.
"""

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

import click
from flask import Flask
from flask.cli import load_dotenv

from . import general
from .rules import Setting, boolean, fixed, parse_value


class ConfigurationError(click.ClickException):
    """A setting is missing or unsafe: `flask` prints it without a traceback."""


def init_app(app: Flask, settings: Mapping[str, Any] | None = None) -> None:
    """Fill app.config, or raise ConfigurationError with every problem found."""
    constants = find_settings(app.import_name)
    switches = {**app.default_config, "DEBUG": False, "SKIP_DOTENV": False}
    rules = {n: boolean(v) for n, v in switches.items() if isinstance(v, bool)}
    rules |= {name: s for name, s in constants.items() if isinstance(s, Setting)}
    app.config.from_mapping(constants)
    app.config.from_mapping({name: rule.default for name, rule in rules.items()})
    if settings is None:
        rules = {
            n: fixed(v, "change settings.py") for n, v in constants.items()
        } | rules
        if not parse_value(os.environ.get("FLASK_SKIP_DOTENV", "no")):
            load_dotenv()
        settings = {
            name: text if name in rules and rules[name].is_text else parse_value(text)
            for variable, text in os.environ.items()
            if (name := variable.removeprefix("FLASK_")) != variable
            # Kubernetes sets FLASK_MAIL_PORT=tcp://... for a service "flask-mail".
            and not (name.endswith("PORT") and "://" in text)
        }
        if "DEBUG" in settings:
            # Flask itself reads it again, and takes other words for true.
            os.environ["FLASK_DEBUG"] = "1" if settings["DEBUG"] in (True,) else "0"
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
