"""Generate the default project in demo/, start it, log in and call its API: `make demo`."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "demo" / "token-auth-api"
START_TIMEOUT = 60  # seconds


def print_heading(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


@contextmanager
def report_step(name: str) -> Iterator[None]:
    """Print one line for a step: its name when it begins, its seconds when it ends."""
    print(f"{name} ... ", end="", flush=True)
    started = time.monotonic()
    try:
        yield
    except SystemExit:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - started:.0f} s", flush=True)


def run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command; if it fails, end with its output, which is hidden otherwise."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(command)} failed with exit code {done.returncode}.")


def generate_project(environment: dict[str, str]) -> None:
    """Generate the default project, or update the one of an earlier demo."""
    old = {lock: (lock.read_bytes(), lock.stat()) for lock in PROJECT.glob("requirements*.txt")}
    command = ["cookiecutter", "--no-input", "--overwrite-if-exists", "--output-dir", "demo", "."]
    run([sys.executable, "-m", *command], ROOT, environment)
    # make reinstalls when a lock is newer than .venv: one with the same content keeps its time.
    for lock, (content, stat) in old.items():
        if lock.exists() and lock.read_bytes() == content:
            os.utime(lock, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def find_free_port() -> int:
    """Return 5001, or another port if that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 5001))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def build_environment(port: int) -> dict[str, str]:
    """Return the environment of the project's commands, without the variables of this make."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return environment | {"FLASK_RUN_PORT": str(port), "PYTHON": sys.executable}


@contextmanager
def run_server(environment: dict[str, str], log: IO[str]) -> Iterator[subprocess.Popen]:
    """Run `make run` in a process group of its own, and end the whole group afterwards."""
    server = subprocess.Popen(
        ["make", "run"],
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def wait_until_ready(server: subprocess.Popen, url: str, log: IO[str]) -> None:
    """Wait until the API answers; if it does not, end with its log."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    reason = f"did not answer within {START_TIMEOUT} seconds"
    if server.poll() is not None:
        reason = f"ended with exit code {server.returncode}"
    sys.exit(f"{log.read()}\nmake run {reason}.")


def shorten_tokens(text: str) -> str:
    """Cut each token to its first characters, which are enough to recognise it."""
    return re.sub(r"[\w.-]{60,}", lambda found: f"{found[0][:12]}...", text.strip())


def send_request(url: str, method: str, path: str, headers=None, body=None) -> tuple[int, dict]:
    """Send a request, print it and its answer, and return the answer's status and body."""
    request = urllib.request.Request(
        url + path,
        method=method,
        headers=headers or {},
        data=json.dumps(body).encode() if body else None,
    )
    print(f"> {method} {path}")
    for name, value in (headers or {}).items():
        print(f"> {name}: {shorten_tokens(value)}")
    if body:
        print(f"> {json.dumps({**body, 'password': '***'})}")
    try:
        answer = urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        text = answer.read().decode()
        print(f"< {answer.status} {answer.reason}")
        for name in ("Content-Type", "WWW-Authenticate"):
            if name in answer.headers:
                print(f"< {name}: {answer.headers[name]}")
    print(f"< {shorten_tokens(text)}", flush=True)
    return answer.status, json.loads(text)


def call_api(url: str) -> None:
    """Call the API without a token, log in, and call it with the token; check the answers."""
    env = dict(re.findall(r"^(\w+)=(.*)$", (PROJECT / ".env").read_text("utf-8"), re.MULTILINE))
    user = {"email": env["SEED_USER_EMAIL"], "password": env["SEED_USER_PASSWORD"]}

    print_heading("1. Without a token, the endpoint is closed.")
    closed, _ = send_request(url, "GET", "/dummy-api/")

    print_heading("2. An e-mail address and a password give a token.")
    json_body = {"Content-Type": "application/json"}
    login, answer = send_request(url, "POST", "/login", json_body, user)
    token = answer["response"]["user"]["authentication_token"]

    print_heading("3. The token opens the endpoint.")
    bearer = {"Authorization": f"Bearer {token}"}
    opened, answer = send_request(url, "GET", "/dummy-api/", bearer)

    items = {"items": {"Key1": "Value1", "Key2": "value2"}}
    if (closed, login, opened, answer) != (401, 200, 200, items):
        sys.exit("These answers differ from those in README.md.")


def main() -> None:
    port = find_free_port()
    environment = build_environment(port)
    url = f"http://127.0.0.1:{port}"
    with report_step("Generate the project"):
        generate_project(environment)
    with report_step("Install its dependencies"):
        run(["make", ".venv/.installed"], PROJECT, environment)
    with tempfile.TemporaryFile("w+") as log, run_server(environment, log) as server:
        with report_step(f"Start it on port {port}"):
            wait_until_ready(server, url, log)
        call_api(url)
    folder = PROJECT.relative_to(Path.cwd())
    print_heading(f"The project is yours. The password of its seed user is in {folder}/.env.")
    print(f"\n    cd {folder}\n    make run\n    make test\n")


if __name__ == "__main__":
    main()
