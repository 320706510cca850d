"""Rate limits, against brute force.

CopyError attempts are counted, by the client network and by the account that they name,
whether or not it exists. The limit is checked before a password is hashed. Passwords
that are hashed, also for accepted attempts, and writes have higher limits.
"""

import hmac
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any

from flask import Flask, current_app, has_request_context, request
from limits import RateLimitItem
from limits.errors import ConfigurationError as InvalidStorage
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from ..logs import audit
from ..settings import ConfigurationError

# In seconds: a storage that hangs must not block a login. Memory ignores them.
STORAGE_TIMEOUTS = {"socket_connect_timeout": 0.25, "socket_timeout": 0.25}

# Seconds until a storage that did not answer is asked again.
STORAGE_RETRY_AFTER = 10


def init_app(app: Flask) -> None:
    """Count in the storage that RATELIMIT_STORAGE_URI names."""
    try:
        app.extensions["rate_limiter"] = RateLimiter(app.config)
    except (InvalidStorage, ValueError):
        # The error may repeat the address, with its password.
        message = (
            "FLASK_RATELIMIT_STORAGE_URI cannot be used. Example: redis://host:6379"
        )
        raise ConfigurationError(message) from None


class RateLimiter:
    """The counts. While a shared storage is unreachable, each process has its own."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Choose the storage; nothing connects to it yet."""
        options = {**STORAGE_TIMEOUTS, **config["RATELIMIT_STORAGE_OPTIONS"]}
        storage = storage_from_string(config["RATELIMIT_STORAGE_URI"], **options)
        self.shared = MovingWindowRateLimiter(storage)
        self.own = MovingWindowRateLimiter(MemoryStorage())
        self.unreachable_until = 0.0

    def call(self, method: str, rate: RateLimitItem, *key: str) -> Any:
        """Call test, hit or get_window_stats of a limiter, whichever can answer."""
        if time.monotonic() >= self.unreachable_until:
            try:
                return getattr(self.shared, method)(rate, *key)
            except self.shared.storage.base_exceptions as error:
                self.unreachable_until = time.monotonic() + STORAGE_RETRY_AFTER
                warning = "The rate limit storage is unreachable: %s"
                current_app.logger.warning(warning, type(error).__name__)
        return getattr(self.own, method)(rate, *key)


def check_rate_limit(
    flow: str, account: str | None = None, kind: str = "LOGIN"
) -> Callable[[bool], None]:
    """Return a function `record(accepted)`, or raise TooManyRequests (429).

    Each flow has its own counts: attempts in one do not close another. `kind` names the
    settings with the rates: KIND_RATE_LIMIT_PER_NETWORK, ..._ACCOUNT. Call `record`
    with whether the attempt is accepted: refused attempts are counted. It raises as
    well where others have reached the limit in the meantime, so that of many attempts
    at the same time those above the limit learn nothing.
    """
    set_account(account)
    keys = get_client_keys()
    _count("test", kind, flow, keys)
    return lambda accepted: _count("test" if accepted else "hit", kind, flow, keys)


def count_hash() -> None:
    """Count a password that is hashed, or raise TooManyRequests (429)."""
    _count("hit", "HASH", "hash", get_client_keys())


def count_write(user_id: int) -> None:
    """Count a request that writes, or raise TooManyRequests (429)."""
    _count("hit", "WRITE", "write", {"user": str(user_id)})


def _count(method: str, kind: str, flow: str, keys: Mapping[str, str]) -> None:
    limiter, config = current_app.extensions["rate_limiter"], current_app.config
    counts = [
        (rate, flow, by, key)
        for by, key in keys.items()
        for rate in config[f"{kind}_RATE_LIMIT_PER_{by.upper()}"]
        if config["RATELIMIT_ENABLED"]
    ]
    for count in counts:
        if not limiter.call(method, *count):
            audit("rate limited", reason=count[2], flow=flow)
            reset_time = limiter.call("get_window_stats", *count).reset_time
            raise TooManyRequests(
                "Too many attempts. Try again later.",
                retry_after=max(1, ceil(reset_time - time.time())),
            )


def get_client_keys() -> dict[str, str]:
    """Return by what this request is counted: its network, and its account if known.

    On the command line nothing is counted.
    """
    if not has_request_context():
        return {}
    account = request.environ.get("auth.account", {})
    return {"network": get_client_network(), **account}


def set_account(account: str | None) -> None:
    """Say which account this request is about."""
    if account and has_request_context():
        request.environ["auth.account"] = {"account": pseudonymize(account)}


def get_client_network() -> str:
    """Return the client network: the IPv4 address, or the /64 of an IPv6 address."""
    # Who has one IPv6 address has the other 2^64 of its network too.
    try:
        address = ip_address(request.remote_addr or "127.0.0.1")
    except ValueError:
        return "unknown"  # a proxy that sends no address: such clients count as one
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
    return str(address)


def pseudonymize(account: str) -> str:
    """Return a stable name for an account that does not tell its address."""
    key = str(current_app.secret_key).encode()
    return hmac.digest(key, account.encode(), "sha256").hex()
