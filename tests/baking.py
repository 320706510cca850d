"""Bake many projects in one process, and keep what came out by its content.

Cookiecutter itself is what bakes. Three things are spared that it would do again for each
project: start a Python for each hook, look whether a file is text, and compile it.

As a program it reads a list of answers (JSON), bakes each, and writes what files they
gave: `python baking.py FOLDER < answers.json`.
"""

import functools
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from unittest import mock

from cookiecutter import generate, hooks
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from cookiecutter.utils import work_in
from jinja2 import Environment

ROOT = Path(__file__).parent.parent
# Half the time goes into making and removing files, unless they are in memory.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def run_hook(script: str, folder: str) -> None:
    """Run a rendered hook as a Python of its own would, but in this process."""
    path = Path(script)
    code = compile(path.read_text("utf-8"), script, "exec")
    path.unlink()
    with work_in(folder):
        try:
            exec(code, {"__name__": "__main__"})
        except SystemExit as end:
            if end.code:
                raise FailedHookException(f"exit status: {end.code}") from None


def compile_once():
    """Keep what Jinja compiled: each bake has an environment of its own, all alike."""
    compile_template, kept = Environment.compile, {}

    def compile_kept(environment, *words, **options):
        key = (words, tuple(options.items()))
        if key not in kept:
            kept[key] = compile_template(environment, *words, **options)
        return kept[key]

    return mock.patch.object(Environment, "compile", compile_kept)


@contextmanager
def baking() -> Iterator:
    """Give a function that makes a project: bake(folder, use_docker=False) is its folder."""
    with (
        mock.patch.object(hooks, "run_script", run_hook),
        mock.patch.object(generate, "is_binary", functools.cache(generate.is_binary)),
        compile_once(),
        tempfile.TemporaryDirectory() as home,
    ):
        config = Path(home, "config.yaml")
        config.write_text(f"replay_dir: {home}\ncookiecutters_dir: {home}\n", "utf-8")

        def bake(folder: Path, **answers: object) -> Path:
            made = cookiecutter(
                str(ROOT),
                no_input=True,
                extra_context=answers,
                output_dir=str(folder),
                config_file=str(config),
            )
            return Path(made)

        yield bake


def read(project: Path) -> dict[str, bytes]:
    """Return what is in each file of a project."""
    files = (path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def main(store: Path) -> None:
    """Bake the projects; contents go to store/DIGEST, once each, names to standard output."""
    trees = []
    with baking() as bake:
        for answers in json.load(sys.stdin):
            with tempfile.TemporaryDirectory(dir=MEMORY) as folder, redirect_stdout(None):
                files = read(bake(folder, **answers))
            trees.append({name: keep(content, store) for name, content in files.items()})
    json.dump(trees, sys.stdout)


def keep(content: bytes, store: Path) -> str:
    digest = hashlib.sha256(content).hexdigest()
    if not (store / digest).exists():
        (store / digest).write_bytes(content)
    return digest


if __name__ == "__main__":
    main(Path(sys.argv[1]))
