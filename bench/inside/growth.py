"""Fill databases with users, and time requests on each. Runs in the project's environment.

    python growth.py ROUNDS SIZE=URI...

It prints three JSON lists, with an entry for each database: the median milliseconds of a
token request, of a login, and of a login with an unknown address.
"""

import json
import os
import secrets
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

sys.path[0] = os.getcwd()

# ruff: noqa: E402
import token_auth_api
from flask_migrate import upgrade
from sqlalchemy import String, cast, create_engine, func, insert, literal, select

TOKEN_REQUEST_COUNT, LOGIN_COUNT = 40, 4
# The same in each run, so that a database that is filled already can be measured again.
SECRET = "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4"
USER = {"email": "bench@example.com", "password": "correct horse battery"}


def create_app(uri):
    """Return an app on the database, with one user who can log in."""
    app = token_auth_api.create_app(
        {
            "SECRET_KEY": SECRET,
            "SECURITY_PASSWORD_SALT": SECRET[::-1],
            "SQLALCHEMY_DATABASE_URI": uri,
            "TESTING": True,
            "RATELIMIT_ENABLED": False,
        }
    )
    with app.app_context():
        upgrade()
        if not token_auth_api.security.users.find_user_by_email(USER["email"]):
            token_auth_api.security.users.create_user(**USER)
    return app


def fill_database(app, size):
    """Add users up to `size`, each with a session. The server copies rows: that is fastest."""
    users = app.extensions["sqlalchemy"].metadata.tables["auth_user"]
    sessions = app.extensions["sqlalchemy"].metadata.tables["auth_session"]
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    with engine.begin() as connection:
        while (count := connection.scalar(select(func.count()).select_from(users))) < size:
            number = users.c.id + count
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
            copies = select(*new.values()).where(users.c.id <= size - count)
            connection.execute(insert(users).from_select(list(new), copies))
        new = {
            "created_at": users.c.created_at,
            "modified_at": users.c.modified_at,
            "user_id": users.c.id,
            "name": literal("bench"),
            "key": users.c.fs_uniquifier,
            "generation": literal(1),
            "expires_at": literal(datetime.now(UTC) + timedelta(days=30)),
            "last_used_at": literal(datetime.now(UTC)),
        }
        first = select(*new.values()).where(users.c.id.not_in(select(sessions.c.user_id)))
        connection.execute(insert(sessions).from_select(list(new), first))
    engine.dispose()


def measure_medians(clients, send, count, rounds):
    """Return the median milliseconds of a request on each app, in interleaved rounds."""
    times = [[] for _ in clients]
    for _ in range(rounds):
        for client, milliseconds in zip(clients, times, strict=True):
            for _ in range(count):
                started = time.perf_counter()
                send(client)
                milliseconds.append((time.perf_counter() - started) * 1000)
    return [round(statistics.median(milliseconds), 3) for milliseconds in times]


def log_in(client):
    """Log in the user whom create_app() created."""
    return check_answer(client.post("/login", json=USER))


def log_in_unknown(client):
    """Be refused: each time with another address, so that no place is favoured."""
    email = f"{secrets.token_hex(4)}@example.com"
    answer = client.post("/login", json={**USER, "email": email})
    assert answer.status_code == 401, answer.text


def check_answer(answer):
    """Return the answer, if its status is 200."""
    assert answer.status_code == 200, answer.text
    return answer


def main(rounds, *databases):
    """Fill a database for each size, and measure them side by side."""
    apps = []
    for size, _, uri in (argument.partition("=") for argument in databases):
        apps.append(create_app(uri))
        fill_database(apps[-1], int(size))
    clients = [app.test_client() for app in apps]
    users = {client: log_in(client).json["response"]["user"] for client in clients}

    def send_token_request(client):
        token = users[client]["authentication_token"]
        check_answer(client.get("/dummy-api/", headers={"Authentication-Token": token}))

    logins = ((log_in, LOGIN_COUNT), (log_in_unknown, LOGIN_COUNT))
    requests = ((send_token_request, TOKEN_REQUEST_COUNT), *logins)
    results = [measure_medians(clients, *request, int(rounds)) for request in requests]
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
