"""The clients of examples/, each by its own real program, against a live server."""

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
    """Return the real newman, from the npm registry; it is kept in .cache between runs."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm here")
    folder = ROOT / ".cache" / NEWMAN.replace("@", "-")
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            folder.mkdir(parents=True, exist_ok=True)
            quiet = ["--no-audit", "--no-fund", "--no-package-lock"]
            run(["npm", "install", "--prefix", folder, *quiet, NEWMAN], ROOT)
            (folder / "complete").touch()
    return folder / "node_modules/.bin/newman"


@pytest.fixture
def environment_of(project: Path):
    """Return a function that says to the clients where to log in, and as whom."""

    def environment(base: str, **changes: str) -> dict[str, str]:
        user = {**seed_user(project), **changes}
        path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
        words = {"URL": base, "EMAIL": user["email"], "PASSWORD": user["password"]}
        return {**os.environ, "PATH": path, **{f"API_{k}": v for k, v in words.items()}}

    return environment


def printed_in_readme(project: Path) -> dict[str, str]:
    """Return what the README says that each command of its console prints."""
    text = (project / "README.md").read_text("utf-8")
    (console,) = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    commands = [part.partition("\n") for part in console.split("$ ")[2:]]
    return {command: printed for command, _, printed in commands}


def test_scripts_print_what_the_readme_says(environment_of, project, serve):
    environment = environment_of(serve(project))
    said = printed_in_readme(project)
    assert said.keys() == {" ".join(words) for words in SCRIPTS.values()}
    for words in SCRIPTS.values():
        assert run(words, project, env=environment).stdout == said[" ".join(words)]


def test_scripts_fail_with_a_wrong_password(environment_of, project, serve):
    environment = environment_of(serve(project), password="wrong horse battery")
    options = {"cwd": project, "env": environment, "capture_output": True, "text": True}
    ended = [subprocess.run(words, **options) for words in SCRIPTS.values()]
    assert 0 not in {done.returncode for done in ended}
    assert [done for done in ended if "401" in done.stderr] == ended
    assert not [done for done in ended if "horse" in done.stdout + done.stderr]


def test_postman_collection_passes_in_newman(environment_of, newman, project, serve):
    env = environment_of(serve(project))
    words = [f"{name}={env[f'API_{name.upper()}']}" for name in ("url", "email", "password")]
    variables = [word for pair in words for word in ("--env-var", pair)]
    report = project / "newman.json"
    json_report = ["--reporters", "cli,json", "--reporter-json-export", report]
    command = [newman, "run", "examples/postman_collection.json", *variables, *json_report]
    run(command, project, env=env)
    stats = json.loads(report.read_text("utf-8"))["run"]["stats"]
    assert (stats["requests"]["total"], stats["assertions"]["total"]) == (8, 15)
    assert (stats["requests"]["failed"], stats["assertions"]["failed"]) == (0, 0)


def test_newman_fails_where_the_api_does_not_do_as_it_should(
    environment_of, newman, project, serve
):
    base = serve(project)
    command = [newman, "run", "examples/postman_collection.json", "--env-var", f"url={base}"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode != 0
    assert "It gives tokens" in done.stdout


def test_hostile_log_in_breaks_no_script(environment_of, project, serve):
    email = "o'hara+$HOME`id`|&{}=%s@example.com"
    password = """quote" 'single' $(id) `id` \\n %s @file :=[]"""
    code = "from token_auth_api import create_app, security; import sys; app = create_app()\n"
    code += "with app.app_context(): security.users.create(*sys.argv[1:])"
    base = serve(project)
    run([".venv/bin/python", "-c", code, email, password], project)
    environment = environment_of(base, email=email, password=password)
    printed = [run(words, project, env=environment).stdout for words in SCRIPTS.values()]
    assert [text.count("Value1") for text in printed] == [2, 2, 1]


@pytest.fixture
def client(project: Path, serve, monkeypatch):
    """Return the module of the Python client, a client that is logged in, its requests."""
    base = serve(project)
    spec = importlib.util.spec_from_file_location("client", project / "examples/client.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sent = []
    send = requests.Session.send

    def noted(session, request, **options):
        sent.append(f"{request.method} {request.path_url}")
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", noted)
    user = seed_user(project)
    made = module.Client(base, user["email"], user["password"])
    assert made.request("GET", "/dummy-api/").json() == ITEMS
    assert sent == ["POST /login", "GET /dummy-api/"]
    sent.clear()
    return SimpleNamespace(module=module, made=made, sent=sent)


def call(client) -> int:
    return client.made.request("GET", "/dummy-api/").status_code


def after(client, monkeypatch, seconds: float) -> None:
    now = client.module.time.monotonic()
    clock = SimpleNamespace(monotonic=lambda: now + seconds)
    monkeypatch.setattr(client.module, "time", clock)


def test_python_client_keeps_its_token(client, monkeypatch):
    after(client, monkeypatch, 0.7 * 900)
    assert [call(client), call(client)] == [200, 200]
    assert client.sent == ["GET /dummy-api/"] * 2


def test_python_client_renews_before_the_token_ends(client, monkeypatch):
    after(client, monkeypatch, 0.9 * 900)
    assert [call(client), call(client)] == [200, 200]
    assert client.sent == ["POST /refresh-token", *["GET /dummy-api/"] * 2]


def test_python_client_logs_in_again_and_tries_once_more_on_401(client, project):
    run([".venv/bin/flask", "auth", "revoke", seed_user(project)["email"]], project)
    assert call(client) == 200
    again = ["POST /refresh-token", "POST /login", "GET /dummy-api/"]
    assert client.sent == ["GET /dummy-api/", *again]


def test_python_client_says_when_it_may_not_log_in_any_more(client, project):
    run([".venv/bin/flask", "users", "deactivate", seed_user(project)["email"]], project)
    for _ in range(2):
        with pytest.raises(requests.HTTPError, match="401"):
            call(client)
    assert len(client.sent) <= 5


def test_threads_share_one_renewal(client, monkeypatch):
    after(client, monkeypatch, 0.9 * 900)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: call(client), range(16)))
    assert statuses == [200] * 16
    assert client.sent.count("POST /refresh-token") == 1
    assert "POST /login" not in client.sent
