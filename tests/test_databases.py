"""The generated project on each database."""

import os
import re
import subprocess

import pytest
import requests
from conftest import SERVERS, free_port, new_database, run, seed_user
from sqlalchemy import create_engine, inspect, text

pytestmark = pytest.mark.full

# Matches the start of the last step of an upgrade.
LAST_STEP = re.compile(r"^    op\.(?=(?:(?!^    op\.).)*^def downgrade)", re.DOTALL | re.MULTILINE)


@pytest.fixture
def project(request, bake, installed, monkeypatch):
    """Return a project with an empty database, on a server or in a file."""
    kind = request.param
    project = installed(bake(database=kind))
    run([".venv/bin/python", "first_run.py"], project)
    if kind == "sqlite":
        yield project
        return
    with new_database(kind) as uri:
        monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", uri)
        yield project


def get_uri(project):
    sqlite = f"sqlite:///{project}/instance/app.db"
    return os.environ.get("FLASK_SQLALCHEMY_DATABASE_URI", sqlite)


def flask(project, *arguments):
    return run([".venv/bin/flask", *arguments], project)


def try_flask(project, *arguments):
    """Run a command that may fail."""
    command = [".venv/bin/flask", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


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
        original = revision.read_text("utf-8")
        revision.write_text(LAST_STEP.sub(r"    1 / 0\n\g<0>", original), "utf-8")
        failed = try_flask(project, "db", "upgrade")
        assert "ZeroDivisionError" in failed.stderr
        assert failed.returncode != 0
        revision.write_text(original, "utf-8")
    flask(project, "db", "upgrade")
    assert "No new upgrade operations detected" in flask(project, "db", "check").stdout


@pytest.mark.parametrize("project", ["sqlite", *SERVERS], indirect=True)
def test_downgrade_leaves_nothing(project):
    flask(project, "db", "upgrade")
    flask(project, "db", "downgrade", "base")
    engine = create_engine(get_uri(project))
    assert inspect(engine).get_table_names() == ["alembic_version"]


@pytest.mark.parametrize("kind", SERVERS)
def test_make_run_without_its_database_server_prints_the_address_and_a_fix(bake, installed, kind):
    project = installed(bake(database=kind))
    port = str(free_port())
    example = (project / ".env.example").read_text("utf-8")
    example = re.sub(r":(5432|3306)/", f":{port}/", example)
    (project / ".env.example").write_text(example, "utf-8")
    done = subprocess.run(["make", "run"], cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert f"127.0.0.1:{port}" in done.stderr
    assert "docker compose up -d db" in done.stderr
    assert "Traceback" not in done.stderr


# Adds 2,500 users with the password of the seed user.
ADD_USERS = """
    INSERT INTO auth_user
        (created_at, modified_at, email, password, password_is_initial, active,
         fs_uniquifier, login_count)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2500)
    SELECT created_at, modified_at, n || '@example.com', password, 0, 1, n, n
    FROM auth_user, numbers
"""


def read_users(uri):
    columns = "id, email, password, active, fs_uniquifier, login_count"
    with create_engine(uri).begin() as connection:
        return connection.execute(text(f"SELECT {columns} FROM auth_user ORDER BY id")).all()


@pytest.mark.parametrize("project", SERVERS, indirect=True)
def test_users_are_copied_from_sqlite_to_a_server(project, serve, tmp_path):
    old = f"sqlite:///{tmp_path}/old.db"
    on_sqlite = {**os.environ, "FLASK_SQLALCHEMY_DATABASE_URI": old}
    run([".venv/bin/flask", "db", "upgrade"], project, env=on_sqlite)
    run([".venv/bin/flask", "auth", "seed"], project, env=on_sqlite)
    with create_engine(old).begin() as connection:
        connection.execute(text(ADD_USERS))
    flask(project, "db", "upgrade")
    assert "auth_user: 2501 rows" in flask(project, "copy-data", old).stdout
    assert read_users(get_uri(project)) == read_users(old)

    last = seed_user(project) | {"email": "2500@example.com"}
    answer = requests.post(f"{serve(project)}/login", json=last, timeout=20)
    assert (answer.status_code, answer.json()["response"]["user"]["id"]) == (200, 2501)


@pytest.mark.parametrize("project", SERVERS, indirect=True)
def test_tables_of_every_shape_are_copied_from_sqlite_to_a_server(project):
    environment = os.environ | {"TEST_DATABASE_URI": get_uri(project)}
    command = [".venv/bin/python", "-m", "pytest", "--no-cov", "tests/copy_data"]
    assert " passed" in run(command, project, env=environment).stdout
