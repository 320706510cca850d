"""`make run` from the start, and the answers of the API over real HTTP."""

import json
import os
import shutil
import stat
import subprocess
import sys

import pytest
import requests
from conftest import ROOT, run, seed_user

ITEMS = {"items": {"Key1": "Value1", "Key2": "value2"}}


def curl(*arguments):
    """Run curl; return the status, the headers and the body of the answer."""
    text = run(["curl", "--silent", "--include", *arguments], ROOT).stdout
    head, _, body = text.partition("\n\n")
    lines = head.splitlines()
    headers = [tuple(line.split(": ", 1)) for line in lines[1:]]
    return int(lines[0].split()[1]), headers, json.loads(body)


def test_tutorial_works_with_plain_curl(bake, installed, serve):
    project = installed(bake())
    base = serve(project)
    user = json.dumps(seed_user(project))

    status, headers, problem = curl(f"{base}/dummy-api/")
    assert (status, problem["status"]) == (401, 401)
    assert ("Content-Type", "application/problem+json") in headers
    assert ("WWW-Authenticate", "Bearer") in headers

    status, login_headers, answer = curl(
        f"{base}/login", "-H", "Content-Type: application/json", "-d", user
    )
    assert status == 200
    assert answer["response"]["user"]["id"] == 1
    token = answer["response"]["user"]["authentication_token"]

    for header in (f"Authentication-Token: {token}", f"Authorization: Bearer {token}"):
        status, opened_headers, answer = curl(f"{base}/dummy-api/", "-H", header)
        assert (status, answer) == (200, ITEMS)
    names = {name for name, _ in [*headers, *login_headers, *opened_headers]}
    assert "Set-Cookie" not in names


def test_basic_works_with_curl_when_it_is_on(bake, installed, serve):
    project = installed(bake())
    base = serve(project, FLASK_HTTP_BASIC_AUTH="true")
    status, headers, _ = curl(f"{base}/dummy-api/")
    assert status == 401
    assert ("WWW-Authenticate", 'Basic realm="Login Required"') in headers
    user = seed_user(project)
    status, _, answer = curl(f"{base}/dummy-api/", "-u", f"{user['email']}:{user['password']}")
    assert (status, answer) == (200, ITEMS)


def test_second_run_changes_nothing(bake, installed, serve):
    project = installed(bake())
    serve(project)
    env, database = project / ".env", project / "instance" / "app.db"
    before = env.read_bytes(), database.read_bytes()
    serve(project)
    assert (env.read_bytes(), database.read_bytes()) == before


def commit(project):
    run(["git", "init", "--quiet"], project)
    run(["git", "add", "--all"], project)
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    run(["git", *author, "commit", "--quiet", "-m", "Start"], project)


def test_no_secret_is_in_the_first_commit(bake, installed, serve):
    project = installed(bake())
    serve(project)
    commit(project)
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    tracked = run(["git", "ls-files"], project).stdout.splitlines()
    assert not {".env", "instance/app.db", ".venv"} & set(tracked)
    content = run(["git", "grep", "--cached", "--text", "-h", ""], project).stdout
    lines = (project / ".env").read_text("utf-8").splitlines()
    values = [line.partition("=")[2] for line in lines if "SECRET" in line or "PASSWORD" in line]
    secrets = [value for value in values if value]
    assert len(secrets) == 3
    assert not [value for value in secrets if value in content]


@pytest.mark.deep
def test_clone_of_a_project_runs_with_only_python_and_make(bake, serve, tmp_path):
    project = bake()
    commit(project)
    clone = tmp_path / "clone"
    run(["git", "clone", "--quiet", project, clone], tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    base = serve(clone, HOME=str(home), PATH="/usr/bin:/bin")
    answer = requests.post(f"{base}/login", json=seed_user(clone), timeout=10)
    assert answer.status_code == 200
    assert run(["git", "status", "--porcelain"], clone).stdout == ""


@pytest.mark.deep
def test_uv_installs_the_project_where_it_is_found(bake, tmp_path):
    project = bake(database="postgresql")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "uv").symlink_to(shutil.which("uv", path=os.path.dirname(sys.executable)))
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    # pip trusts the certificates of the machine; uv does so with this setting.
    environment = {**os.environ, "PATH": path, "UV_SYSTEM_CERTS": "true"}
    run(["make", ".venv/.installed"], project, env=environment)
    run([project / ".venv/bin/python", "-c", "import psycopg, pytest"], project)
    assert not (project / ".venv/bin/pip").exists()


def test_uv_that_cannot_run_is_not_used(default_project, tmp_path):
    project = shutil.copytree(default_project, tmp_path / "token-auth-api")
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\nexit 127\n")
    uv.chmod(0o755)
    # `true` instead of Python: the test is about which commands make runs.
    done = subprocess.run(
        ["make", ".venv/.installed", "PYTHON=true"],
        cwd=project,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert "true -m venv --clear .venv" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FLASK_SECRET_KEY", ""),
        ("FLASK_SECRET_KEY", "short"),
        ("FLASK_SECURITY_PASSWORD_SALT", "a" * 40),
        ("FLASK_SECURITY_PASSWORD_SALT", "change-me-change-me-change-me-change-me"),
    ],
)
def test_unsafe_secret_stops_every_command_with_a_fix(bake, environment, variable, value):
    project = bake()
    run([environment / "bin/python", "first_run.py"], project)
    for command in (["flask", "run"], ["flask", "db", "upgrade"]):
        done = subprocess.run(
            [environment / "bin/python", "-m", *command],
            cwd=project,
            env={**os.environ, variable: value},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert "Invalid configuration:\n" in done.stderr
        assert f"  {variable} " in done.stderr
        assert "secrets.token_urlsafe(32)" in done.stderr
        assert "Traceback" not in done.stderr
        assert not value or value not in done.stderr
