"""Call an application in process. Runs in the application's own environment.

    python calls.py TARGET HEADERS DEACTIVATED_HEADERS

The headers are JSON objects. For each number that it reads, it sends so many requests and
prints a line of JSON: the CPU seconds of one request, and how long the start took.
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


def load_app(target: str) -> Callable:
    """Return the application that a server would load for this target."""
    module, _, name = target.partition(":")
    found = getattr(importlib.import_module(module), name.removesuffix("()"))
    return found() if name.endswith("()") else found


def build_environ(headers: dict[str, str]) -> dict[str, object]:
    """Return the environment that a WSGI server builds for a request."""
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


def call_wsgi(app: Callable, headers: dict[str, str], count: int) -> tuple[int, bytes]:
    """Send requests; return the status and the body of the last."""
    environ, statuses = build_environ(headers), []

    def start_response(status, headers, exc_info=None):
        statuses.append(int(status[:3]))

    for _ in range(count):
        answer = app(environ | {"wsgi.input": io.BytesIO()}, start_response)
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
    return statuses[-1], body


def call_asgi(app: Callable, headers: dict[str, str], count: int) -> tuple[int, bytes]:
    """Send requests; return the status and the body of the last."""
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

    async def send_requests():
        for _ in range(count):
            sent.clear()
            await app(dict(scope), receive, send)

    asyncio.run(send_requests())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def check_answers(call: Callable, app: Callable, headers: dict, deactivated: dict) -> None:
    """Raise unless a valid token is accepted, and a corrupt or deactivated one refused."""
    status, body = call(app, headers, 1)
    assert (status, json.loads(body)) == (200, ITEMS), (status, body)
    for refused in (corrupt_token(headers), deactivated) if headers else ():
        status, body = call(app, refused, 1)
        assert status == 401, (status, body)


def corrupt_token(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers with an invalid token of the same length."""
    ((name, value),) = headers.items()
    scheme, _, token = value.rpartition(" ")
    return {name: f"{scheme} {token[::-1]}".strip()}


def main() -> None:
    """Load the application, check its answers, and measure as often as a number is read."""
    sys.path[0] = os.getcwd()
    app = load_app(sys.argv[1])
    loaded = time.perf_counter()
    headers, deactivated = map(json.loads, sys.argv[2:])
    call = call_asgi if asyncio.iscoroutinefunction(app.__call__) else call_wsgi
    call(app, headers, 1)
    answered = time.perf_counter()
    check_answers(call, app, headers, deactivated)
    start = {"load": loaded - STARTED, "first": answered - loaded}
    for line in sys.stdin:
        count = int(line)
        started = time.process_time()
        status, _ = call(app, headers, count)
        seconds = time.process_time() - started
        assert status == 200, status
        print(json.dumps({"cpu": seconds / count, **start}), flush=True)


if __name__ == "__main__":
    main()
