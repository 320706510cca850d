"""The time of a login, compared with the password hash alone."""

import json
from statistics import median

from .contestants import Bench
from .plan import INSIDE, SERVER_CORE, pin_to_core
from .project import SEED_USER_EMAIL, SEED_USER_PASSWORD, create_databases, run, set_up_database
from .report import format_goal, format_table


def measure(bench: Bench) -> str:
    """Measure both in turn and in process: on SQLite, and on PostgreSQL if there is a server."""
    file = bench.folder / "login.db"
    rows, goals = [], []
    with create_databases() as uris:
        for name, uri in zip(("SQLite", "PostgreSQL"), [f"sqlite:///{file}", *uris], strict=False):
            project = set_up_database(bench.project, uri)
            arguments = [SEED_USER_EMAIL, SEED_USER_PASSWORD, bench.plan.logins]
            command = [project.python, INSIDE / "login.py", *arguments]
            output = run(pin_to_core(SERVER_CORE, *command), project.folder, project.environment)
            pairs = json.loads(output.splitlines()[-1])
            login, hash_alone = (median(column) * 1000 for column in zip(*pairs, strict=True))
            ratio = median(one / other for one, other in pairs)
            rows.append([name, f"{login:.1f}", f"{hash_alone:.1f}", f"{ratio:.2f}"])
            goals.append(format_goal(f"Login ÷ hash on {name}", ratio, at_most=1.1))
    table = format_table(["", "login, ms", "argon2id alone, ms", "login ÷ hash"], rows)
    return "\n\n".join([table, "\n".join(goals)])
