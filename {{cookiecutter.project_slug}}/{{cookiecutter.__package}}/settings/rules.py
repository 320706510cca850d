"""Rules for settings: each settings.py states them, with the defaults.

    # The reason for the setting.
    HSTS_SECONDS = rules.whole_number(0, minimum=0)

An environment variable is read as JSON, or as it is where the rule asks for text. No
problem repeats a value: it may be a secret, also in the wrong place.
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

# The same words everywhere, in upper or lower case; 1 and 0 mean the same.
BOOLEANS = {"true": True, "yes": True, "on": True}
BOOLEANS |= {"false": False, "no": False, "off": False}

Accepts = Callable[[Any], bool]

# Ten years: later dates cannot be stored.
MAX_SECONDS = 315_360_000


def parse_value(text: str) -> Any:
    """Read a boolean or JSON; another text is returned as it is."""
    try:
        return BOOLEANS[text.lower()] if text.lower() in BOOLEANS else json.loads(text)
    except (ValueError, RecursionError):
        return text


@dataclass(frozen=True)
class Setting:
    """A default, and the rule for what the environment may change it to."""

    default: Any
    # Returns the end of a sentence that begins with the setting's name, or None.
    find_problem: Callable[[Any], str | None]
    is_text: bool = False
    convert: Callable[[Any], Any] = lambda value: value


def must_be(default: Any, expected: str, accepts: Accepts, **options: Any) -> Setting:
    """Make a setting with a test for its values, and with words for the test."""
    problem = f"must be {expected}"
    return Setting(default, lambda v: None if accepts(v) else problem, **options)


def boolean(default: bool) -> Setting:
    """Take true or false, and what means the same: BOOLEANS, 1 and 0."""

    def accepts(value: Any) -> bool:
        return type(value) in (bool, int) and value in (0, 1)

    return must_be(default, "true or false", accepts, convert=bool)


def fixed(value: Any, reason: str) -> Setting:
    """Take no other value: the app relies on this one, for a reason."""
    return Setting(value, lambda v: None if v == value else f"is fixed: {reason}")


def whole_number(default: int, minimum: int) -> Setting:
    """Take a whole number."""
    expected = f"a whole number, {minimum} or more"
    return must_be(default, expected, lambda v: type(v) is int and v >= minimum)


def duration(default: timedelta, minimum: int = 1) -> Setting:
    """Take a whole number of seconds, or a timedelta; the app gets a timedelta."""

    def to_timedelta(value: Any) -> timedelta:
        return value if isinstance(value, timedelta) else timedelta(seconds=value)

    def accepts(value: Any) -> bool:
        seconds = value.total_seconds() if isinstance(value, timedelta) else value
        return type(seconds) in (int, float) and minimum <= seconds <= MAX_SECONDS

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

    expected = f"a rate: {default}"
    return must_be(default, expected, accepts, is_text=True, convert=parse_many)


def find_url_problem(url: Any) -> str | None:
    """Return what is wrong with a URL; part of a password must not become the host."""
    if not url:
        return "is missing. Example: sqlite:///app.db"
    ambiguous = str(url).count("@") > 1 and not str(url).startswith("sqlite")
    return "has several @: in a password write %40 instead" if ambiguous else None


def list_of(pattern: str, example: str) -> Setting:
    """Take a list of texts that match a pattern."""

    def find_invalid(item: Any) -> str | None:
        valid = isinstance(item, str) and re.fullmatch(pattern, item)
        return None if valid else "is invalid"

    return _list_without(find_invalid, example)


def mapping(example: dict[str, object]) -> Setting:
    """Take a JSON object."""
    expected = f"an object: {json.dumps(example)}"
    return must_be({}, expected, lambda value: isinstance(value, dict))


def secret() -> Setting:
    """Take a secret that is long and random enough."""
    return Setting(None, _find_weak_secret, is_text=True)


def list_of_secrets() -> Setting:
    """Take a list of such secrets."""
    return _list_without(_find_weak_secret, '["..."]')


def _list_without(find_invalid: Callable[[Any], str | None], example: str) -> Setting:
    def find_problem(value: Any) -> str | None:
        expected = f"must be a list: {example}"
        if not isinstance(value, list):
            return expected
        problems = enumerate(map(find_invalid, value), 1)
        return next((f"{expected}. Item {n} {p}" for n, p in problems if p), None)

    return Setting([], find_problem)


def _find_weak_secret(value: Any) -> str | None:
    reason = find_weakness(value)
    return reason and f"{reason}. Make one with: {HOW_TO_MAKE_ONE}"
