"""How often someone may guess.

Refused attempts count, by the client's network and by the account that they name,
whether it exists or not. An attempt is looked up before its password is hashed.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import ip_network
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address

from ..errors import problem
from ..logs import audit


def init_app(app: Flask) -> None:
    """Count in the storage that RATELIMIT_STORAGE_URI names."""
    app.extensions["attempts"] = Limiter(
        get_remote_address,
        app=app,
        strategy="moving-window",
        # Redis away: each process counts for itself until it is back.
        in_memory_fallback_enabled=True,
        swallow_errors=True,
    )
    app.register_error_handler(RateLimitExceeded, _exceeded)


@contextmanager
def attempt(account: str | None = None) -> Iterator[None]:
    """Let an attempt pass, or raise RateLimitExceeded (429)."""
    with _limit("LOGIN_LIMIT_PER_ADDRESS", _network()):
        if account is None:
            yield
        else:
            with _limit("LOGIN_LIMIT_PER_ACCOUNT", _pseudonym(account)):
                yield


def _limit(setting: str, key: str) -> Any:
    return _limiter().shared_limit(
        current_app.config[setting],
        scope=setting,
        key_func=lambda: key,
        deduct_when=lambda response: response.status_code == 401,
    )


def _limiter() -> Limiter:
    limiter: Limiter = current_app.extensions["attempts"]
    return limiter


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


def _exceeded(error: RateLimitExceeded) -> Response:
    audit("too many attempts")
    answer = problem(429, "Too many refused attempts. Try again later.")
    limit = _limiter().current_limit
    reset_at = limit.reset_at if limit else time.time() + 60
    answer.headers["Retry-After"] = str(max(1, int(reset_at - time.time())))
    return answer
