"""The start time of a worker process, and its memory."""

import subprocess
from statistics import median

from .contestants import Bench, Contestant
from .in_process import run_worker, send_requests
from .over_http import find_free_port, run_server, send_token_request
from .report import format_table

REQUEST_COUNT = 50


def measure(bench: Bench) -> str:
    """Start every contestant in interleaved rounds; then measure the memory of its server."""
    starts = {c.name: [] for c in bench.contestants}
    for _ in range(bench.plan.starts):
        for contestant in bench.contestants:
            with run_worker(contestant) as worker:
                starts[contestant.name].append(send_requests(worker, 1))
    rows = []
    for contestant in bench.contestants:
        load, first = (
            median(s[what] for s in starts[contestant.name]) for what in ("load", "first")
        )
        memory = measure_memory(contestant)
        rows.append((contestant.label, load * 1000, first * 1000, memory))
    rows.sort(key=lambda row: row[1])
    cells = [[label, *(f"{value:.0f}" for value in values)] for label, *values in rows]
    return format_table(["", "load, ms", "first request, ms", "worker, MiB"], cells)


def measure_memory(contestant: Contestant) -> float:
    """Return the resident MiB of a worker that has answered some requests."""
    port = find_free_port()
    with run_server(contestant, contestant.get_server_command(port), port) as pid:
        for _ in range(REQUEST_COUNT):
            send_token_request(f"http://127.0.0.1:{port}", contestant.headers)
        children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
        # uvicorn with one worker has no parent process above it.
        worker = children.stdout.split() or [str(pid)]
        resident = subprocess.run(["ps", "-o", "rss=", "-p", worker[0]], capture_output=True)
        return int(resident.stdout) / 1024
