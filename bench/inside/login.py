"""Time logins, and the password hash alone, in turn. Runs in the project's own environment.

    python login.py EMAIL PASSWORD COUNT

It prints a JSON list of pairs: the seconds of a login, and of the hash alone.
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


def time_call(function: Callable, *arguments: object, **options: object) -> tuple[float, Any]:
    """Call a function; return the seconds that it took, and what it returned."""
    started = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - started, result


def main(email: str, password: str, count: str) -> None:
    """Warm up with one pair, then measure the others."""
    app = token_auth_api.create_app()
    with app.app_context():
        stored = token_auth_api.security.users.find_user_by_email(email).password
    hasher = PasswordHasher.from_parameters(extract_parameters(stored))
    # Flask-Security hashes a signature of the password, which is as long as this.
    signature = "x" * 88
    pairs = []
    for _ in range(int(count) + 1):
        # The request is built before the clock starts: a server would hand it over.
        body = {"email": email, "password": password}
        environ = EnvironBuilder("/login", method="POST", json=body).get_environ()
        login, (answer, status, _) = time_call(run_wsgi_app, app, environ, buffered=True)
        assert status == "200 OK", b"".join(answer)
        hash_alone, _ = time_call(hasher.hash, signature)
        pairs.append((login, hash_alone))
    print(json.dumps(pairs[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
