"""The generated project on each database server."""

import os
import re
import subprocess

import pytest
import requests
from conftest import SERVERS, free_port, new_database, run, seed_user
from sqlalchemy import create_engine, inspect, text

pytestmark = pytest.mark.full

# The last step of an upgrade.
LAST = re.compile(r"^    op\.(?=(?:(?!^    op\.).)*^def downgrade)", re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(request, bake, installed, monkeypatch):
    """Return a project with an empty database: of its own on a server, or in a file."""
    kind = request.param
    project = installed(bake(database=kind))
    run([".venv/bin/python", "-m", "token_auth_api.first_run"], project)
    if kind == "sqlite":
        yield project
        return
    with new_database(kind) as uri:
        monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", uri)
        yield project


def uri_of(project):
    sqlite = f"sqlite:///{project}/instance/app.db"
    return os.environ.get("FLASK_SQLALCHEMY_DATABASE_URI", sqlite)


def flask(project, *words):
    return run([".venv/bin/flask", *words], project)


def run_flask(project, *words):
    """Run a command that may fail."""
    return subprocess.run([".venv/bin/flask", *words], cwd=project, capture_output=True, text=True)


@pytest.mark.parametrize("project", ["sqlite", *SERVERS], indirect=True)
def test_of_four_upgrades_at_once_one_does_the_work(project):
    command = [".venv/bin/flask", "db", "upgrade"]
    options = {"cwd": project, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    upgrades = [subprocess.Popen(command, text=True, **options) for _ in range(4)]
    printed = [upgrade.communicate(timeout=120)[0] for upgrade in upgrades]
    assert [upgrade.returncode for upgrade in upgrades] == [0, 0, 0, 0], printed
    assert "".join(printed).count("Running upgrade  -> 0001") == 1
    assert "No new upgrade operations detected" in flask(project, "db", "check").stdout


@pytest.mark.parametrize("project", ["sqlite", *SERVERS], indirect=True)
def test_upgrade_that_fails_half_way_is_done_by_the_next(project):
    for revision in sorted(project.glob("migrations/versions/*.py")):
        whole = revision.read_text("utf-8")
        revision.write_text(LAST.sub(r"    1 / 0\n\g<0>", whole), "utf-8")
        failed = run_flask(project, "db", "upgrade")
        assert "ZeroDivisionError" in failed.stderr
        assert failed.returncode != 0
        revision.write_text(whole, "utf-8")
    flask(project, "db", "upgrade")
    assert "No new upgrade operations detected" in flask(project, "db", "check").stdout


@pytest.mark.parametrize("project", ["sqlite", *SERVERS], indirect=True)
def test_downgrade_leaves_nothing(project):
    flask(project, "db", "upgrade")
    flask(project, "db", "downgrade", "base")
    engine = create_engine(uri_of(project))
    assert inspect(engine).get_table_names() == ["alembic_version"]


@pytest.mark.parametrize("kind", SERVERS)
def test_make_run_without_its_server_says_where_it_looked(bake, installed, kind):
    project = installed(bake(database=kind))
    port = str(free_port())
    example = (project / ".env.example").read_text("utf-8")
    moved = re.sub(r":(5432|3306)/", f":{port}/", example)
    (project / ".env.example").write_text(moved, "utf-8")
    done = subprocess.run(["make", "run"], cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr
    assert "docker compose up -d db" in done.stderr
    assert "Traceback" not in done.stderr


# 2,500 users with the password of the first.
CROWD = """
    INSERT INTO auth_user
        (created_at, modified_at, email, password, active, fs_uniquifier, login_count)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
    SELECT created_at, modified_at, n || '@example.com', password, 1, n, n
    FROM auth_user, numbers
"""


def accounts(uri):
    columns = "id, email, password, active, fs_uniquifier, login_count"
    with create_engine(uri).begin() as connection:
        return connection.execute(text(f"SELECT {columns} FROM auth_user ORDER BY id")).all()


@pytest.mark.parametrize("project", SERVERS, indirect=True)
def test_users_move_from_sqlite_to_a_server(project, serve, tmp_path):
    old = f"sqlite:///{tmp_path}/old.db"
    there = {**os.environ, "FLASK_SQLALCHEMY_DATABASE_URI": old}
    run([".venv/bin/flask", "db", "upgrade"], project, env=there)
    run([".venv/bin/flask", "auth", "seed"], project, env=there)
    with create_engine(old).begin() as connection:
        connection.execute(text(CROWD))
    flask(project, "db", "upgrade")
    assert "auth_user: 2501 rows" in flask(project, "copy-from", old).stdout
    assert accounts(uri_of(project)) == accounts(old)
    last = seed_user(project) | {"email": "2500@example.com"}
    answer = requests.post(f"{serve(project)}/login", json=last, timeout=20)
    assert (answer.status_code, answer.json()["response"]["user"]["id"]) == (200, 2501)
