"""Show the whole way: generate a project, run it, log in, call its API."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "demo" / "token-auth-api"
START_SECONDS = 300  # the first start installs the dependencies


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def generate() -> None:
    """Generate the default project; one from an earlier demo is brought up to date."""
    command = ["cookiecutter", "--no-input", "--overwrite-if-exists", "--output-dir", "demo", "."]
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True)


def free_port() -> int:
    """Return 5001, or another port when it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 5001))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(port: int) -> subprocess.Popen:
    """Run `make run` in a process group of its own, and show what it prints."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    environment |= {"FLASK_RUN_PORT": str(port), "PYTHON": sys.executable}
    server = subprocess.Popen(
        ["make", "run"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    threading.Thread(target=show, args=(server,), daemon=True).start()
    return server


def show(server: subprocess.Popen) -> None:
    """Print what the server does until it serves: its log would hide the exchanges."""
    serving = False
    for line in server.stdout:
        serving = serving or b"Running on" in line
        if not serving:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()


def wait_for(server: subprocess.Popen, base: str) -> None:
    """Wait until the API answers."""
    for _ in range(START_SECONDS * 5):
        if server.poll() is not None:
            sys.exit(f"make run ended with exit code {server.returncode}: see above.")
        try:
            urllib.request.urlopen(f"{base}/healthz", timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"The API did not answer within {START_SECONDS} seconds.")


def shorten(text: str) -> str:
    """Cut what is as long as a token: here it only needs to be known again."""
    return re.sub(r"[\w.-]{60,}", lambda found: f"{found[0][:12]}...", text.strip())


def exchange(base: str, method: str, path: str, headers=None, body=None) -> tuple[int, dict]:
    """Send a request, print it and its answer, and return the answer."""
    request = urllib.request.Request(
        base + path,
        method=method,
        headers=headers or {},
        data=json.dumps(body).encode() if body else None,
    )
    print(f"> {method} {path}")
    for name, value in (headers or {}).items():
        print(f"> {name}: {shorten(value)}")
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
    print(f"< {shorten(text)}", flush=True)
    return answer.status, json.loads(text)


def walk(base: str) -> None:
    """Do what the tutorial does; end with an error when an answer is another one."""
    env = dict(re.findall(r"^(\w+)=(.*)$", (PROJECT / ".env").read_text("utf-8"), re.MULTILINE))
    user = {"email": env["SEED_USER_EMAIL"], "password": env["SEED_USER_PASSWORD"]}

    say("1. Without a token, the endpoint is closed.")
    closed, _ = exchange(base, "GET", "/dummy-api/")

    say("2. An e-mail address and a password give a token.")
    json_body = {"Content-Type": "application/json"}
    login, answer = exchange(base, "POST", "/login", json_body, user)
    token = answer["response"]["user"]["authentication_token"]

    say("3. The token opens the endpoint.")
    opened, answer = exchange(base, "GET", "/dummy-api/", {"Authorization": f"Bearer {token}"})

    items = {"items": {"Key1": "Value1", "Key2": "value2"}}
    if (closed, login, opened, answer) != (401, 200, 200, items):
        sys.exit("These are not the answers that the README promises.")


def main() -> None:
    say("Generating a project with the default answers.")
    generate()
    port = free_port()
    say(f"Setting it up and starting it: make run, on port {port}.")
    server = start(port)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(server, base)
        walk(base)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()
    say("That is all. The project is yours:")
    print(f"\n    cd {PROJECT.relative_to(Path.cwd())}\n    make run\n    make test\n")


if __name__ == "__main__":
    main()
