"""Fixtures: bake a project, give it an environment, run its commands."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from filelock import FileLock
from sqlalchemy import create_engine, make_url, text

ROOT = Path(__file__).parent.parent
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))
# What builds a source archive: it has no conditions, so it is the same in every project.
BUILD_LOCK = ROOT / "{{cookiecutter.project_slug}}/requirements-build.txt"
OPTIONS = {name for name in QUESTIONS if not name.startswith("_")}

# The database servers, by the answer that chooses them: each variable names the URI of one.
SERVERS = {"postgresql": "TEST_POSTGRESQL_URI", "mariadb": "TEST_MARIADB_URI"}

# Variables of the shell, or the make, that runs these tests: a project must not see them.
CALLER_VARIABLES = (
    *("FLASK_", "SEED_", "SECURITY_", "MAKE", "MFLAGS", "PYTEST_", "COV_", "VIRTUAL_ENV"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slow tests first, so that no worker ends long after the others."""
    items.sort(key=lambda item: item.get_closest_marker("deep") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn skips into failures where everything is installed (NO_SKIPS=1, as in .ci/run)."""
    report = yield
    if report.skipped and os.environ.get("NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although NO_SKIPS is set: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what the tests counted: record_property("projects baked", 540)."""
    counts: Counter[str] = Counter()
    for report in itertools.chain(*terminalreporter.stats.values()):
        if getattr(report, "when", None) == "call":
            counts.update({name: n for name, n in report.user_properties if isinstance(n, int)})
    if counts:
        terminalreporter.section("counts")
    for name, count in sorted(counts.items()):
        terminalreporter.write_line(f"{count:7,}  {name}")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove the caller's variables, and keep the hooks' temporary files in one folder."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(CALLER_VARIABLES) and name != "PYTEST_CURRENT_TEST":
                patch.delenv(name)
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        yield


def get_project(result) -> Path:
    if result.exception:
        raise result.exception
    return result.project_path


def refuse_unknown_options(answers: dict[str, object]) -> None:
    """Refuse an option that does not exist: cookiecutter ignores it without a message."""
    if unknown := answers.keys() - OPTIONS:
        raise TypeError(f"no such option: {', '.join(sorted(unknown))}")


@pytest.fixture
def bake(cookies) -> Callable[..., Path]:
    """Return a function that bakes: bake(database="mariadb") returns the project's folder."""

    def bake(**answers: object) -> Path:
        refuse_unknown_options(answers)
        return get_project(cookies.bake(extra_context=answers))

    return bake


@pytest.fixture(scope="session")
def default_project(cookies_session) -> Path:
    """Return a project with the default answers, for tests that only read it."""
    return get_project(cookies_session.bake())


def get_environment(lock: Path) -> Path:
    """Return a virtual environment with the packages of a lock.

    It stays in .cache between runs, as long as the lock is the same.
    """
    name = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / ".cache" / f"environment-{name}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not (folder / "complete").exists():
            run([sys.executable, "-m", "venv", "--clear", folder], ROOT)
            pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"]
            run([*pip, "-r", BUILD_LOCK], ROOT)
            run([*pip, "--no-build-isolation", "-r", lock], ROOT)
            (folder / "complete").touch()
    return folder


@pytest.fixture(scope="session")
def environment(default_project: Path) -> Path:
    """Return a virtual environment with the locked packages of the default project."""
    return get_environment(default_project / "requirements-dev.txt")


@pytest.fixture
def installed() -> Callable[[Path], Path]:
    """Return a function that gives a project its locked packages, so that make finds them."""

    def install(project: Path) -> Path:
        environment = get_environment(project / "requirements-dev.txt")
        (project / ".venv").symlink_to(environment)
        (environment / ".installed").touch()
        return project

    return install


@pytest.fixture
def project(default_project: Path, installed, tmp_path: Path) -> Path:
    """Return a default project for one test, with its locked packages."""
    return installed(shutil.copytree(default_project, tmp_path / "token-auth-api"))


@contextlib.contextmanager
def new_database(choice: str, create: str = "CREATE DATABASE {}") -> Iterator[str]:
    """Create an empty database on the server of an answer, and give its URI.

    SQLite has no server: the URI is empty, and a project creates its own file.
    """
    if choice == "sqlite":
        yield ""
        return
    variable = SERVERS[choice]
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set")
    server = make_url(os.environ[variable])
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(create.format(name)))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        force = " WITH (FORCE)" if choice == "postgresql" else ""
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}{force}"))
        engine.dispose()


def run(command: list[object], folder: Path, **options) -> subprocess.CompletedProcess:
    """Run a command to its end. If it fails, the test fails with its output."""
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


class ServerUrl(str):
    """The URL of a server, with its processes: make, the server, its workers."""

    process: subprocess.Popen

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    @property
    def processes(self) -> list[int]:
        """Every process of the server, the oldest first."""
        listed = subprocess.run(["pgrep", "-g", str(self.process.pid)], capture_output=True)
        return sorted(int(pid) for pid in listed.stdout.split())

    @property
    def server(self) -> int:
        return self.processes[1]

    @property
    def workers(self) -> list[int]:
        return self.processes[2:]


@pytest.fixture
def serve() -> Iterator[Callable[..., ServerUrl]]:
    """Return a function that runs `make run` in a project and returns the URL of the API.

    `target="serve"` serves as in production.
    """
    servers = []

    def serve(project: Path, target: str = "run", **environment: str) -> ServerUrl:
        port = environment.setdefault("FLASK_RUN_PORT", str(free_port()))
        log = (project.parent / f"server-{port}.log").open("w+")
        server = subprocess.Popen(
            ["make", target],
            cwd=project,
            env={**os.environ, "PYTHON": sys.executable, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        servers.append(server)
        base = ServerUrl(f"http://127.0.0.1:{port}")
        base.process = server
        for _ in range(1200):
            with contextlib.suppress(requests.ConnectionError, requests.Timeout):
                requests.get(f"{base}/healthz", timeout=5)
                return base
            if server.poll() is not None:
                break
            time.sleep(0.1)
        log.seek(0)
        pytest.fail(f"make {target} did not serve:\n{log.read()}")

    yield serve
    for server in servers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read_env(project: Path) -> dict[str, str]:
    """Return the variables of a project's .env."""
    lines = (project / ".env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


def seed_user(project: Path) -> dict[str, str]:
    """Return the seed user's e-mail address and password, as POST /login takes them."""
    env = read_env(project)
    return {"email": env["SEED_USER_EMAIL"], "password": env["SEED_USER_PASSWORD"]}


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that runs git in a folder, with a test's author and home folder."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "init.defaultBranch")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "main")
    return lambda folder, *words: run(["git", *words], folder).stdout.strip()


def commit_all(git: Callable[..., str], folder: Path, subject: str = "All") -> None:
    """Commit everything in a folder, and make it a git repository if it is not one."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", subject)


def copy_this_version(folder: Path) -> Path:
    """Copy this repository to a folder, as it is on the disk, without what git ignores."""

    listed = run(["git", "ls-files", "-z", "-co", "--exclude-standard"], ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder
