"""Growth: does a request cost more when there are more users?

`make bench` runs it: it makes a project, fills three databases with 100, 10,000 and
1,000,000 users and a session of each, and measures them side by side. PostgreSQL is
measured too where TEST_POSTGRESQL_URI names a server.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex, token_urlsafe

from sqlalchemy import create_engine, func, insert, make_url, select, text

ROOT = Path(__file__).parent.parent

SIZES = (100, 10_000, 1_000_000)
ROUNDS, TOKENS, LOGINS = 15, 40, 4
USER = {"email": "bench@example.com", "password": "correct horse battery"}


def make_app(uri):
    import token_auth_api as package
    from flask_migrate import upgrade

    app = package.create_app(
        {
            "SECRET_KEY": token_urlsafe(32),
            "SECURITY_PASSWORD_SALT": token_urlsafe(32),
            "SQLALCHEMY_DATABASE_URI": uri,
            "TESTING": True,
        }
    )
    with app.app_context():
        upgrade()
        package.security.users.create(**USER)
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


def medians(apps, request, count):
    """Return the median milliseconds of a request on each app, in interleaved rounds."""
    times = [[] for _ in apps]
    for _ in range(ROUNDS):
        for client, spent in zip(apps, times, strict=True):
            began = time.perf_counter()
            for _ in range(count):
                assert request(client).status_code == 200
            spent.append((time.perf_counter() - began) / count * 1000)
    return [round(statistics.median(spent), 3) for spent in times]


def measure(uris):
    """Fill a database for each size, and measure them side by side."""
    apps = [make_app(uri) for uri in uris]
    for app, size in zip(apps, SIZES, strict=True):
        fill(app, size)
    clients = [app.test_client() for app in apps]
    tokens = {c: log_in(c).json["response"]["user"]["authentication_token"] for c in clients}

    def call(client):
        return client.get("/dummy-api/", headers={"Authentication-Token": tokens[client]})

    print(json.dumps([medians(clients, call, TOKENS), medians(clients, log_in, LOGINS)]))


def log_in(client):
    return client.post("/login", json=USER)


def in_project(folder, database, uris):
    """Measure with a project that is made for the database; print a line for each request."""
    from cookiecutter.main import cookiecutter

    answers = {"database": database}
    project = cookiecutter(str(ROOT), no_input=True, output_dir=folder, extra_context=answers)
    subprocess.run(["make", ".venv/.installed"], cwd=project, check=True, capture_output=True)
    command = [".venv/bin/python", __file__, *uris]
    environment = {**os.environ, "PYTHONPATH": "."}
    done = subprocess.run(
        command, cwd=project, check=True, env=environment, stdout=subprocess.PIPE, text=True
    )
    for name, times in zip(("token", "login"), json.loads(done.stdout), strict=True):
        row = "".join(f"{ms:9.2f}" for ms in times)
        print(f"{database:12}{name:8}{row}{max(times) / min(times):9.2f}", flush=True)


def main():
    print("Median milliseconds of a request, in process, by the number of users")
    print(f"{'':20}" + "".join(f"{size:9,}" for size in SIZES) + "  max/min")
    with tempfile.TemporaryDirectory() as folder:
        files = [f"sqlite:///{folder}/{size}.db" for size in SIZES]
        in_project(f"{folder}/sqlite", "sqlite", files)
        if not os.environ.get("TEST_POSTGRESQL_URI"):
            return
        server = make_url(os.environ["TEST_POSTGRESQL_URI"])
        names = [f"bench_{token_hex(4)}" for _ in SIZES]
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in names:
                connection.execute(text(f"CREATE DATABASE {name}"))
            try:
                shown = {"hide_password": False}
                uris = [server.set(database=name).render_as_string(**shown) for name in names]
                in_project(f"{folder}/postgresql", "postgresql", uris)
            finally:
                for name in names:
                    connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


if __name__ == "__main__":
    measure(sys.argv[1:]) if sys.argv[1:] else main()
