"""The generated project: generate it, install it, and give it a database with users."""

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

SEED_USER_EMAIL, SEED_USER_PASSWORD = "seed@example.com", "a password of the benchmark"

USER_COUNT = 1000
# Both have a valid token; the second is deactivated after it was created.
ACTIVE_USER_ID, DEACTIVATED_USER_ID = 500, 501

# The comparison is only fair if the peers run the same versions of these as the project.
SHARED_PACKAGES = (
    "flask", "flask-security", "flask-sqlalchemy", "gunicorn", "sqlalchemy", "werkzeug",
)  # fmt: skip

# Variables of the shell, or of the make that runs this, which would change the project.
IGNORED_PREFIXES = (
    "FLASK_", "SEED_", "SECURITY_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "PYTHON", "GUNICORN_",
)  # fmt: skip


@dataclass(frozen=True)
class Project:
    """A generated project on one database."""

    folder: Path
    python: Path
    environment: dict[str, str]

    def flask(self, *arguments: str) -> str:
        """Run the project's flask command; return its output."""
        return run([self.python, "-m", "flask", *arguments], self.folder, self.environment)

    def create_headers(self, email: str) -> dict[str, str]:
        """Create a token for a user, and return the headers that send it."""
        return {"Authorization": f"Bearer {self.flask('auth', 'token', email).split()[-1]}"}


def create_project(folder: Path) -> tuple[Path, Path]:
    """Generate a project; return its folder, and the Python of its environment."""
    project = bake(ROOT, folder, database="postgresql")
    return project, install_lock(project / "requirements-dev.txt")


def set_up_database(project: tuple[Path, Path], uri: str) -> Project:
    """Create the tables and the seed user of a project in an empty database."""
    on_database = Project(*project, build_environment(uri))
    on_database.flask("db", "upgrade")
    on_database.flask("auth", "seed")
    return on_database


def build_environment(uri: str) -> dict[str, str]:
    """Return the settings of a server, with tokens that outlast the measurement."""
    return clean_environment() | {
        "FLASK_APP": "token_auth_api",
        "FLASK_RUN_HOST": "127.0.0.1",
        "FLASK_RUN_PORT": "5001",
        "FLASK_SKIP_DOTENV": "1",
        "FLASK_SECRET_KEY": secrets.token_urlsafe(32),
        "FLASK_SECURITY_PASSWORD_SALT": secrets.token_urlsafe(32),
        "FLASK_SECURITY_TOKEN_MAX_AGE": "86400",
        "FLASK_SQLALCHEMY_DATABASE_URI": uri,
        "SEED_USER_EMAIL": SEED_USER_EMAIL,
        "SEED_USER_PASSWORD": SEED_USER_PASSWORD,
    }


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that would change the project."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(IGNORED_PREFIXES)
    }


def run(command: list[object], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output; if it fails, raise an error with the output."""
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
    """Generate a project; return its folder."""
    with redirect_stdout(None):
        project = cookiecutter(
            str(template), no_input=True, output_dir=str(folder), extra_context=answers
        )
    return Path(project)


BUILD_LOCK = ROOT / "{{cookiecutter.project_slug}}/requirements-build.txt"


def install_lock(lock: Path) -> Path:
    """Return the Python of an environment with the locked packages.

    The environment is kept in .cache, under the name that the tests give it too.
    """
    name = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE / f"environment-{name}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        run([sys.executable, "-m", "venv", "--clear", folder], ROOT)
        pip = [python, "-m", "pip", "install", "--quiet", "--require-hashes"]
        run([*pip, "-r", BUILD_LOCK], ROOT)
        run([*pip, "--no-build-isolation", "-r", lock], ROOT)
        (folder / "complete").touch()
    check_versions(python)
    return python


def check_versions(python: Path) -> None:
    """Raise unless the project and the peers have the same versions of the shared packages."""
    code = f"from importlib.metadata import version; print(*map(version, {SHARED_PACKAGES}))"
    ours = dict(zip(SHARED_PACKAGES, run([python, "-c", code], ROOT).split(), strict=True))
    peers = {name: version(name) for name in SHARED_PACKAGES}
    if ours != peers:
        raise RuntimeError(f"The versions differ: {ours}, {peers}. Update the locks: make lock")


def add_users(database: Path) -> None:
    """Add users that are copies of the seed user, and the tables that only the peers use."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        seed_user = dict(connection.execute("SELECT * FROM auth_user").fetchone())
        placeholders = ", ".join(f":{name}" for name in seed_user)
        connection.executemany(
            f"INSERT INTO auth_user ({', '.join(seed_user)}) VALUES ({placeholders})",
            (
                seed_user | {"id": n, "email": format_email(n), "fs_uniquifier": f"{n:032x}"}
                for n in range(2, USER_COUNT + 1)
            ),
        )
        connection.executescript("""
            CREATE TABLE authtoken_token (
                key VARCHAR(40) PRIMARY KEY,
                created DATETIME NOT NULL,
                user_id INTEGER NOT NULL UNIQUE REFERENCES auth_user (id)
            );
            CREATE TABLE token_blocklist (id INTEGER PRIMARY KEY, jti VARCHAR(36) UNIQUE);
        """)
        tokens = ((secrets.token_hex(20), n) for n in range(1, USER_COUNT + 1))
        connection.executemany("INSERT INTO authtoken_token VALUES (?, '2026-01-01', ?)", tokens)
        blocked = ((secrets.token_hex(18),) for _ in range(USER_COUNT))
        connection.executemany("INSERT INTO token_blocklist (jti) VALUES (?)", blocked)


def deactivate_user(database: Path, user_id: int) -> None:
    """Deactivate a user who has tokens already."""
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE auth_user SET active = 0 WHERE id = ?", (user_id,))


def format_email(user_id: int) -> str:
    """Return the e-mail address of a user that add_users() added."""
    return f"user{user_id}@example.com"


@contextmanager
def create_databases(count: int = 1) -> Iterator[list[str]]:
    """Yield the URIs of empty PostgreSQL databases, which are dropped at the end.

    Without TEST_POSTGRESQL_URI there is no server, and the list is empty.
    """
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
