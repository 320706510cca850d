"""The generated project: made, installed, with a database, users and tokens."""

import hashlib
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cookiecutter.main import cookiecutter
from sqlalchemy import create_engine, make_url, text

from .plan import CACHE, ROOT

EMAIL, PASSWORD = "seed@example.com", "a password of the benchmark"

USERS = 1000
# Their tokens: one is good, the other is good but for its user, who is deactivated.
ACTIVE, DEACTIVATED = 500, 501

# What the peers share with us must be the same, or the comparison is of something else.
SHARED = ("flask", "flask-security", "flask-sqlalchemy", "gunicorn", "sqlalchemy", "werkzeug")

# What would reach the project from the shell, or the make, that runs this.
LEAKS = ("FLASK_", "SEED_", "SECURITY_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTHON", "GUNICORN_")


@dataclass(frozen=True)
class Project:
    """A generated project on one database."""

    folder: Path
    python: Path
    environment: dict[str, str]

    def flask(self, *words: str) -> str:
        """Run a command of the project; return what it printed."""
        return run([self.python, "-m", "flask", *words], self.folder, self.environment)

    def credentials(self, email: str) -> dict[str, str]:
        """Return the headers of a caller, with a fresh token."""
        return {"Authorization": f"Bearer {self.flask('auth', 'token', email).split()[-1]}"}


def make_project(folder: Path) -> tuple[Path, Path]:
    """Generate a project; return it, and the Python of its environment."""
    project = bake(ROOT, folder, database="postgresql")
    return project, environment_of(project / "requirements-dev.txt")


def on_database(project: tuple[Path, Path], uri: str) -> Project:
    """Give a project an empty database: it makes its tables and the first user there."""
    ready = Project(*project, settings(uri))
    ready.flask("db", "upgrade")
    ready.flask("auth", "seed")
    return ready


def settings(uri: str) -> dict[str, str]:
    """Return the settings, as on a server; a token lasts longer than the measurement."""
    return clean_environment() | {
        "FLASK_APP": "token_auth_api",
        "FLASK_RUN_HOST": "127.0.0.1",
        "FLASK_RUN_PORT": "5001",
        "FLASK_SKIP_DOTENV": "1",
        "FLASK_SECRET_KEY": secrets.token_urlsafe(32),
        "FLASK_SECURITY_PASSWORD_SALT": secrets.token_urlsafe(32),
        "FLASK_SECURITY_TOKEN_MAX_AGE": "86400",
        "FLASK_SQLALCHEMY_DATABASE_URI": uri,
        "SEED_USER_EMAIL": EMAIL,
        "SEED_USER_PASSWORD": PASSWORD,
    }


def clean_environment() -> dict[str, str]:
    """Return the environment without what would reach the project by accident."""
    return {name: value for name, value in os.environ.items() if not name.startswith(LEAKS)}


def run(command: list[object], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed; raise with it if it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=clean_environment() if environment is None else environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def bake(template: Path, folder: Path, **answers: str) -> Path:
    """Generate a project."""
    with redirect_stdout(None):
        made = cookiecutter(
            str(template), no_input=True, output_dir=str(folder), extra_context=answers
        )
    return Path(made)


def environment_of(lock: Path) -> Path:
    """Return the Python of an environment with what a lock names, kept as the tests keep it."""
    name = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE / f"environment-{name}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        run([sys.executable, "-m", "venv", "--clear", folder], ROOT)
        run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock], ROOT)
        (folder / "complete").touch()
    code = f"from importlib.metadata import version; print(*map(version, {SHARED}))"
    ours = dict(zip(SHARED, run([python, "-c", code], ROOT).split(), strict=True))
    peers = {name: version(name) for name in SHARED}
    if ours != peers:
        raise RuntimeError(f"Not the same versions: {ours}, {peers}. Renew the locks: make lock")
    return python


def fill(database: Path) -> None:
    """Add users like the first, and the tables that the peers keep beside them."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        first = dict(connection.execute("SELECT * FROM auth_user").fetchone())
        marks = ", ".join(f":{name}" for name in first)
        others = range(2, USERS + 1)
        connection.executemany(
            f"INSERT INTO auth_user ({', '.join(first)}) VALUES ({marks})",
            (first | {"id": n, "email": email(n), "fs_uniquifier": f"{n:032x}"} for n in others),
        )
        connection.executescript("""
            CREATE TABLE authtoken_token (
                key VARCHAR(40) PRIMARY KEY,
                created DATETIME NOT NULL,
                user_id INTEGER NOT NULL UNIQUE REFERENCES auth_user (id)
            );
            CREATE TABLE token_blocklist (id INTEGER PRIMARY KEY, jti VARCHAR(36) UNIQUE);
        """)
        tokens = ((secrets.token_hex(20), n) for n in range(1, USERS + 1))
        connection.executemany("INSERT INTO authtoken_token VALUES (?, '2026-01-01', ?)", tokens)
        blocked = ((secrets.token_hex(18),) for _ in range(USERS))
        connection.executemany("INSERT INTO token_blocklist (jti) VALUES (?)", blocked)


def deactivate(database: Path, user_id: int) -> None:
    """Lock a user out whose tokens were made before."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE auth_user SET active = 0 WHERE id = ?", (user_id,))


def email(user_id: int) -> str:
    """Return the address of a user that fill() made."""
    return f"user{user_id}@example.com"


@contextmanager
def postgresql(count: int = 1) -> Iterator[list[str]]:
    """Give the URIs of empty databases; of none where TEST_POSTGRESQL_URI names no server."""
    if not os.environ.get("TEST_POSTGRESQL_URI"):
        yield []
        return
    server = make_url(os.environ["TEST_POSTGRESQL_URI"])
    names = [f"bench_{secrets.token_hex(4)}" for _ in range(count)]
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield [server.set(database=n).render_as_string(hide_password=False) for n in names]
        finally:
            for name in names:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
