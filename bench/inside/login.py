"""Logs in, and hashes, in turn; runs in the project's own environment.

    python login.py EMAIL PASSWORD COUNT

It prints pairs, as JSON: the seconds of a login, and those of the bare hash.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

sys.path[0] = os.getcwd()

# ruff: noqa: E402
import token_auth_api
from argon2 import PasswordHasher, extract_parameters
from werkzeug.test import EnvironBuilder, run_wsgi_app


def seconds(call: Callable, *words: object, **options: object) -> tuple[float, Any]:
    """Return how long a call takes, and what it gives."""
    began = time.perf_counter()
    given = call(*words, **options)
    return time.perf_counter() - began, given


def main(email: str, password: str, count: str) -> None:
    """Warm up with one login, then take the pairs."""
    app = token_auth_api.create_app()
    with app.app_context():
        stored = token_auth_api.security.users.find(email).password
    # The library signs the password before it hashes it: what is hashed is as long.
    hasher = PasswordHasher.from_parameters(extract_parameters(stored))
    pairs = []
    for _ in range(int(count) + 1):
        # What a server would hand over is made before the clock starts.
        body = {"email": email, "password": password}
        environ = EnvironBuilder("/login", method="POST", json=body).get_environ()
        login, (answer, status, _) = seconds(run_wsgi_app, app, environ, buffered=True)
        assert status == "200 OK", b"".join(answer)
        bare, _ = seconds(hasher.hash, "x" * 88)
        pairs.append((login, bare))
    print(json.dumps(pairs[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
