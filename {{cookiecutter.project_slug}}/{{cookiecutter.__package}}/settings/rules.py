"""Rules for settings: each settings.py states them, with the defaults.

    # The reason for the setting.
    HSTS_SECONDS = rules.whole_number(0, minimum=0)

An environment variable is read as JSON, or as it is where the rule asks for text.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from limits import parse_many

from .secrets import find_weakness

HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'

# Ten years: later dates cannot be stored.
MAX_SECONDS = 315_360_000


@dataclass(frozen=True)
class Setting:
    """A default, and the rule for what the environment may change it to."""

    default: Any
    # Returns the end of a sentence that begins with the setting's name, or None.
    find_problem: Callable[[Any], str | None]
    is_text: bool = False
    convert: Callable[[Any], Any] = lambda value: value


def must_be(
    default: Any, expected: str, accepts: Callable[[Any], bool], **options: Any
) -> Setting:
    """Make a setting with a test for its values, and with words for the test."""

    def find_problem(value: Any) -> str | None:
        # A text may be a secret, also in the wrong place: it is not repeated.
        is_number = isinstance(value, int | float) and not options.get("is_text")
        shown = f"is {value}, and " if is_number else ""
        return None if accepts(value) else f"{shown}must be {expected}"

    return Setting(default, find_problem, **options)


def boolean(default: bool) -> Setting:
    """Take true or false."""
    return must_be(default, "true or false", lambda value: isinstance(value, bool))


def switched_off(reason: str) -> Setting:
    """Take no value: a switch of a library that must stay off, for a reason."""
    return must_be(False, f"false: {reason}", lambda value: not value)


def whole_number(default: int, minimum: int) -> Setting:
    """Take a whole number."""
    expected = f"a whole number, {minimum} or more"
    return must_be(default, expected, lambda v: type(v) is int and v >= minimum)


def duration(default: timedelta, minimum: int = 1) -> Setting:
    """Take a whole number of seconds, or a timedelta; the app gets a timedelta."""

    def to_timedelta(value: Any) -> timedelta:
        return value if isinstance(value, timedelta) else timedelta(seconds=value)

    def accepts(value: Any) -> bool:
        is_duration = isinstance(value, timedelta) or type(value) is int
        seconds = to_timedelta(value).total_seconds() if is_duration else 0
        return minimum <= seconds <= MAX_SECONDS

    expected = f"a whole number of seconds, from {minimum} to {MAX_SECONDS}"
    return must_be(default, expected, accepts, convert=to_timedelta)


def text(default: str) -> Setting:
    """Take any text, also one that looks like a number."""
    return must_be(default, "text", lambda v: isinstance(v, str), is_text=True)


def one_of(default: str, choices: list[str]) -> Setting:
    """Take one of a few words."""
    expected = f"one of: {', '.join(choices)}"
    return must_be(default, expected, lambda v: v in choices, is_text=True)


def rate(default: str) -> Setting:
    """Take rates: "10 per minute; 50 per hour". The app gets them parsed."""

    def accepts(value: Any) -> bool:
        try:
            return bool(parse_many(value))
        except (TypeError, ValueError):
            return False

    return must_be(
        default, f"a rate: {default}", accepts, is_text=True, convert=parse_many
    )


def required_text(example: str) -> Setting:
    """Take a text that must be given."""
    missing = f"is missing. Example: {example}"
    return Setting(None, lambda v: None if v else missing, is_text=True)


def list_of(pattern: str, example: str) -> Setting:
    """Take a list of texts that match a pattern."""

    def accepts(value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(item, str) and re.fullmatch(pattern, item) for item in value
        )

    return must_be([], f"a list: {example}", accepts)


def mapping(example: dict[str, object]) -> Setting:
    """Take a JSON object."""
    expected = f"an object: {json.dumps(example)}"
    return must_be({}, expected, lambda value: isinstance(value, dict))


def secret() -> Setting:
    """Take a secret that is long and random enough."""
    return Setting(None, _find_weak_secret, is_text=True)


def list_of_secrets() -> Setting:
    """Take a list of such secrets, or null."""

    def find_problem(value: Any) -> str | None:
        if not isinstance(value, list | None):
            return 'must be a list of old keys: ["..."]'
        return next(filter(None, map(_find_weak_secret, value or [])), None)

    return Setting(None, find_problem)


def _find_weak_secret(value: Any) -> str | None:
    reason = find_weakness(value)
    return reason and f"{reason}. Make one with: {HOW_TO_MAKE_ONE}"
