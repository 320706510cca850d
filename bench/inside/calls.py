"""Calls an application in process; runs in the application's own environment.

    python calls.py TARGET GOOD DEACTIVATED

The headers are JSON. For each number that it reads it makes so many requests, and prints
a line of JSON: the CPU seconds of one, and how long its start took.
"""

import time

STARTED = time.perf_counter()

# ruff: noqa: E402
import asyncio
import importlib
import io
import json
import os
import sys
from collections.abc import Callable

ITEMS = {"items": {"Key1": "Value1", "Key2": "value2"}}
PATH = "/dummy-api/"


def load(target: str) -> Callable:
    """Return the application that a server would serve."""
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name.removesuffix("()"))
    return found() if name.endswith("()") else found


def environ_of(headers: dict[str, str]) -> dict[str, object]:
    """Return what a WSGI server makes of a request."""
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATH,
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:5001",
        "HTTP_ACCEPT": "application/json",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    } | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def wsgi(app: Callable, headers: dict[str, str], requests: int) -> tuple[int, bytes]:
    """Make requests; return the status and the body of the last."""
    environ, statuses = environ_of(headers), []

    def start_response(status, headers, exc_info=None):
        statuses.append(int(status[:3]))

    for _ in range(requests):
        answer = app(environ | {"wsgi.input": io.BytesIO()}, start_response)
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
    return statuses[-1], body


def asgi(app: Callable, headers: dict[str, str], requests: int) -> tuple[int, bytes]:
    """Make requests; return the status and the body of the last."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:5001"), (b"accept", b"application/json")]
        + [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 5001),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    async def make():
        for _ in range(requests):
            sent.clear()
            await app(dict(scope), receive, send)

    asyncio.run(make())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def check(call: Callable, app: Callable, good: dict, deactivated: dict) -> None:
    """Raise if the application is not what it should be: nothing else is comparable."""
    status, body = call(app, good, 1)
    assert (status, json.loads(body)) == (200, ITEMS), (status, body)
    for headers in (spoiled(good), deactivated) if good else ():
        status, body = call(app, headers, 1)
        assert status == 401, (status, body)


def spoiled(headers: dict[str, str]) -> dict[str, str]:
    """Return headers with another token, of the same length."""
    ((name, value),) = headers.items()
    scheme, _, token = value.rpartition(" ")
    return {name: f"{scheme} {token[::-1]}".strip()}


def main() -> None:
    """Start, check, and measure what is asked for."""
    sys.path[0] = os.getcwd()
    app = load(sys.argv[1])
    loaded = time.perf_counter()
    good, deactivated = map(json.loads, sys.argv[2:])
    call = asgi if asyncio.iscoroutinefunction(app.__call__) else wsgi
    call(app, good, 1)
    first = time.perf_counter()
    check(call, app, good, deactivated)
    start = {"load": loaded - STARTED, "first": first - loaded}
    for line in sys.stdin:
        began = time.process_time()
        status, _ = call(app, good, int(line))
        spent = time.process_time() - began
        assert status == 200, status
        print(json.dumps({"cpu": spent / int(line), **start}), flush=True)


if __name__ == "__main__":
    main()
