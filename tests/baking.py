"""Bake many projects in one process, and store their files by content.

Cookiecutter itself bakes them. Three things are not repeated for each project, to save
time: a new Python for each hook, the check whether a file is text, and compiling it.

As a program it reads a list of answers (JSON), bakes a project for each, and prints the
files of each project: `python baking.py FOLDER < answers.json`.
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
# Half of the time goes into creating and removing files, unless they are in memory.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None


def run_hook(script: str, folder: str) -> None:
    """Run a rendered hook in this process, as cookiecutter runs it in a new Python."""
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
    """Cache compiled templates: each bake has its own Jinja environment, all alike."""
    compile_template, cache = Environment.compile, {}

    def compile_cached(environment, *args, **options):
        key = (args, tuple(options.items()))
        if key not in cache:
            cache[key] = compile_template(environment, *args, **options)
        return cache[key]

    return mock.patch.object(Environment, "compile", compile_cached)


@contextmanager
def baking() -> Iterator:
    """Give a function that bakes: bake(folder, use_docker=False) returns the project."""
    with (
        mock.patch.object(hooks, "run_script", run_hook),
        mock.patch.object(generate, "is_binary", functools.cache(generate.is_binary)),
        compile_once(),
        tempfile.TemporaryDirectory() as home,
    ):
        config = Path(home, "config.yaml")
        config.write_text(f"replay_dir: {home}\ncookiecutters_dir: {home}\n", "utf-8")

        def bake(folder: Path, **answers: object) -> Path:
            project = cookiecutter(
                str(ROOT),
                no_input=True,
                extra_context=answers,
                output_dir=str(folder),
                config_file=str(config),
            )
            return Path(project)

        yield bake


def read(project: Path) -> dict[str, bytes]:
    """Return the content of each file of a project, by its name."""
    files = (path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def main(store: Path) -> None:
    """Bake the projects; write each content once to store/DIGEST, and print the names."""
    trees = []
    with baking() as bake:
        for answers in json.load(sys.stdin):
            with tempfile.TemporaryDirectory(dir=MEMORY) as folder, redirect_stdout(None):
                files = read(bake(folder, **answers))
            trees.append({name: save(content, store) for name, content in files.items()})
    json.dump(trees, sys.stdout)


def save(content: bytes, store: Path) -> str:
    digest = hashlib.sha256(content).hexdigest()
    if not (store / digest).exists():
        (store / digest).write_bytes(content)
    return digest


if __name__ == "__main__":
    main(Path(sys.argv[1]))
