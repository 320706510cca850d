"""How often someone may guess, or ask for a letter.

Refused attempts count, and letters, by the client's network and by the account that
they name, whether it exists or not. An attempt is looked up before its password is
hashed.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from ipaddress import ip_network
from typing import Any, cast

from flask import Flask, current_app, request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from ..logs import audit

# A storage that did not answer is not asked again for so long.
AWAY_SECONDS = 10


def init_app(app: Flask) -> None:
    """Count in the storage that RATELIMIT_STORAGE_URI names."""
    app.extensions["attempts"] = Attempts(
        app.config["RATELIMIT_STORAGE_URI"], app.config["RATELIMIT_STORAGE_OPTIONS"]
    )


class Attempts:
    """The counts; while a shared storage is away, each process counts for itself."""

    def __init__(self, uri: str, options: dict[str, Any]) -> None:
        """Use a storage; nothing connects to it yet."""
        storage = storage_from_string(uri, **options)
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


def attempt(account: str | None = None, what: str = "LOGIN") -> Callable[[], None]:
    """Let an attempt pass, or raise TooManyRequests (429).

    Call what it returns if the attempt is refused, or the letter sent: only then
    does it count. `what` is counted for itself: LOGIN or LETTER.
    """
    config = current_app.config
    counts = [(parse(config[f"{what}_LIMIT_PER_ADDRESS"]), what, _network())]
    if account is not None:
        rate = parse(config[f"{what}_LIMIT_PER_ACCOUNT"])
        counts.append((rate, what, _pseudonym(account)))
    if not config.get("RATELIMIT_ENABLED", True):
        counts = []
    attempts = cast(Attempts, current_app.extensions["attempts"])
    for count in counts:
        if not attempts.ask("test", *count):
            audit("too many attempts")
            wait = attempts.ask("get_window_stats", *count).reset_time - time.time()
            raise TooManyRequests(
                "Too many attempts. Try again later.",
                retry_after=max(1, int(wait)),
            )

    def count_it() -> None:
        for count in counts:
            attempts.ask("hit", *count)

    return count_it


def _network() -> str:
    # Who has one IPv6 address has the other 2^64 of its network too.
    address = request.remote_addr or "127.0.0.1"
    try:
        return str(ip_network((address, 64 if ":" in address else 32), strict=False))
    except ValueError:
        return "unknown"  # a proxy that names no address: such clients count as one


def _pseudonym(account: str) -> str:
    # The storage needs to tell accounts apart, not to know them.
    return sha256(account.strip().lower().encode()).hexdigest()
