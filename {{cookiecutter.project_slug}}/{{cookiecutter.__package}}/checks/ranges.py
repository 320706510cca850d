"""Checks of ages, rates and sizes: one table of what is plausible for each."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from limits import RateLimitItem

from ..security import Check

Config = Mapping[str, Any]

# From and to. Outside, either nothing is protected or nothing works.
AGES = {
    "SECURITY_TOKEN_MAX_AGE": (timedelta(seconds=30), timedelta(hours=1)),
    "SECURITY_REFRESH_TOKEN_MAX_AGE": (timedelta(hours=1), timedelta(days=90)),
    "SECURITY_REFRESH_TOKEN_MAX_IDLE": (timedelta(minutes=10), timedelta(days=30)),
    "ACCOUNT_TOKEN_MAX_AGE": (timedelta(minutes=1), timedelta(days=1)),
    "CLOCK_SKEW": (timedelta(), timedelta(minutes=1)),
    "MAIL_TIMEOUT": (1, 30),
}
SIZES = {
    "MAX_CONTENT_LENGTH": (1024, 16 * 1024 * 1024),
    "SECURITY_PASSWORD_LENGTH_MIN": (0, 64),  # short ones: auth.E012
    "MAX_CONCURRENT_HASHES": (1, 64),
    "PROXY_COUNT": (0, 5),
}
HSTS_SECONDS = (24 * 60 * 60, 10 * 365 * 24 * 60 * 60)

# Attempts in an hour. Every other rate has the last range.
RATES = {
    "LOGIN_RATE_LIMIT_PER_NETWORK": (10, 18_000),
    "LOGIN_RATE_LIMIT_PER_ACCOUNT": (10, 3_600),
    "HASH_RATE_LIMIT_PER_NETWORK": (60, 180_000),
    "HASH_RATE_LIMIT_PER_ACCOUNT": (30, 36_000),
    "WRITE_RATE_LIMIT_PER_USER": (60, 360_000),
    "EMAIL_RATE_LIMIT_PER_NETWORK": (1, 600),
    "EMAIL_RATE_LIMIT_PER_ACCOUNT": (1, 60),
}
ANY_RATE = (1, 360_000)


def describe(name: str, value: Any, plausible: tuple[Any, Any]) -> str | None:
    """Say on which side of its range a value is, or None."""
    minimum, maximum = plausible
    if value < minimum:
        return f"{name} is {value}, less than {minimum}."
    return f"{name} is {value}, more than {maximum}." if value > maximum else None


def find_implausible(**ranges: tuple[Any, Any]) -> Callable[[Config], str | None]:
    """Make a check of settings, each with its range; a feature may be removed."""

    def find_problem(config: Config) -> str | None:
        given = {name: config.get(name) for name in ranges}
        found = (
            describe(name, value, ranges[name])
            for name, value in given.items()
            if value is not None
        )
        return " ".join(filter(None, found)) or None

    return find_problem


def find_implausible_rates(config: Config) -> str | None:
    """Check every setting that is a rate."""
    found = (
        describe(f"{name} (in an hour)", rate, RATES.get(name, ANY_RATE))
        for name, rate in find_rates(config)
    )
    return " ".join(filter(None, found)) or None


def find_rates(config: Config) -> Iterator[tuple[str, float]]:
    """Yield each setting that is a rate, with what its strictest rate allows hourly."""
    for name, value in config.items():
        if isinstance(value, list) and value and isinstance(value[0], RateLimitItem):
            yield name, min(item.amount * 3600 / item.get_expiry() for item in value)


def find_implausible_age(name: str) -> Callable[[Config], str | None]:
    """Make a check of one age."""
    return find_implausible(**{name: AGES[name]})


CHECKS = [
    Check(
        "auth.E005",
        find_implausible_age("SECURITY_TOKEN_MAX_AGE"),
        "A stolen token can be used that long (ASVS 9.2; RFC 9700, 2.2).",
        "Set FLASK_SECURITY_TOKEN_MAX_AGE=900.",
    ),
    Check(
        "auth.E006",
        find_implausible_age("SECURITY_REFRESH_TOKEN_MAX_AGE"),
        "A session that never ends is a second password (ASVS 7.3).",
        "Set FLASK_SECURITY_REFRESH_TOKEN_MAX_AGE=2592000.",
    ),
    Check(
        "auth.E007",
        find_implausible_age("SECURITY_REFRESH_TOKEN_MAX_IDLE"),
        "A lost device stays logged in (ASVS 7.3).",
        "Set FLASK_SECURITY_REFRESH_TOKEN_MAX_IDLE=604800.",
    ),
    Check(
        "auth.E027",
        find_implausible(HSTS_SECONDS=HSTS_SECONDS),
        "A browser can be made to connect without TLS (ASVS 3.4.1).",
        "Set FLASK_HSTS_SECONDS=31536000.",
        deploy=True,
    ),
    Check(
        "auth.E040",
        find_implausible_rates,
        "A limit that nobody reaches limits nothing (ASVS 6.3.1).",
        "Remove the setting: README.md has the defaults.",
    ),
    Check(
        "auth.E041",
        find_implausible(**SIZES),
        "A few requests can take all memory or time (ASVS 15.1.3), or none is served.",
        "Remove the setting: README.md has the defaults.",
    ),
    Check(
        "auth.E042",
        find_implausible(**{n: r for n, r in AGES.items() if "SECURITY_" not in n}),
        "Tokens are valid too long, or requests wait too long.",
        "Remove the setting: README.md has the defaults.",
    ),
]
