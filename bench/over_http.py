"""Token requests over HTTP: each contestant on its server, and ours also during logins."""

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

from .contestants import BARE_FLASK, CORE_QUERY, FASTAPI, OURS, TUTORIAL, Bench, Contestant
from .inside.calls import ITEMS, PATH, corrupt_token
from .plan import BENCH, LOAD_CORE, SERVER_CORE, pin_to_core
from .project import SEED_USER_EMAIL, SEED_USER_PASSWORD
from .report import draw_chart, format_goal, format_table

NO_WRK = "Not measured: wrk is missing. `apt-get install wrk` or `brew install wrk` installs it."

START_TIMEOUT = 60  # seconds

Result = dict[str, float]


def measure(bench: Bench) -> str:
    """Measure every contestant in interleaved rounds; server and load have a core each."""
    if not shutil.which("wrk"):
        return NO_WRK
    with ExitStack() as stack:
        urls = {}
        for contestant in bench.contestants:
            port = find_free_port()
            command = pin_to_core(SERVER_CORE, *contestant.get_server_command(port))
            stack.enter_context(run_server(contestant, command, port))
            urls[contestant.name] = f"http://127.0.0.1:{port}"
        rounds = [
            {
                c.name: measure_token_requests(urls[c.name], c, bench.plan.seconds)
                for c in bench.contestants
            }
            for _ in range(bench.plan.rounds // 2 + 2)
        ][1:]  # the first round warms up
    medians = {
        c.name: {what: median(r[c.name][what] for r in rounds) for what in ("rate", "p50", "p99")}
        for c in bench.contestants
    }
    ratios = {name: median(r[OURS]["rate"] / r[name]["rate"] for r in rounds) for name in medians}
    order = sorted(bench.contestants, key=lambda c: -medians[c.name]["rate"])
    rows = [
        [
            c.label,
            f"{medians[c.name]['rate']:,.0f}",
            f"{ratios[c.name]:.2f}",
            f"{medians[c.name]['p50'] * 1000:.1f}",
            f"{medians[c.name]['p99'] * 1000:.1f}",
        ]
        for c in order
    ]
    bars = {c.label: medians[c.name]["rate"] for c in order}
    chart = draw_chart(bench.page, "http", "Token requests a second", bars, bench.ours.label)
    peers = ratios.keys() - {OURS, BARE_FLASK, CORE_QUERY}
    goals = [
        format_goal("Ours ÷ the fastest peer", min(ratios[name] for name in peers), at_least=1),
        format_goal("Ours ÷ the tutorial", ratios[TUTORIAL], at_least=1.8, aim=2.5),
        format_goal("Ours ÷ FastAPI", ratios[FASTAPI], at_least=1, aim=2),
    ]
    head = ["", "requests a second", "ours is × faster", "p50, ms", "p99, ms"]
    return "\n\n".join([chart, format_table(head, rows), "\n".join(goals)])


def measure_during_logins(bench: Bench) -> str:
    """Measure token requests without logins, and while 8 clients log in without pause."""
    if not shutil.which("wrk"):
        return NO_WRK
    contestant, port, seconds = bench.ours, find_free_port(), bench.plan.seconds
    url = f"http://127.0.0.1:{port}"
    rounds = []
    # As `make serve` starts it: two processes of 16 threads, on all cores.
    command = contestant.get_server_command(port, workers=2, threads=16)
    with run_server(contestant, command, port):
        measure_token_requests(url, contestant, seconds)
        for _ in range(bench.plan.rounds // 2 + 1):
            without = measure_token_requests(url, contestant, seconds, 4)
            with run_logins(url, seconds + 2) as logins:
                time.sleep(1)
                during = measure_token_requests(url, contestant, seconds, 4)
            rounds.append((without, during, logins))
    without, during, logins = (list(column) for column in zip(*rounds, strict=True))
    rows = [
        [name, *(f"{median(r[what] for r in results) * 1000:.1f}" for what in ("p50", "p99")),
         f"{median(r['rate'] for r in results):,.0f}"]
        for name, results in (("without logins", without), ("while 8 clients log in", during))
    ]  # fmt: skip
    ratio = median(d["p99"] / w["p99"] for w, d, _ in rounds)
    rate, refused = (sum(r[what] for r in logins) for what in ("rate", "refused"))
    text = f"Logins meanwhile: {rate / len(logins):.0f} a second, {refused:.0f} refused."
    head = ["token requests", "p50, ms", "p99, ms", "requests a second"]
    goal = format_goal("During logins ÷ without, p99", ratio, at_most=5)
    return "\n\n".join([format_table(head, rows), text, goal])


@contextmanager
def run_server(contestant: Contestant, command: list[object], port: int) -> Iterator[int]:
    """Run a server with its log in a file, check its answers, and yield its process id."""
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
            wait_until_ready(url, process)
            check_answers(url, contestant)
            yield process.pid
        except (AssertionError, OSError) as error:
            log.seek(0)
            raise RuntimeError(f"{contestant.name} does not serve:\n{log.read()}") from error
        finally:
            process.terminate()
            process.wait()


def wait_until_ready(url: str, process: subprocess.Popen) -> None:
    """Wait for the first answer of a server."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            send_token_request(url, {})
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def check_answers(url: str, contestant: Contestant) -> None:
    """Raise unless a valid token is accepted, and a corrupt or deactivated one refused."""
    assert send_token_request(url, contestant.headers) == (200, ITEMS), contestant.name
    if contestant.headers:
        for headers in (corrupt_token(contestant.headers), contestant.deactivated_headers):
            assert send_token_request(url, headers)[0] == 401, contestant.name


def send_token_request(url: str, headers: Mapping[str, str]) -> tuple[int, object]:
    """Send one token request; return its status, and its body if the status is 200."""
    accept = {"Accept": "application/json"}
    request = urllib.request.Request(url + PATH, headers={**accept, **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


def measure_token_requests(
    url: str, contestant: Contestant, seconds: int, connections: int = 8
) -> Result:
    """Return wrk's result for token requests; raise if one was refused or failed."""
    process = start_wrk(url + PATH, contestant.headers, seconds, connections)
    result = read_result(process)
    assert not result["refused"] + result["failed"], (contestant.name, result)
    return result


@contextmanager
def run_logins(url: str, seconds: int) -> Iterator[Result]:
    """Let 8 clients log in without pause; the yielded result is filled at the end."""
    body = json.dumps({"email": SEED_USER_EMAIL, "password": SEED_USER_PASSWORD})
    process, result = start_wrk(f"{url}/login", {}, seconds, 8, BODY=body), {}
    try:
        yield result
    finally:
        result.update(read_result(process))
    assert not result["failed"], result


def start_wrk(
    url: str, headers: Mapping[str, str], seconds: int, connections: int, **environment: str
) -> subprocess.Popen:
    """Start the load, on a core of its own."""
    options = [f"--header={name}: {value}" for name, value in headers.items()]
    options += [f"--duration={seconds}s", f"--connections={connections}", "--threads=1"]
    options += ["--latency", "--timeout=30s", f"--script={BENCH / 'result.lua'}"]
    return subprocess.Popen(
        pin_to_core(LOAD_CORE, "wrk", *options, "--header=Accept: application/json", url),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_result(process: subprocess.Popen) -> Result:
    """Wait until the load ends; return the result that result.lua prints."""
    output, _ = process.communicate()
    return json.loads(output.splitlines()[-1])


def find_free_port() -> int:
    """Return a port that no process uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
