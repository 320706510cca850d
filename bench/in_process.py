"""CPU time of a token request in process: no server, no network, no waiting."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from .contestants import CORE_QUERY, HTTPAUTH, OURS, Bench, Contestant
from .plan import INSIDE, SERVER_CORE, pin_to_core
from .report import draw_chart, format_goal, format_table


def measure(bench: Bench) -> str:
    """Measure every contestant in interleaved rounds, each in a process of its own."""
    requests = bench.plan.requests
    with ExitStack() as stack:
        workers = {c.name: stack.enter_context(run_worker(c)) for c in bench.contestants}
        rounds = [
            {name: send_requests(worker, requests)["cpu"] for name, worker in workers.items()}
            for _ in range(bench.plan.rounds + 1)
        ][1:]  # the first round warms up
    cpu = {name: median(r[name] for r in rounds) * 1e6 for name in workers}
    by_httpauth = {name: median(r[name] / r[HTTPAUTH] for r in rounds) for name in workers}
    by_limit = {name: median(r[name] / r[CORE_QUERY] for r in rounds) for name in workers}
    order = sorted(bench.contestants, key=lambda c: cpu[c.name])
    rows = [
        [c.label, f"{cpu[c.name]:.0f}", f"{by_httpauth[c.name]:.2f}", f"{by_limit[c.name]:.2f}"]
        for c in order
    ]
    bars = {c.label: cpu[c.name] for c in order}
    title = "CPU time of a token request, µs"
    chart = draw_chart(bench.page, "in_process", title, bars, bench.ours.label)
    goals = [
        format_goal("Ours ÷ Flask-HTTPAuth's token row", by_httpauth[OURS], at_most=1, aim=0.75),
        format_goal("Ours ÷ the practical limit", by_limit[OURS], aim=1.5),
    ]
    table = format_table(["", "µs", "÷ HTTPAuth", "÷ practical limit"], rows)
    return "\n\n".join([chart, table, "\n".join(goals)])


@contextmanager
def run_worker(contestant: Contestant) -> Iterator[subprocess.Popen]:
    """Run a contestant in a process of its own, with its log in a file, as a server has it."""
    headers = [json.dumps(h) for h in (contestant.headers, contestant.deactivated_headers)]
    command = [contestant.python, INSIDE / "calls.py", contestant.target, *headers]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            pin_to_core(SERVER_CORE, *command),
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


def send_requests(worker: subprocess.Popen, count: int) -> dict[str, float]:
    """Let a worker send requests; return the CPU seconds of one, and its start times."""
    worker.stdin.write(f"{count}\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())
