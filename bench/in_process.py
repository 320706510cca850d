"""CPU time of a token request in process: no server, no network, no waiting."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from .contestants import LIMIT, OURS, ROW, Bench, Contestant
from .plan import INSIDE, SERVER_CORE, pinned
from .report import chart, goal, table


def measure(bench: Bench) -> str:
    """Measure everyone in interleaved rounds, each in a process of its own."""
    with ExitStack() as stack:
        workers = {c.name: stack.enter_context(working(c)) for c in bench.contestants}
        rounds = [
            {name: call(worker, bench.plan.requests)["cpu"] for name, worker in workers.items()}
            for _ in range(bench.plan.rounds + 1)
        ][1:]  # the first warms up
    spent = {name: median(r[name] for r in rounds) * 1e6 for name in workers}
    row = {name: median(r[name] / r[ROW] for r in rounds) for name in workers}
    limit = {name: median(r[name] / r[LIMIT] for r in rounds) for name in workers}
    order = sorted(bench.contestants, key=lambda c: spent[c.name])
    lines = [
        [c.label, f"{spent[c.name]:.0f}", f"{row[c.name]:.2f}", f"{limit[c.name]:.2f}"]
        for c in order
    ]
    bars = {c.label: spent[c.name] for c in order}
    title = "CPU time of a token request, µs"
    shown = chart(bench.page, "in_process", title, bars, bench.ours.label)
    goals = [
        goal("Ours ÷ Flask-HTTPAuth's token row", row[OURS], at_most=1, aim=0.75),
        goal("Ours ÷ the practical limit", limit[OURS], aim=1.5),
    ]
    found = table(["", "µs", "÷ HTTPAuth", "÷ practical limit"], lines)
    return "\n\n".join([shown, found, "\n".join(goals)])


@contextmanager
def working(contestant: Contestant) -> Iterator[subprocess.Popen]:
    """Start a contestant in a process of its own; its log goes to a file, as a server's."""
    headers = [json.dumps(h) for h in (contestant.good, contestant.deactivated)]
    command = [contestant.python, INSIDE / "calls.py", contestant.target, *headers]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            pinned(SERVER_CORE, *command),
            cwd=contestant.folder,
            env=contestant.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            try:
                yield process
            except ValueError:  # it printed no JSON
                log.seek(0)
                raise RuntimeError(f"{contestant.name} failed:\n{log.read()}") from None
            finally:
                process.stdin.close()


def call(worker: subprocess.Popen, requests: int) -> dict[str, float]:
    """Make so many requests; return the CPU seconds of one, and how long the start took."""
    worker.stdin.write(f"{requests}\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())
