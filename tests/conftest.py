"""Fixtures: bake a project, give it an environment, run its commands."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from filelock import FileLock

ROOT = Path(__file__).parent.parent
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
OPTIONS = {name for name in QUESTIONS if not name.startswith("_")}

# What would reach a project from the shell, or the make, that runs these tests.
LEAKS = ("FLASK_", "SEED_", "SECURITY_", "MAKE", "MFLAGS", "PYTEST_", "COV_", "VIRTUAL_ENV")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slow tests first: the others fill the gaps."""
    items.sort(key=lambda item: item.get_closest_marker("deep") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Where everything is installed (NO_SKIPS=1, as in .ci/run), a skip is a failure."""
    report = yield
    if report.skipped and os.environ.get("NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the caller's environment out, and the hooks' temporary files in one folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(LEAKS) and name != "PYTEST_CURRENT_TEST":
                patch.delenv(name)
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        yield


def project_of(result) -> Path:
    if result.exception:
        raise result.exception
    return result.project_path


def refuse_unknown(answers: dict[str, object]) -> None:
    """Cookiecutter passes over an option that does not exist; a misspelt one is a bug."""
    if unknown := answers.keys() - OPTIONS:
        raise TypeError(f"no such option: {', '.join(sorted(unknown))}")


@pytest.fixture
def bake(cookies) -> Callable[..., Path]:
    """Return a function that makes a project: bake(database="mariadb") gives its folder."""

    def bake(**answers: object) -> Path:
        refuse_unknown(answers)
        return project_of(cookies.bake(extra_context=answers))

    return bake


@pytest.fixture(scope="session")
def default_project(cookies_session) -> Path:
    """Return a project made with the default answers, for tests that only read it."""
    return project_of(cookies_session.bake())


@pytest.fixture(scope="session")
def environment(default_project: Path) -> Path:
    """Return a virtual environment with what the default project locks, from its lock.

    It is kept in .cache between runs, for as long as the lock stays the same.
    """
    lock = default_project / "requirements-dev.txt"
    name = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / ".cache" / f"environment-{name}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            run([sys.executable, "-m", "venv", "--clear", folder], ROOT)
            pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"]
            run([*pip, "-r", lock], ROOT)
            (folder / "complete").touch()
    return folder


@pytest.fixture
def installed(environment: Path) -> Callable[[Path], Path]:
    """Return a function that gives a project the environment, so that make finds it."""

    def install(project: Path) -> Path:
        (project / ".venv").symlink_to(environment)
        (environment / ".installed").touch()
        return project

    return install


def run(command: list[object], folder: Path, **options) -> subprocess.CompletedProcess:
    """Run a command to its end; what it printed is in the failure if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=folder,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.returncode}\n{done.stdout}"
    return done


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Return a function that runs `make run` in a project and gives the API's address."""
    servers = []

    def serve(project: Path, **environment: str) -> str:
        port = environment.setdefault("FLASK_RUN_PORT", str(free_port()))
        log = (project.parent / f"server-{port}.log").open("w+")
        server = subprocess.Popen(
            ["make", "run"],
            cwd=project,
            env={**os.environ, "PYTHON": sys.executable, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        servers.append(server)
        base = f"http://127.0.0.1:{port}"
        for _ in range(1200):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"{base}/healthz", timeout=5)
                return base
            if server.poll() is not None:
                break
            time.sleep(0.1)
        log.seek(0)
        pytest.fail(f"make run did not serve:\n{log.read()}")

    yield serve
    for server in servers:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def seed_user(project: Path) -> dict[str, str]:
    """Return the first user's e-mail address and password, as POST /login takes them."""
    lines = (project / ".env").read_text("utf-8").splitlines()
    env = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return {"email": env["SEED_USER_EMAIL"], "password": env["SEED_USER_PASSWORD"]}
