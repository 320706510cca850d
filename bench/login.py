"""A login, against the hash of its password alone."""

import json
from statistics import median

from .contestants import Bench
from .plan import INSIDE, SERVER_CORE, pinned
from .project import EMAIL, PASSWORD, on_database, postgresql, run
from .report import goal, table


def measure(bench: Bench) -> str:
    """Measure in process, in turn; on PostgreSQL too, where there is a server."""
    file = bench.folder / "login.db"
    lines, goals = [], []
    with postgresql() as uris:
        for name, uri in zip(("SQLite", "PostgreSQL"), [f"sqlite:///{file}", *uris], strict=False):
            project = on_database(bench.project, uri)
            words = [project.python, INSIDE / "login.py", EMAIL, PASSWORD, bench.plan.logins]
            printed = run(pinned(SERVER_CORE, *words), project.folder, project.environment)
            pairs = json.loads(printed.splitlines()[-1])
            login, bare = (median(column) * 1000 for column in zip(*pairs, strict=True))
            ratio = median(one / other for one, other in pairs)
            lines.append([name, f"{login:.1f}", f"{bare:.1f}", f"{ratio:.2f}"])
            goals.append(goal(f"Login ÷ hash on {name}", ratio, at_most=1.1))
    return "\n\n".join(
        [table(["", "login, ms", "argon2id alone, ms", "login ÷ hash"], lines), "\n".join(goals)]
    )
