"""Growth: does a request cost more when there are more users?"""

import json

from .contestants import Bench
from .plan import INSIDE
from .project import clean_environment, postgresql, run
from .report import table


def measure(bench: Bench) -> str:
    """Measure databases of several sizes side by side, each user with a session."""
    sizes = bench.plan.sizes
    folder, python = bench.project
    files = [f"sqlite:///{bench.folder}/{size}.db" for size in sizes]
    lines = []
    with postgresql(len(sizes)) as uris:
        for name, databases in (("SQLite", files), ("PostgreSQL", uris)):
            if not databases:
                continue
            words = [f"{size}={uri}" for size, uri in zip(sizes, databases, strict=True)]
            command = [python, INSIDE / "growth.py", bench.plan.rounds, *words]
            found = json.loads(run(command, folder, clean_environment()).splitlines()[-1])
            for what, times in zip(("token request", "login"), found, strict=True):
                ratio = f"{max(times) / min(times):.2f}"
                lines.append([f"{name}, {what}", *(f"{ms:.2f}" for ms in times), ratio])
    head = ["ms, by the number of users", *(f"{size:,}" for size in sizes), "most ÷ least"]
    return table(head, lines)
