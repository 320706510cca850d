"""Fills databases with users, and calls each in turn; runs in the project's environment.

    python growth.py ROUNDS SIZE=URI...

It prints the median milliseconds, as JSON: of a token request, and of a login, with each.
"""

import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime
from secrets import token_urlsafe

sys.path[0] = os.getcwd()

# ruff: noqa: E402
import token_auth_api
from flask_migrate import upgrade
from sqlalchemy import func, insert, select

TOKENS, LOGINS = 40, 4
USER = {"email": "bench@example.com", "password": "correct horse battery"}


def make_app(uri):
    """Return an app on the database, with one user who can log in."""
    app = token_auth_api.create_app(
        {
            "SECRET_KEY": token_urlsafe(32),
            "SECURITY_PASSWORD_SALT": token_urlsafe(32),
            "SQLALCHEMY_DATABASE_URI": uri,
            "TESTING": True,
        }
    )
    with app.app_context():
        upgrade()
        token_auth_api.security.users.create(**USER)
    return app


def fill(app, size):
    """Add users and a session of each, up to `size`."""
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        users = database.metadata.tables["auth_user"]
        sessions = database.metadata.tables["auth_refresh_tracker"]
        with database.engine.begin() as connection:
            password = connection.scalar(select(users.c.password))
            have = connection.scalar(select(func.count()).select_from(users))
            for first in range(have, size, 20_000):
                numbers = range(first, min(first + 20_000, size))
                names = [f"u{n}" for n in numbers]
                connection.execute(
                    insert(users),
                    [
                        {
                            "email": f"{name}@example.com",
                            "password": password,
                            "active": True,
                            "fs_uniquifier": name,
                            "login_count": 0,
                        }
                        for name in names
                    ],
                )
        with database.engine.begin() as connection:
            known = select(sessions.c.user_id)
            ids = connection.scalars(select(users.c.id).where(users.c.id.not_in(known))).all()
            now = datetime.now(UTC)
            later = now.replace(year=now.year + 1)
            for first in range(0, len(ids), 20_000):
                connection.execute(
                    insert(sessions),
                    [
                        {
                            "user_id": id,
                            "name": "bench",
                            "refresh_family": f"f{id}",
                            "gen": 1,
                            "expires_at": later,
                            "last_used_at": now,
                        }
                        for id in ids[first : first + 20_000]
                    ],
                )


def medians(apps, request, count, rounds):
    """Return the median milliseconds of a request on each app, in interleaved rounds."""
    times = [[] for _ in apps]
    for _ in range(rounds):
        for client, spent in zip(apps, times, strict=True):
            began = time.perf_counter()
            for _ in range(count):
                assert request(client).status_code == 200
            spent.append((time.perf_counter() - began) / count * 1000)
    return [round(statistics.median(spent), 3) for spent in times]


def log_in(client):
    """Log the one user in."""
    return client.post("/login", json=USER)


def main(rounds, *databases):
    """Fill a database for each size, and measure them side by side."""
    apps = []
    for size, _, uri in (words.partition("=") for words in databases):
        apps.append(make_app(uri))
        fill(apps[-1], int(size))
    clients = [app.test_client() for app in apps]
    tokens = {c: log_in(c).json["response"]["user"]["authentication_token"] for c in clients}

    def call(client):
        return client.get("/dummy-api/", headers={"Authentication-Token": tokens[client]})

    found = [medians(clients, *what, int(rounds)) for what in ((call, TOKENS), (log_in, LOGINS))]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
