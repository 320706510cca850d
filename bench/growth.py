"""Growth: does a request cost more when there are more users?"""

import json

from .contestants import Bench
from .plan import INSIDE
from .project import clean_environment, create_databases, run
from .report import format_table

REQUESTS = ("token request", "login", "login with an unknown address")


def measure(bench: Bench) -> str:
    """Measure databases of several sizes side by side; every user has a session."""
    sizes = bench.plan.sizes
    folder, python = bench.project
    files = [f"sqlite:///{bench.folder}/{size}.db" for size in sizes]
    rows = []
    with create_databases(len(sizes)) as uris:
        for name, databases in (("SQLite", files), ("PostgreSQL", uris)):
            if not databases:
                continue
            arguments = [f"{size}={uri}" for size, uri in zip(sizes, databases, strict=True)]
            command = [python, INSIDE / "growth.py", bench.plan.rounds, *arguments]
            output = run(command, folder, clean_environment())
            results = json.loads(output.splitlines()[-1])
            for what, times in zip(REQUESTS, results, strict=True):
                ratio = f"{max(times) / min(times):.2f}"
                rows.append([f"{name}, {what}", *(f"{ms:.2f}" for ms in times), ratio])
    head = ["ms, by the number of users", *(f"{size:,}" for size in sizes), "max ÷ min"]
    return format_table(head, rows)
