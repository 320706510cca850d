"""Who is compared, and on which server each is served."""

import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import project
from .plan import PEERS, Plan
from .project import ACTIVE, DEACTIVATED, Project, clean_environment, run

OURS = "ours"
FLOOR, LIMIT, ROW, TUTORIAL, FASTAPI = "bare", "core", "httpauth", "tutorial", "fastapi_jwt"

LABELS = {
    FLOOR: "bare Flask, open to all",
    LIMIT: "one signature, one Core query",
    OURS: "the generated project",
    ROW: "Flask-HTTPAuth, token row",
    "django_rest": "Django REST framework, token",
    TUTORIAL: "the tutorial of 2015, today",
    FASTAPI: "FastAPI, JWT and user row",
    "jwt_extended": "Flask-JWT-Extended, blocklist",
}

# The same for all: one process, and on gunicorn four threads.
GUNICORN = "-m gunicorn --workers {workers} --threads {threads} --bind 127.0.0.1:{port} {target}"
UVICORN = "-m uvicorn --workers {workers} --port {port} {target}"


@dataclass(frozen=True)
class Contestant:
    """One application, with the headers of a caller it lets in, and of one it does not."""

    name: str
    python: Path
    folder: Path
    environment: dict[str, str]
    target: str
    good: dict[str, str]
    deactivated: dict[str, str]

    @property
    def label(self) -> str:
        """What it is called in a table."""
        return LABELS[self.name]

    def serve(self, port: int, workers: int = 1, threads: int = 4) -> list[object]:
        """Return the command that serves it, on the server that its users would run."""
        words = UVICORN if self.name == FASTAPI else GUNICORN
        values = {"port": port, "workers": workers, "threads": threads, "target": self.target}
        return [self.python, *(word.format(**values) for word in words.split())]


def ours(project: Project, *emails: str) -> Contestant:
    """Return the generated project, with tokens of its own."""
    good, deactivated = map(project.credentials, emails)
    target = "token_auth_api:create_app()"
    return Contestant(OURS, project.python, project.folder, project.environment, target,
                      good, deactivated)  # fmt: skip


def peer(name: str, database: Path) -> Contestant:
    """Return a peer, with tokens that it made itself."""
    python = Path(sys.executable)
    environment = clean_environment() | {"BENCH_DATABASE": str(database)}
    made = f"[{name}.credentials(user_id) for user_id in ({ACTIVE}, {DEACTIVATED})]"
    code = f"import json, {name}; print(json.dumps({made}))"
    good, deactivated = json.loads(run([python, "-c", code], PEERS, environment))
    return Contestant(name, python, PEERS, environment, f"{name}:app", good, deactivated)


@dataclass(frozen=True)
class Bench:
    """What the parts of a run share; made when the first of them asks."""

    plan: Plan
    folder: Path
    page: Path

    @cached_property
    def project(self) -> tuple[Path, Path]:
        """The generated project, and the Python of its environment."""
        return project.make_project(self.folder)

    @cached_property
    def contestants(self) -> list[Contestant]:
        """Everyone, on the same file of SQLite."""
        database = self.folder / "bench.db"
        mine = project.on_database(self.project, f"sqlite:///{database}")
        project.fill(database)
        emails = [project.email(user_id) for user_id in (ACTIVE, DEACTIVATED)]
        found = [ours(mine, *emails) if n == OURS else peer(n, database) for n in LABELS]
        project.deactivate(database, DEACTIVATED)
        return found

    @property
    def ours(self) -> Contestant:
        """The generated project among them."""
        return next(c for c in self.contestants if c.name == OURS)
