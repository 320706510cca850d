"""How often someone may guess, or ask for a letter.

Refused attempts count, and letters, by the client's network and by the account that
they name, whether it exists or not. An attempt is looked up before its password is
hashed.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any, cast

from click import ClickException
from flask import Flask, current_app, request
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from ..logs import audit

# What is counted for itself; by what, and the setting that says how many there may be.
WHAT = ("LOGIN", "LETTER")
BY = {"network": "{}_LIMIT_PER_ADDRESS", "account": "{}_LIMIT_PER_ACCOUNT"}

# In seconds: a storage that hangs must not hang the log-in. Memory does not read them.
PATIENCE = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}

# A storage that did not answer is not asked again for so long.
AWAY_SECONDS = 10


def init_app(app: Flask) -> None:
    """Count in the storage that RATELIMIT_STORAGE_URI names."""
    try:
        app.extensions["attempts"] = Attempts(app.config)
    except (ConfigurationError, ValueError) as error:
        names = "FLASK_..._LIMIT_PER_... or FLASK_RATELIMIT_STORAGE_URI"
        raise ClickException(f"{names} cannot be used: {error}") from None


class Attempts:
    """The counts; while a shared storage is away, each process counts for itself."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Read the rates, and use a storage; nothing connects to it yet."""
        self.rates = [
            (rate, what, by)
            for what in WHAT
            for by, name in BY.items()
            for rate in parse_many(config[name.format(what)])
            if config["RATELIMIT_ENABLED"]
        ]
        options = {**PATIENCE, **config["RATELIMIT_STORAGE_OPTIONS"]}
        storage = storage_from_string(config["RATELIMIT_STORAGE_URI"], **options)
        self.shared = MovingWindowRateLimiter(storage)
        self.own = MovingWindowRateLimiter(MemoryStorage())
        self.away_until = 0.0

    def ask(self, question: str, rate: RateLimitItem, *key: str) -> Any:
        """Ask what a limiter of the library knows: test, hit, get_window_stats."""
        if time.monotonic() >= self.away_until:
            try:
                return getattr(self.shared, question)(rate, *key)
            except self.shared.storage.base_exceptions as error:
                self.away_until = time.monotonic() + AWAY_SECONDS
                current_app.logger.warning("Limits are not shared: %s", error)
        return getattr(self.own, question)(rate, *key)


def attempt(account: str | None = None, what: str = "LOGIN") -> Callable[[bool], None]:
    """Let an attempt pass, or raise TooManyRequests (429).

    Call what it returns with whether the attempt is accepted: a refused one counts.
    So does a letter (`what` is LETTER) that is asked for: it is never accepted. It
    raises as well where others have reached the limit meanwhile: of many guesses
    at once, those beyond it learn nothing.
    """
    attempts = cast(Attempts, current_app.extensions["attempts"])
    keys = {"network": _network()}
    if account is not None:
        keys["account"] = pseudonym(account)
    rates = [(rate, by) for rate, of, by in attempts.rates if of == what and by in keys]
    counts = [(rate, what, by, keys[by]) for rate, by in rates]

    def within(question: str) -> None:
        for count in counts:
            if not attempts.ask(question, *count):
                audit("too many attempts", reason=count[2])
                wait = attempts.ask("get_window_stats", *count).reset_time - time.time()
                raise TooManyRequests(
                    "Too many attempts. Try again later.",
                    retry_after=max(1, ceil(wait)),
                )

    within("test")
    return lambda accepted: within("test" if accepted else "hit")


def _network() -> str:
    # Who has one IPv6 address has the other 2^64 of its network too.
    try:
        address = ip_address(request.remote_addr or "127.0.0.1")
    except ValueError:
        return "unknown"  # a proxy that names no address: such clients count as one
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
    return str(address)


def pseudonym(account: str) -> str:
    """Return what stands for an account where it need not be known, only told apart."""
    key = str(current_app.secret_key).encode()
    return hmac.digest(key, account.encode(), "sha256").hex()
