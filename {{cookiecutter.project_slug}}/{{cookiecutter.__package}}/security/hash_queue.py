"""The queue of password hashes, against denial of service.

Each hash takes memory and a core, so a few run at a time and a few more wait. No
account and no network holds more than its share: nobody can keep all others out.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask import Flask
from passlib.context import CryptContext
from werkzeug.exceptions import ServiceUnavailable, TooManyRequests

from .rate_limits import count, get_client_keys

# How many hashes may wait, for how many seconds; more are 503, with Retry-After.
MAX_WAITING_HASHES = 11
HASH_TIMEOUT = 10
HASH_RETRY_AFTER = 5
TOO_BUSY = "Too many logins at the same time. Try again in a moment."


def init_app(app: Flask, context: CryptContext) -> None:
    """Make the library hash and verify in a queue."""
    queue = HashQueue(app.config["MAX_CONCURRENT_HASHES"])
    app.extensions["hash_queue"] = queue
    for method in (context.hash, context.verify):
        vars(context)[method.__name__] = partial(queue.run, method)


class HashQueue:
    """Slots for a few hashes that run, first in, first out, and a few that wait.

    One account, or one network, holds a quarter of them at most.
    """

    def __init__(self, workers: int) -> None:
        """Run as many hashes at a time as there are workers."""
        # With a lock instead of a pool some would wait for ever.
        self.pool = ThreadPoolExecutor(workers)
        self.size = workers + MAX_WAITING_HASHES
        self.held: Counter[str | tuple[str, str]] = Counter()
        self.lock = threading.Lock()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot, or raise TooManyRequests (429) or ServiceUnavailable (503)."""
        keys = get_client_keys().items()
        with self.lock:
            if any(self.held[key] >= self.size // 4 for key in keys):
                raise TooManyRequests(TOO_BUSY, retry_after=1)
            if self.held["all"] >= self.size:
                raise ServiceUnavailable(TOO_BUSY, retry_after=HASH_RETRY_AFTER)
            self.held.update(["all", *keys])
        try:
            yield
        finally:
            with self.lock:
                self.held -= Counter(["all", *keys])

    def run(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Do the work of a hash in turn, or raise as `slot` does."""
        with self.slot():
            count("HASH", **get_client_keys())
            task = self.pool.submit(work, *args, **kwargs)
            wait([task], HASH_TIMEOUT)
            if task.cancel():  # it had not begun
                raise ServiceUnavailable(TOO_BUSY, retry_after=HASH_RETRY_AFTER)
            return task.result()
