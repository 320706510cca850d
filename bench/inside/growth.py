"""Fills databases with users, and calls each in turn; runs in the project's environment.

    python growth.py ROUNDS SIZE=URI...

It prints the median milliseconds, as JSON: of a token request, and of a login, with each.
"""

import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

sys.path[0] = os.getcwd()

# ruff: noqa: E402
import token_auth_api
from flask_migrate import upgrade
from sqlalchemy import String, cast, create_engine, func, insert, literal, select

TOKENS, LOGINS = 40, 4
# The same in each run: a database that is full already is measured again.
SECRET = "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4"
USER = {"email": "bench@example.com", "password": "correct horse battery"}


def make_app(uri):
    """Return an app on the database, with one user who can log in."""
    app = token_auth_api.create_app(
        {
            "SECRET_KEY": SECRET,
            "SECURITY_PASSWORD_SALT": SECRET[::-1],
            "SQLALCHEMY_DATABASE_URI": uri,
            "TESTING": True,
        }
    )
    with app.app_context():
        upgrade()
        if not token_auth_api.security.users.find(USER["email"]):
            token_auth_api.security.users.create(**USER)
    return app


def fill(app, size):
    """Add users up to `size`, and a session of each: the server copies, which is fastest."""
    users = app.extensions["sqlalchemy"].metadata.tables["auth_user"]
    sessions = app.extensions["sqlalchemy"].metadata.tables["auth_refresh_tracker"]
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    with engine.begin() as connection:
        while (have := connection.scalar(select(func.count()).select_from(users))) < size:
            number = users.c.id + have
            name = literal("u") + cast(number, String(20))
            new = {
                "id": number,
                "created_at": users.c.created_at,
                "modified_at": users.c.modified_at,
                "email": name + literal("@example.com"),
                "password": users.c.password,
                "active": users.c.active,
                "fs_uniquifier": name,
                "login_count": users.c.login_count,
            }
            copies = select(*new.values()).where(users.c.id <= size - have)
            connection.execute(insert(users).from_select(list(new), copies))
        new = {
            "created_at": users.c.created_at,
            "modified_at": users.c.modified_at,
            "user_id": users.c.id,
            "name": literal("bench"),
            "refresh_family": users.c.fs_uniquifier,
            "gen": literal(1),
            "expires_at": literal(datetime.now(UTC) + timedelta(days=30)),
            "last_used_at": literal(datetime.now(UTC)),
        }
        first = select(*new.values()).where(users.c.id.not_in(select(sessions.c.user_id)))
        connection.execute(insert(sessions).from_select(list(new), first))
    engine.dispose()


def medians(clients, request, count, rounds):
    """Return the median milliseconds of a request on each app, in interleaved rounds."""
    times = [[] for _ in clients]
    for _ in range(rounds):
        for client, spent in zip(clients, times, strict=True):
            for _ in range(count):
                began = time.perf_counter()
                answered(request(client))
                spent.append((time.perf_counter() - began) * 1000)
    return [round(statistics.median(spent), 3) for spent in times]


def log_in(client):
    """Log the one user in."""
    return client.post("/login", json=USER)


def answered(answer):
    """Return an answer that is as it should be."""
    assert answer.status_code == 200, answer.text
    return answer


def main(rounds, *databases):
    """Fill a database for each size, and measure them side by side."""
    apps = []
    for size, _, uri in (words.partition("=") for words in databases):
        apps.append(make_app(uri))
        fill(apps[-1], int(size))
    clients = [app.test_client() for app in apps]
    users = {client: answered(log_in(client)).json["response"]["user"] for client in clients}

    def call(client):
        token = users[client]["authentication_token"]
        return client.get("/dummy-api/", headers={"Authentication-Token": token})

    found = [medians(clients, *what, int(rounds)) for what in ((call, TOKENS), (log_in, LOGINS))]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
