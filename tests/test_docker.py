"""The image's recipe, without an engine: linted, and followed step by step."""

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


def instructions(project):
    """Return the Dockerfile's instructions, as pairs of a word and what follows it."""
    text = (project / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    return [tuple(line) for line in lines if line and line[0] != "#"]


def test_dockerfile_has_no_finding_of_hadolint(default_project):
    run([TOOLS / "hadolint", "Dockerfile"], default_project)


@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_compose_file_is_as_compose_wants_it(bake, database):
    schema = ["--builtin-schema", "vendor.compose-spec"]
    run([TOOLS / "check-jsonschema", *schema, "compose.yaml"], bake(database=database))


def test_image_gets_nothing_but_what_is_named(default_project):
    ignored, *allowed = [
        line
        for line in (default_project / ".dockerignore").read_text("utf-8").splitlines()
        if line and line[0] != "#" and line != "**/__pycache__"
    ]
    copied = [rest.split()[0] for word, rest in instructions(default_project) if word == "COPY"]
    from_here = {name for name in copied if not name.startswith("--from")}
    assert ignored == "*"
    assert {name.removeprefix("!") for name in allowed} == from_here


def test_image_runs_as_a_user_without_rights(default_project):
    words = dict(instructions(default_project))
    assert (words["USER"], words["CMD"]) == ("10001", '["gunicorn"]')


class Image:
    """Follows a Dockerfile without an engine: /app and /venv are folders in `root`."""

    def __init__(self, project: Path, root: Path):
        self.project, self.root = project, root
        self.port = str(free_port())
        self.environment = {"PATH": os.environ["PATH"]}
        self.work = root / "app"
        self.work.mkdir(parents=True)
        for word, rest in instructions(project):
            getattr(self, word.lower(), lambda rest: None)(rest)

    def inside(self, text: str) -> str:
        text = text.replace("--owner app", f"--owner {os.geteuid()}").replace("5001", self.port)
        return re.sub(r"(?<![\w.])/(?=venv|app|requirements)", f"{self.root}/", text)

    def copy(self, rest: str) -> None:
        source, target = rest.split()[-2:]
        if source == "/venv":  # of the first stage, which is this one
            return
        folder = self.root if target == "/" else self.work
        origin = self.project / source
        copy = shutil.copytree if origin.is_dir() else shutil.copy
        copy(origin, folder / source)

    def run(self, rest: str) -> None:
        if not rest.startswith("useradd"):
            run(["sh", "-euc", self.inside(rest)], self.work, env=self.environment)

    def env(self, rest: str) -> None:
        pairs = [pair.split("=", 1) for pair in shlex.split(self.inside(rest))]
        path = self.environment["PATH"]
        self.environment |= {name: value.replace("$PATH", path) for name, value in pairs}

    def healthcheck(self, rest: str) -> None:
        self.check = json.loads(self.inside(rest[rest.index("[") :]))

    def cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def is_healthy(self) -> bool:
        done = subprocess.run(self.check, env=self.environment, stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def becomes_healthy(self) -> bool:
        for _ in range(300):
            if self.is_healthy():
                return True
            time.sleep(0.2)
        return False


@pytest.mark.full
@pytest.mark.parametrize("hosts", ["null", '["api.example.com"]'])
def test_recipe_of_the_image_makes_an_app_that_serves(default_project, tmp_path, hosts):
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
        assert image.becomes_healthy()
    finally:
        server.terminate()
        assert server.wait(40) == 0


@pytest.fixture
def proxy(default_project, tmp_path):
    """Return a function that starts the proxy of compose.yaml, before an app of this machine."""
    nginx = shutil.which("nginx")
    if not nginx:
        pytest.skip("there is no nginx")
    compose = yaml.safe_load((default_project / "compose.yaml").read_text("utf-8"))
    site = compose["configs"]["proxy"]["content"].replace("$$", "$")
    started = []

    def start(app_port):
        port = free_port()
        here = site.replace("listen 80", f"listen 127.0.0.1:{port}")
        here = here.replace("set $app app", "set $app 127.0.0.1").replace("5001", str(app_port))
        config = tmp_path / "nginx.conf"
        config.write_text(f"events {{}}\nhttp {{\naccess_log off;\n{here}}}\n", "utf-8")
        say = f"daemon off; pid {tmp_path}/pid; error_log stderr;"
        started.append(subprocess.Popen([nginx, "-p", tmp_path, "-c", config, "-g", say]))
        return f"http://127.0.0.1:{port}"

    yield start
    for process in started:
        process.terminate()
        process.wait()


@pytest.mark.full
def test_proxy_names_the_client_whatever_the_client_says(bake, installed, serve, proxy):
    limit = {"FLASK_LOGIN_LIMIT_PER_ADDRESS": "2 per minute", "WEB_CONCURRENCY": "1"}
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
