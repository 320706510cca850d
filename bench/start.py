"""What a worker costs before its first answer, and in memory."""

import subprocess
from statistics import median

from .contestants import Bench, Contestant
from .in_process import call, working
from .over_http import ask, free_port, serving
from .report import table

REQUESTS = 50


def measure(bench: Bench) -> str:
    """Start everyone in interleaved rounds; then serve, and look at a worker's memory."""
    starts = {c.name: [] for c in bench.contestants}
    for _ in range(bench.plan.starts):
        for contestant in bench.contestants:
            with working(contestant) as worker:
                starts[contestant.name].append(call(worker, 1))
    rows = []
    for contestant in bench.contestants:
        load, first = (
            median(s[what] for s in starts[contestant.name]) for what in ("load", "first")
        )
        rows.append((contestant.label, load * 1000, first * 1000, resident(contestant)))
    rows.sort(key=lambda row: row[1])
    lines = [[label, *(f"{value:.0f}" for value in values)] for label, *values in rows]
    return table(["", "load, ms", "first request, ms", "worker, MiB"], lines)


def resident(contestant: Contestant) -> float:
    """Return the resident MiB of a worker that has answered."""
    port = free_port()
    with serving(contestant, contestant.serve(port), port) as pid:
        for _ in range(REQUESTS):
            ask(f"http://127.0.0.1:{port}", contestant.good)
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
        worker = found.stdout.split() or [str(pid)]  # uvicorn has no process above its worker
        shown = subprocess.run(["ps", "-o", "rss=", "-p", worker[0]], capture_output=True)
        return int(shown.stdout) / 1024
