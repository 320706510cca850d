"""The generator: the time of a bake, the time to the first token, and the time of the tests."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from .contestants import Bench
from .over_http import find_free_port
from .plan import CACHE, ROOT
from .project import bake, clean_environment, install_lock, run
from .report import format_goal, format_table

OURS, EMPTY = "this template", "a template of one empty file"

# Only its source archive has the template; its wheel has not.
PEER = "cookiecutter-uv==0.2.0"
PEER_HASH = "sha256:00c04d5eb2020364d0debf2918926829ba965011d3654a3002f4daf65eef3fa3"


def measure(bench: Bench) -> str:
    """Measure bakes; in a full run also what takes minutes."""
    text = measure_bakes(bench)
    if bench.plan.slow:
        text += f"\n\n{measure_time_to_first_token()}\n\n{measure_tests()}"
    return text


def measure_bakes(bench: Bench) -> str:
    """Time the command line in interleaved rounds."""
    empty = create_empty_template(bench.folder)
    templates = {EMPTY: empty, OURS: ROOT, PEER: download_peer_template()}
    rounds, file_counts = [], {}
    for _ in range(bench.plan.bakes + 1):
        times = {}
        for name, template in templates.items():
            with TemporaryDirectory() as folder:
                times[name] = time_bake(template, folder)
                files = Path(folder, "made").rglob("*")
                file_counts[name] = sum(path.is_file() for path in files)
        rounds.append(times)
    rounds = rounds[1:]  # the first round warms up
    milliseconds = {name: median(r[name] for r in rounds) * 1000 for name in templates}
    by_empty = {name: median(r[name] / r[EMPTY] for r in rounds) for name in templates}
    by_peer = median(r[OURS] / r[PEER] for r in rounds)
    rows = [
        [name, file_counts[name], f"{milliseconds[name]:.0f}", f"{by_empty[name]:.2f}"]
        for name in templates
    ]
    goals = [
        format_goal("Bake ÷ empty template", by_empty[OURS], at_most=1.5),
        format_goal("Bake ÷ cookiecutter-uv", by_peer, at_most=1),
    ]
    return "\n\n".join([format_table(["", "files", "ms", "÷ empty"], rows), "\n".join(goals)])


def time_bake(template: Path, folder: str) -> float:
    """Return the seconds of one bake, with a home folder of its own."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", f"{folder}/made"]
    environment = clean_environment() | {"HOME": folder, "TMPDIR": folder}
    started = time.perf_counter()
    run([*command, template], ROOT, environment)
    return time.perf_counter() - started


def create_empty_template(folder: Path) -> Path:
    """Create the smallest template that cookiecutter accepts."""
    template = folder / "empty"
    project = template / "{{cookiecutter.project_slug}}"
    project.mkdir(parents=True)
    (project / "README.md").touch()
    (template / "cookiecutter.json").write_text('{"project_slug": "empty"}')
    return template


def download_peer_template() -> Path:
    """Return the peer's template; it is downloaded once and kept in .cache."""
    folder = CACHE / PEER
    if not folder.exists():
        with TemporaryDirectory() as download:
            requirement = Path(download, "requirement.txt")
            requirement.write_text(f"{PEER} --hash={PEER_HASH}")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            options = ["--no-binary", ":all:", "--require-hashes", "--dest", download]
            run([*pip, *options, "-r", requirement], ROOT)
            (archive,) = Path(download).glob("*.tar.gz")
            with tarfile.open(archive) as source:
                source.extractall(download, filter="data")
            shutil.copytree(archive.with_name(archive.name.removesuffix(".tar.gz")), folder)
    return folder


def measure_time_to_first_token() -> str:
    """Time from `cookiecutter` to the first token, with an empty cache and with a full one."""
    rows = []
    tools = Path(sys.executable).parent
    path = os.pathsep.join(
        p for p in os.environ["PATH"].split(os.pathsep) if not Path(p, "uv").exists()
    )
    paths = {"pip": path, "uv": f"{tools}{os.pathsep}{path}"}
    for installer, path in paths.items():
        with TemporaryDirectory() as cache:
            caches = {"PIP_CACHE_DIR": f"{cache}/pip", "UV_CACHE_DIR": f"{cache}/uv"}
            times = [time_to_first_token({"PATH": path, **caches}) for _ in range(2)]
        rows.append([installer, *(f"{seconds:.1f}" for seconds in times)])
    return format_table(["`cookiecutter` to first token, s", "cold cache", "warm cache"], rows)


def time_to_first_token(environment: dict[str, str]) -> float:
    """Return the seconds to generate a project, start it and log in."""
    port = find_free_port()
    settings = {"FLASK_RUN_PORT": str(port), "PYTHON": sys.executable, "UV_SYSTEM_CERTS": "true"}
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        time_bake(ROOT, folder)
        project = Path(folder, "made/token-auth-api")
        server = subprocess.Popen(
            ["make", "run"],
            cwd=project,
            env=clean_environment() | environment | settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while not (server.poll() or request_token(project, port)):
                time.sleep(0.05)
            seconds = time.perf_counter() - started
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            code = server.wait()
    assert code == -signal.SIGTERM, "make run failed"
    return seconds


def request_token(project: Path, port: int) -> str | None:
    """Log the seed user in and return the token, or None while the server does not answer."""
    try:
        lines = (project / ".env").read_text("utf-8").splitlines()
        values = dict(line.split("=", 1) for line in lines if line.startswith("SEED_USER_"))
        user = {"email": values["SEED_USER_EMAIL"], "password": values["SEED_USER_PASSWORD"]}
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/login",
            json.dumps(user).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["response"]["user"]["authentication_token"]
    except (OSError, KeyError):
        return None


def measure_tests() -> str:
    """Time the tests of a generated project, and the fast tests of the template."""
    with TemporaryDirectory() as folder:
        project = bake(ROOT, Path(folder))
        python = install_lock(project / "requirements-dev.txt")
        generated = time_command([python, "-m", "pytest"], project)
    run(["make", ".venv/.installed-dev"], ROOT)
    fast = ["-m", "pytest", "-q", "-n", "auto", "-m", "not full and not deep"]
    template = time_command([".venv/bin/python", *fast], ROOT)
    rows = [
        ["the generated project", f"{generated:.0f}"],
        ["the template, its fast tests", f"{template:.0f}"],
    ]
    return format_table(["tests", "s"], rows)


def time_command(command: list[object], folder: Path) -> float:
    """Return the seconds that a command takes."""
    started = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - started
