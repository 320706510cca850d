"""The clients of examples/, each with the program that it is for, and a live server."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from conftest import ROOT, run, seed_user
from filelock import FileLock

pytestmark = pytest.mark.full

NEWMAN = "newman@6.2.2"
TOOLS = os.path.dirname(sys.executable)
ITEMS = {"items": {"Key1": "Value1", "Key2": "value2"}}

SCRIPTS = {
    "curl": ["sh", "examples/curl.sh"],
    "httpie": ["sh", "examples/httpie.sh"],
    "requests": ["python", "examples/client.py"],
}


@pytest.fixture(scope="session")
def newman() -> Path:
    """Return newman, installed from the npm registry; it stays in .cache between runs."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    folder = ROOT / ".cache" / NEWMAN.replace("@", "-")
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            quiet = ["--no-audit", "--no-fund", "--no-package-lock"]
            run(["npm", "install", "--prefix", folder, *quiet, NEWMAN], ROOT)
            (folder / "complete").touch()
    return folder / "node_modules/.bin/newman"


@pytest.fixture
def make_environment(project: Path):
    """Return a function that makes the environment of a client: a URL and a login."""

    def make_environment(base: str, **changes: str) -> dict[str, str]:
        user = {**seed_user(project), **changes}
        path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
        variables = {"URL": base, "EMAIL": user["email"], "PASSWORD": user["password"]}
        return {**os.environ, "PATH": path, **{f"API_{k}": v for k, v in variables.items()}}

    return make_environment


def read_console(project: Path) -> dict[str, str]:
    """Return the commands in the console of the README, with what they print."""
    text = (project / "README.md").read_text("utf-8")
    (console,) = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    commands = [part.partition("\n") for part in console.split("$ ")[2:]]
    return {command: printed for command, _, printed in commands}


def test_scripts_print_what_the_readme_says(make_environment, project, serve):
    environment = make_environment(serve(project))
    console = read_console(project)
    assert console.keys() == {" ".join(command) for command in SCRIPTS.values()}
    for command in SCRIPTS.values():
        assert run(command, project, env=environment).stdout == console[" ".join(command)]


def test_scripts_fail_with_a_wrong_password(make_environment, project, serve):
    environment = make_environment(serve(project), password="wrong horse battery")
    options = {"cwd": project, "env": environment, "capture_output": True, "text": True}
    ended = [subprocess.run(command, **options) for command in SCRIPTS.values()]
    assert 0 not in {done.returncode for done in ended}
    assert [done for done in ended if "401" in done.stderr] == ended
    assert not [done for done in ended if "horse" in done.stdout + done.stderr]


def test_postman_collection_passes_in_newman(make_environment, newman, project, serve):
    env = make_environment(serve(project))
    pairs = [f"{name}={env[f'API_{name.upper()}']}" for name in ("url", "email", "password")]
    variables = [argument for pair in pairs for argument in ("--env-var", pair)]
    report = project / "newman.json"
    json_report = ["--reporters", "cli,json", "--reporter-json-export", report]
    command = [newman, "run", "examples/postman_collection.json", *variables, *json_report]
    run(command, project, env=env)
    stats = json.loads(report.read_text("utf-8"))["run"]["stats"]
    assert (stats["requests"]["total"], stats["assertions"]["total"]) == (8, 15)
    assert (stats["requests"]["failed"], stats["assertions"]["failed"]) == (0, 0)


def test_newman_fails_if_the_login_fails(newman, project, serve):
    base = serve(project)
    command = [newman, "run", "examples/postman_collection.json", "--env-var", f"url={base}"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert "The answer has tokens" in done.stdout


def test_hostile_credentials_break_no_script(make_environment, project, serve):
    email = "o'hara+$HOME`id`|&{}=%s@example.com"
    password = """quote" 'single' $(id) `id` \\n %s @file :=[]"""
    code = "from token_auth_api import create_app, security; import sys; app = create_app()\n"
    code += "with app.app_context(): security.users.create_user(*sys.argv[1:])"
    base = serve(project)
    run([".venv/bin/python", "-c", code, email, password], project)
    environment = make_environment(base, email=email, password=password)
    printed = [run(command, project, env=environment).stdout for command in SCRIPTS.values()]
    assert [text.count("Value1") for text in printed] == [2, 2, 1]


@pytest.fixture
def client(project: Path, serve, monkeypatch):
    """Return the module of the Python client, a client that is logged in, and its requests."""
    base = serve(project)
    spec = importlib.util.spec_from_file_location("client", project / "examples/client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sent = []
    send = requests.Session.send

    def record_and_send(session, request, **options):
        sent.append(f"{request.method} {request.path_url}")
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", record_and_send)
    user = seed_user(project)
    logged_in = module.Client(base, user["email"], user["password"])
    assert logged_in.request("GET", "/dummy-api/").json() == ITEMS
    assert sent == ["POST /login", "GET /dummy-api/"]
    sent.clear()
    return SimpleNamespace(module=module, logged_in=logged_in, sent=sent)


def call(client) -> int:
    return client.logged_in.request("GET", "/dummy-api/").status_code


def advance_clock(client, monkeypatch, seconds: float) -> None:
    now = client.module.time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: now + seconds)
    monkeypatch.setattr(client.module, "time", clock)


def test_python_client_keeps_its_token(client, monkeypatch):
    advance_clock(client, monkeypatch, 0.7 * 900)
    assert [call(client), call(client)] == [200, 200]
    assert client.sent == ["GET /dummy-api/"] * 2


def test_python_client_refreshes_before_the_token_expires(client, monkeypatch):
    advance_clock(client, monkeypatch, 0.9 * 900)
    assert [call(client), call(client)] == [200, 200]
    assert client.sent == ["POST /refresh-token", *["GET /dummy-api/"] * 2]


def test_python_client_logs_in_again_and_tries_once_more_on_401(client, project):
    run([".venv/bin/flask", "auth", "revoke", seed_user(project)["email"]], project)
    assert call(client) == 200
    again = ["POST /refresh-token", "POST /login", "GET /dummy-api/"]
    assert client.sent == ["GET /dummy-api/", *again]


def test_python_client_raises_401_when_it_cannot_log_in_any_more(client, project):
    run([".venv/bin/flask", "users", "deactivate", seed_user(project)["email"]], project)
    for _ in range(2):
        with pytest.raises(requests.HTTPError, match="401"):
            call(client)
    assert len(client.sent) <= 5


def test_threads_share_one_refresh(client, monkeypatch):
    advance_clock(client, monkeypatch, 0.9 * 900)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: call(client), range(16)))
    assert statuses == [200] * 16
    assert client.sent.count("POST /refresh-token") == 1
    assert "POST /login" not in client.sent
