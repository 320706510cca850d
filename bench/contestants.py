"""The applications that are compared, and the server that runs each."""

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import project
from .plan import PEERS, Plan
from .project import ACTIVE_USER_ID, DEACTIVATED_USER_ID, Project, clean_environment, run

OURS = "ours"
BARE_FLASK, CORE_QUERY, HTTPAUTH = "bare", "core", "httpauth"
TUTORIAL, FASTAPI = "tutorial", "fastapi_jwt"

LABELS = {
    BARE_FLASK: "bare Flask, open to all",
    CORE_QUERY: "one signature, one Core query",
    OURS: "the generated project",
    HTTPAUTH: "Flask-HTTPAuth, token row",
    "django_rest": "Django REST framework, token",
    TUTORIAL: "the tutorial of 2015, today",
    FASTAPI: "FastAPI, JWT and user row",
    "jwt_extended": "Flask-JWT-Extended, blocklist",
}

# Every contestant gets the same: one process, and four threads where gunicorn serves it.
GUNICORN = "-m gunicorn --workers {workers} --threads {threads} --bind 127.0.0.1:{port} {target}"
UVICORN = "-m uvicorn --workers {workers} --port {port} {target}"


@dataclass(frozen=True)
class Contestant:
    """One application, with the headers of an active user and of a deactivated one."""

    name: str
    python: Path
    folder: Path
    environment: dict[str, str]
    target: str
    headers: dict[str, str]
    deactivated_headers: dict[str, str]

    @property
    def label(self) -> str:
        """Its name in the tables."""
        return LABELS[self.name]

    def get_server_command(self, port: int, workers: int = 1, threads: int = 4) -> list[object]:
        """Return the command of the server that is usual for this application."""
        words = UVICORN if self.name == FASTAPI else GUNICORN
        values = {"port": port, "workers": workers, "threads": threads, "target": self.target}
        return [self.python, *(word.format(**values) for word in words.split())]


def create_our_contestant(generated: Project, *emails: str) -> Contestant:
    """Return the generated project, with a token for each of the two users."""
    headers, deactivated = map(generated.create_headers, emails)
    target = "token_auth_api:create_app()"
    return Contestant(OURS, generated.python, generated.folder, generated.environment, target,
                      headers, deactivated)  # fmt: skip


def create_peer(name: str, database: Path) -> Contestant:
    """Return a peer, with tokens that its own code creates."""
    python = Path(sys.executable)
    environment = clean_environment() | {"BENCH_DATABASE": str(database)}
    user_ids = f"({ACTIVE_USER_ID}, {DEACTIVATED_USER_ID})"
    created = f"[{name}.create_headers(user_id) for user_id in {user_ids}]"
    code = f"import json, {name}; print(json.dumps({created}))"
    headers, deactivated = json.loads(run([python, "-c", code], PEERS, environment))
    return Contestant(name, python, PEERS, environment, f"{name}:app", headers, deactivated)


@dataclass(frozen=True)
class Bench:
    """What the parts of one run share; each is created when a part first needs it."""

    plan: Plan
    folder: Path
    page: Path

    @cached_property
    def project(self) -> tuple[Path, Path]:
        """The generated project, and the Python of its environment."""
        return project.create_project(self.folder)

    @cached_property
    def contestants(self) -> list[Contestant]:
        """All contestants, on the same SQLite file."""
        database = self.folder / "bench.db"
        generated = project.set_up_database(self.project, f"sqlite:///{database}")
        project.add_users(database)
        user_ids = (ACTIVE_USER_ID, DEACTIVATED_USER_ID)
        emails = [project.format_email(user_id) for user_id in user_ids]
        contestants = {name: create_peer(name, database) for name in LABELS if name != OURS}
        contestants[OURS] = create_our_contestant(generated, *emails)
        # Last, so that the tokens of this user were valid when they were created.
        project.deactivate_user(database, DEACTIVATED_USER_ID)
        return [contestants[name] for name in LABELS]

    @property
    def ours(self) -> Contestant:
        """The generated project among the contestants."""
        return next(c for c in self.contestants if c.name == OURS)
