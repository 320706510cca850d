"""The generator: a bake, the time from `cookiecutter` to the first token, the tests."""

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
from .over_http import free_port
from .plan import CACHE, ROOT
from .project import bake, clean_environment, environment_of, run
from .report import goal, table

OURS, EMPTY = "this template", "a template of one empty file"

# Its wheel has no template in it; its source archive has.
PEER = "cookiecutter-uv==0.2.0"
PEER_HASH = "sha256:00c04d5eb2020364d0debf2918926829ba965011d3654a3002f4daf65eef3fa3"


def measure(bench: Bench) -> str:
    """Measure bakes; in a full run also what takes minutes."""
    text = bakes(bench)
    if bench.plan.slow:
        text += f"\n\n{first_tokens()}\n\n{tests()}"
    return text


def bakes(bench: Bench) -> str:
    """Time the command line in interleaved rounds."""
    templates = {EMPTY: empty_template(bench.folder), OURS: ROOT, PEER: peer_template()}
    spent = {name: [] for name in templates}
    files = {}
    for _ in range(bench.plan.bakes + 1):
        for name, template in templates.items():
            with TemporaryDirectory() as folder:
                spent[name].append(seconds_of_bake(template, folder))
                made = Path(folder, "made").rglob("*")
                files[name] = sum(path.is_file() for path in made)
    rounds = [dict(zip(spent, times, strict=True)) for times in zip(*spent.values(), strict=True)]
    rounds = rounds[1:]  # the first warms up
    times = {name: median(r[name] / r[EMPTY] for r in rounds) for name in templates}
    lines = [
        [name, files[name], f"{median(r[name] for r in rounds) * 1000:.0f}", f"{times[name]:.2f}"]
        for name in templates
    ]
    peer = median(r[OURS] / r[PEER] for r in rounds)
    goals = [
        goal("Bake ÷ empty template", times[OURS], at_most=1.5),
        goal("Bake ÷ cookiecutter-uv", peer, at_most=1),
    ]
    return "\n\n".join([table(["", "files", "ms", "÷ empty"], lines), "\n".join(goals)])


def seconds_of_bake(template: Path, folder: str) -> float:
    """Time one bake, in a home of its own."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "-o", f"{folder}/made"]
    environment = clean_environment() | {"HOME": folder, "TMPDIR": folder}
    began = time.perf_counter()
    run([*command, template], ROOT, environment)
    return time.perf_counter() - began


def empty_template(folder: Path) -> Path:
    """Make the least that cookiecutter takes."""
    template = folder / "empty"
    project = template / "{{cookiecutter.project_slug}}"
    project.mkdir(parents=True)
    (project / "README.md").touch()
    (template / "cookiecutter.json").write_text('{"project_slug": "empty"}')
    return template


def peer_template() -> Path:
    """Return the peer's template, kept between runs."""
    folder = CACHE / PEER
    if not folder.exists():
        with TemporaryDirectory() as download:
            wanted = Path(download, "wanted.txt")
            wanted.write_text(f"{PEER} --hash={PEER_HASH}")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            options = ["--no-binary", ":all:", "--require-hashes", "--dest", download]
            run([*pip, *options, "-r", wanted], ROOT)
            (archive,) = Path(download).glob("*.tar.gz")
            with tarfile.open(archive) as source:
                source.extractall(download, filter="data")
            shutil.copytree(archive.with_name(archive.name.removesuffix(".tar.gz")), folder)
    return folder


def first_tokens() -> str:
    """Time from `cookiecutter` to the first token, with an empty cache and a full one."""
    lines = []
    tools = Path(sys.executable).parent
    path = os.pathsep.join(
        p for p in os.environ["PATH"].split(os.pathsep) if not Path(p, "uv").exists()
    )
    paths = {"pip": path, "uv": f"{tools}{os.pathsep}{path}"}
    for installer, path in paths.items():
        with TemporaryDirectory() as cache:
            caches = {"PIP_CACHE_DIR": f"{cache}/pip", "UV_CACHE_DIR": f"{cache}/uv"}
            times = [seconds_to_token({"PATH": path, **caches}) for _ in range(2)]
        lines.append([installer, *(f"{seconds:.1f}" for seconds in times)])
    return table(["`cookiecutter` to first token, s", "cold cache", "warm cache"], lines)


def seconds_to_token(environment: dict[str, str]) -> float:
    """Make a project, run it, log in."""
    port = free_port()
    settings = {"FLASK_RUN_PORT": str(port), "PYTHON": sys.executable, "UV_SYSTEM_CERTS": "true"}
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        seconds_of_bake(ROOT, folder)
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
            while not (server.poll() or token(project, port)):
                time.sleep(0.05)
            spent = time.perf_counter() - began
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            code = server.wait()
    assert code == -signal.SIGTERM, "make run failed"
    return spent


def token(project: Path, port: int) -> str | None:
    """Log the first user in; None while nothing serves."""
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


def tests() -> str:
    """Time the tests of a generated project, and the fast ones of the template."""
    with TemporaryDirectory() as folder:
        project = bake(ROOT, Path(folder))
        python = environment_of(project / "requirements-dev.txt")
        began = time.perf_counter()
        run([python, "-m", "pytest"], project)
        own = time.perf_counter() - began
    run(["make", ".venv/.installed-dev"], ROOT)
    began = time.perf_counter()
    fast = ["-m", "pytest", "-q", "-n", "auto", "-m", "not full and not deep"]
    run([".venv/bin/python", *fast], ROOT)
    template = time.perf_counter() - began
    lines = [
        ["the generated project", f"{own:.0f}"],
        ["the template, its fast tests", f"{template:.0f}"],
    ]
    return table(["tests", "s"], lines)
