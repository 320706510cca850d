"""Token requests over HTTP, each contestant on its server; and while others log in."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import median

from .contestants import FASTAPI, FLOOR, LIMIT, OURS, TUTORIAL, Bench, Contestant
from .inside.calls import ITEMS, PATH, spoiled
from .plan import HERE, LOAD_CORE, SERVER_CORE, pinned
from .project import EMAIL, PASSWORD
from .report import chart, goal, table

NO_WRK = "Not measured: wrk is missing. `apt-get install wrk` or `brew install wrk` gives it."

START_SECONDS = 60

Result = dict[str, float]


def measure(bench: Bench) -> str:
    """Measure everyone in interleaved rounds; server and load have a core each."""
    if not shutil.which("wrk"):
        return NO_WRK
    with ExitStack() as stack:
        urls = {}
        for contestant in bench.contestants:
            port = free_port()
            command = pinned(SERVER_CORE, *contestant.serve(port))
            stack.enter_context(serving(contestant, command, port))
            urls[contestant.name] = f"http://127.0.0.1:{port}"
        rounds = [
            {c.name: tokens(urls[c.name], c, bench.plan.seconds) for c in bench.contestants}
            for _ in range(bench.plan.rounds // 2 + 2)
        ][1:]  # the first warms up
    found = {
        c.name: {what: median(r[c.name][what] for r in rounds) for what in ("rate", "p50", "p99")}
        for c in bench.contestants
    }
    times = {name: median(r[OURS]["rate"] / r[name]["rate"] for r in rounds) for name in found}
    order = sorted(bench.contestants, key=lambda c: -found[c.name]["rate"])
    lines = [
        [
            c.label,
            f"{found[c.name]['rate']:,.0f}",
            f"{times[c.name]:.2f}",
            f"{found[c.name]['p50'] * 1000:.1f}",
            f"{found[c.name]['p99'] * 1000:.1f}",
        ]
        for c in order
    ]
    bars = {c.label: found[c.name]["rate"] for c in order}
    shown = chart(bench.page, "http", "Token requests a second", bars, bench.ours.label)
    best = min(times[name] for name in found if name not in (OURS, FLOOR, LIMIT))
    goals = [
        goal("Ours ÷ the fastest peer", best, at_least=1),
        goal("Ours ÷ the tutorial", times[TUTORIAL], at_least=1.8, aim=2.5),
        goal("Ours ÷ FastAPI", times[FASTAPI], at_least=1, aim=2),
    ]
    head = ["", "requests a second", "ours is × faster", "p50, ms", "p99, ms"]
    return "\n\n".join([shown, table(head, lines), "\n".join(goals)])


def storm(bench: Bench) -> str:
    """Measure p99 of token requests, quiet and while 8 clients log in without pause."""
    if not shutil.which("wrk"):
        return NO_WRK
    contestant, port = bench.ours, free_port()
    url = f"http://127.0.0.1:{port}"
    rounds = []
    # As the README starts it: two processes of 16 threads, on all cores.
    with serving(contestant, contestant.serve(port, workers=2, threads=16), port):
        tokens(url, contestant, bench.plan.seconds)
        for _ in range(bench.plan.rounds // 2 + 1):
            quiet = tokens(url, contestant, bench.plan.seconds, 4)
            with logging_in(url, bench.plan.seconds + 2) as logins:
                time.sleep(1)
                busy = tokens(url, contestant, bench.plan.seconds, 4)
            rounds.append((quiet, busy, logins))
    quiet, busy, logins = (list(column) for column in zip(*rounds, strict=True))
    lines = [
        [name, *(f"{median(r[what] for r in results) * 1000:.1f}" for what in ("p50", "p99")),
         f"{median(r['rate'] for r in results):,.0f}"]
        for name, results in (("quiet", quiet), ("while 8 clients log in", busy))
    ]  # fmt: skip
    ratio = median(b["p99"] / q["p99"] for q, b, _ in rounds)
    rate, refused = (sum(r[what] for r in logins) for what in ("rate", "refused"))
    text = f"Logins meanwhile: {rate / len(logins):.0f} a second, {refused:.0f} refused."
    head = ["token requests", "p50, ms", "p99, ms", "requests a second"]
    return "\n\n".join(
        [table(head, lines), text, goal("In the storm ÷ quiet, p99", ratio, at_most=5)]
    )


@contextmanager
def serving(contestant: Contestant, command: list[object], port: int) -> Iterator[int]:
    """Start a server, check its answers, and give its process; its log goes to a file."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=contestant.folder,
            env=contestant.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, process)
            assert ask(url, contestant.good) == (200, ITEMS), contestant.name
            if contestant.good:
                assert ask(url, spoiled(contestant.good))[0] == 401, contestant.name
                assert ask(url, contestant.deactivated)[0] == 401, contestant.name
            yield process.pid
        except (AssertionError, OSError) as error:
            log.seek(0)
            raise RuntimeError(f"{contestant.name} does not serve:\n{log.read()}") from error
        finally:
            process.terminate()
            process.wait()


def _wait(url: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return ask(url, {})
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def ask(url: str, headers: Mapping[str, str]) -> tuple[int, object]:
    """Make one token request; return the status, and the body where it is 200."""
    accept = {"Accept": "application/json"}
    request = urllib.request.Request(url + PATH, headers={**accept, **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, None


def tokens(url: str, contestant: Contestant, seconds: int, connections: int = 8) -> Result:
    """Make token requests; return what wrk found, raise if one was refused."""
    process = wrk(url + PATH, contestant.good, seconds, connections)
    result = result_of(process)
    assert not result["refused"] + result["broken"], (contestant.name, result)
    return result


@contextmanager
def logging_in(url: str, seconds: int) -> Iterator[Result]:
    """Log in from 8 clients without pause meanwhile; what wrk found is known after it."""
    body = json.dumps({"email": EMAIL, "password": PASSWORD})
    process, result = wrk(f"{url}/login", {}, seconds, 8, BODY=body), {}
    try:
        yield result
    finally:
        result.update(result_of(process))
    assert not result["broken"], result


def wrk(
    url: str, headers: Mapping[str, str], seconds: int, connections: int, **environment: str
) -> subprocess.Popen:
    """Start the load, on a core of its own."""
    options = [f"--header={name}: {value}" for name, value in headers.items()]
    options += [f"--duration={seconds}s", f"--connections={connections}", "--threads=1"]
    options += ["--latency", "--timeout=30s", f"--script={HERE / 'result.lua'}"]
    return subprocess.Popen(
        pinned(LOAD_CORE, "wrk", *options, "--header=Accept: application/json", url),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def result_of(process: subprocess.Popen) -> Result:
    """Wait for the end of a load; return what it found."""
    printed, _ = process.communicate()
    return json.loads(printed.splitlines()[-1])


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
