"""The Dockerfile and compose.yaml without a Docker engine: linted, and run step by step."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import yaml
from conftest import QUESTIONS, free_port, run
from requests.adapters import HTTPAdapter
from urllib3 import Retry

TOOLS = Path(sys.executable).parent


def read_instructions(project):
    """Return the instructions of the Dockerfile, as pairs of a keyword and its arguments."""
    text = (project / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    return [tuple(line) for line in lines if line and line[0] != "#"]


def test_dockerfile_has_no_finding_of_hadolint(default_project):
    run([TOOLS / "hadolint", "Dockerfile"], default_project)


@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_compose_file_is_valid(bake, database):
    schema = ["--builtin-schema", "vendor.compose-spec"]
    run([TOOLS / "check-jsonschema", *schema, "compose.yaml"], bake(database=database))


def test_only_named_files_reach_the_image(default_project):
    ignored, *allowed = [
        line
        for line in (default_project / ".dockerignore").read_text("utf-8").splitlines()
        if line and line[0] != "#" and line not in ("**/__pycache__", "**/*.db*")
    ]
    instructions = read_instructions(default_project)
    copied = [arguments.split()[0] for keyword, arguments in instructions if keyword == "COPY"]
    from_context = {name for name in copied if not name.startswith("--from")}
    assert ignored == "*"
    assert {name.removeprefix("!") for name in allowed} == from_context


def test_image_runs_as_an_unprivileged_user(default_project):
    instructions = dict(read_instructions(default_project))
    assert (instructions["USER"], instructions["CMD"]) == ("10001", '["gunicorn"]')


class Image:
    """Runs a Dockerfile without an engine: /app and /venv are folders in `root`."""

    def __init__(self, project: Path, root: Path):
        self.project, self.root = project, root
        self.port = str(free_port())
        self.environment = {"PATH": os.environ["PATH"]}
        self.work = root / "app"
        self.work.mkdir(parents=True)
        for keyword, arguments in read_instructions(project):
            getattr(self, keyword.lower(), lambda arguments: None)(arguments)

    def replace_paths(self, text: str) -> str:
        text = text.replace("--owner app", f"--owner {os.geteuid()}").replace("5001", self.port)
        return re.sub(r"(?<![\w.])/(?=venv|app|requirements)", f"{self.root}/", text)

    def copy(self, arguments: str) -> None:
        source, target = arguments.split()[-2:]
        if source == "/venv":  # both stages have the same folder here
            return
        folder = self.root if target == "/" else self.work
        origin = self.project / source
        copy = shutil.copytree if origin.is_dir() else shutil.copy
        copy(origin, folder / source)

    def run(self, arguments: str) -> None:
        if not arguments.startswith("useradd"):
            script = self.replace_paths(arguments)
            run(["sh", "-euc", script], self.work, env=self.environment)

    def env(self, arguments: str) -> None:
        pairs = [pair.split("=", 1) for pair in shlex.split(self.replace_paths(arguments))]
        path = self.environment["PATH"]
        self.environment |= {name: value.replace("$PATH", path) for name, value in pairs}

    def healthcheck(self, arguments: str) -> None:
        command = arguments[arguments.index("[") :]
        self.check = json.loads(self.replace_paths(command))

    def cmd(self, arguments: str) -> None:
        self.command = json.loads(arguments)

    def is_healthy(self) -> bool:
        done = subprocess.run(self.check, env=self.environment, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def wait_until_healthy(self) -> bool:
        for _ in range(300):
            if self.is_healthy():
                return True
            time.sleep(0.2)
        return False


@pytest.mark.full
@pytest.mark.parametrize("hosts", ["[]", '["api.example.com"]'])
def test_dockerfile_makes_an_app_that_becomes_healthy(default_project, tmp_path, hosts):
    image = Image(default_project, tmp_path)
    secret = "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4"
    image.environment |= {
        "FLASK_SECRET_KEY": secret,
        "FLASK_SECURITY_PASSWORD_SALT": secret[::-1],
        "FLASK_SQLALCHEMY_DATABASE_URI": f"sqlite:///{image.work}/instance/app.db",
        "FLASK_TRUSTED_HOSTS": hosts,
    }
    run(["flask", "db", "upgrade"], image.work, env=image.environment)
    assert not image.is_healthy()
    server = subprocess.Popen(image.command, cwd=image.work, env=image.environment)
    try:
        assert image.wait_until_healthy()
    finally:
        server.terminate()
        assert server.wait(40) == 0


@pytest.fixture
def proxy(default_project, tmp_path):
    """Return a function that starts the proxy of compose.yaml in front of an app."""
    nginx = shutil.which("nginx")
    if not nginx:
        pytest.skip("there is no nginx")
    compose = yaml.safe_load((default_project / "compose.yaml").read_text("utf-8"))
    site = compose["configs"]["proxy"]["content"].replace("$$", "$")
    started = []

    def start(app_port):
        port = free_port()
        local = site.replace("listen 80", f"listen 127.0.0.1:{port}")
        local = local.replace("set $app app", "set $app 127.0.0.1").replace("5001", str(app_port))
        config = tmp_path / "nginx.conf"
        config.write_text(f"events {{}}\nhttp {{\naccess_log off;\n{local}}}\n", "utf-8")
        directives = f"daemon off; pid {tmp_path}/pid; error_log stderr;"
        started.append(subprocess.Popen([nginx, "-p", tmp_path, "-c", config, "-g", directives]))
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.terminate()
        process.wait()


@pytest.mark.full
def test_proxy_sends_the_true_address_whatever_header_the_client_sends(
    bake, installed, serve, proxy
):
    limit = {"FLASK_LOGIN_RATE_LIMIT_PER_NETWORK": "2 per minute", "WEB_CONCURRENCY": "1"}

    base = proxy(serve(installed(bake()), "serve", FLASK_PROXY_COUNT="1", **limit).port)
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(connect=20, backoff_factor=0.1)))
    statuses = [
        session.post(
            f"{base}/login",
            json={"email": f"user{n}@example.com", "password": "wrong"},
            headers={"X-Forwarded-For": f"192.0.2.{n}"},
            timeout=20,
        ).status_code
        for n in range(3)
    ]
    assert statuses == [401, 401, 429]
