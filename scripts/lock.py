"""Renew every lock: this repository's own, and those of the projects it generates.

Run it with `make lock`. The generated locks have the base set once, and after it the
driver of each database, of which cookiecutter keeps the one that was chosen.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"
DATABASES = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))["database"]

# Hostless, with hashes, for every platform and from the oldest Python on, whichever one runs
# this: pip and uv both install it.
COMPILE = """
    uv pip compile --quiet --upgrade --universal --python-version 3.11
    --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate
""".split()


def compile_lock(pyproject: Path, *options: str) -> str:
    """Return the requirements that the ranges in a pyproject.toml resolve to."""
    command = [sys.executable, "-m", *COMPILE, *options, str(pyproject)]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=pyproject.parent
    ).stdout


def entries(lock: str) -> list[str]:
    """Split a lock into its requirements, each with its hashes."""
    joined = lock.replace("\\\n", "\\\0")
    return [line.replace("\\\0", "\\\n") + "\n" for line in joined.splitlines()]


def generated_lock(projects: dict[str, Path], *options: str) -> str:
    """Return the lock of the base set, with a block for each driver."""
    base = compile_lock(projects["sqlite"], *options)
    lock = base
    for database in DATABASES[1:]:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
            constraints.write(base)
            constraints.flush()
            full = compile_lock(projects[database], *options, "-c", constraints.name)
        driver = "".join(e for e in entries(full) if e not in entries(base))
        condition = f'{{%- if cookiecutter.database == "{database}" %}}'
        lock += f"{condition}\n{driver}{{%- endif %}}\n"
    return lock


def bench_lock(own: Path, generated: str) -> str:
    """Return the lock of the peers of `make bench`, on the versions that a project locks."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write(generated)
        constraints.flush()
        return compile_lock(own, "--group", "bench", "-c", constraints.name)


def bake_each(folder: str) -> dict[str, Path]:
    """Make a project for each database, and return their folders."""
    projects = {}
    for database in DATABASES:
        answers = {"database": database, "project_slug": f"lock-{database}"}
        project = cookiecutter(str(ROOT), no_input=True, output_dir=folder, extra_context=answers)
        projects[database] = Path(project)
    return projects


def main() -> None:
    """Write the locks."""
    own = ROOT / "pyproject.toml"
    (ROOT / "requirements.txt").write_text(compile_lock(own))
    (ROOT / "requirements-dev.txt").write_text(compile_lock(own, "--group", "dev"))
    with tempfile.TemporaryDirectory() as folder:
        projects = {name: p / "pyproject.toml" for name, p in bake_each(folder).items()}
        bench = bench_lock(own, compile_lock(projects["postgresql"]))
        runtime = generated_lock(projects)
        development = generated_lock(projects, "--group", "dev")
    (ROOT / "bench/requirements.txt").write_text(bench)
    (TEMPLATE / "requirements.txt").write_text(runtime)
    (TEMPLATE / "requirements-dev.txt").write_text(development)


if __name__ == "__main__":
    main()
