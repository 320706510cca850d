"""Update every lock: this repository's own, and those of the generated projects: `make lock`.

A lock of the template has the packages of all projects first, and then one block for each
database driver. Cookiecutter keeps the block of the chosen database.
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

# The locks name no package index, have hashes, and fit every platform and every Python from
# 3.11 on, so that pip and uv both install them everywhere.
COMPILE = """
    uv pip compile --quiet --upgrade --universal --python-version 3.11
    --generate-hashes --no-emit-index-url --no-strip-extras --no-header --no-annotate
""".split()


def compile_lock(pyproject: Path, *options: str) -> str:
    """Resolve the version ranges of a pyproject.toml; return the lock."""
    command = [sys.executable, "-m", *COMPILE, *options, str(pyproject)]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=pyproject.parent
    ).stdout


def compile_build_lock(pyproject: Path, *locks: Path) -> str:
    """Return the lock of what builds source archives."""
    constraints = [word for lock in locks for word in ("-c", str(lock))]
    command = [sys.executable, "-m", *COMPILE, "--group", "build", *constraints]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=pyproject.parent
    ).stdout


def split_entries(lock: str) -> list[str]:
    """Split a lock into its requirements, each with its hashes."""
    joined = lock.replace("\\\n", "\\\0")
    return [line.replace("\\\0", "\\\n") + "\n" for line in joined.splitlines()]


def compile_template_lock(projects: dict[str, Path], *options: str) -> str:
    """Return a lock of the template: the shared packages, then a block for each driver."""
    base = compile_lock(projects["sqlite"], *options)
    lock = base
    for database in DATABASES[1:]:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
            constraints.write(base)
            constraints.flush()
            full = compile_lock(projects[database], *options, "-c", constraints.name)
        driver = "".join(e for e in split_entries(full) if e not in split_entries(base))
        condition = f'{{%- if cookiecutter.database == "{database}" %}}'
        lock += f"{condition}\n{driver}{{%- endif %}}\n"
    return lock


def compile_bench_lock(own: Path, generated: str) -> str:
    """Return the lock of `make bench`, with the versions that a generated project locks."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write(generated)
        constraints.flush()
        return compile_lock(own, "--group", "bench", "-c", constraints.name)


def bake_projects(folder: str) -> dict[str, Path]:
    """Generate a project for each database; return their folders."""
    projects = {}
    for database in DATABASES:
        answers = {"database": database, "project_slug": f"lock-{database}"}
        project = cookiecutter(str(ROOT), no_input=True, output_dir=folder, extra_context=answers)
        projects[database] = Path(project)
    return projects


def main() -> None:
    """Write every lock."""
    own = ROOT / "pyproject.toml"
    (ROOT / "requirements.txt").write_text(compile_lock(own))
    (ROOT / "requirements-dev.txt").write_text(compile_lock(own, "--group", "dev"))
    with tempfile.TemporaryDirectory() as folder:
        projects = {name: p / "pyproject.toml" for name, p in bake_projects(folder).items()}
        bench = compile_bench_lock(own, compile_lock(projects["postgresql"]))
        runtime = compile_template_lock(projects)
        development = compile_template_lock(projects, "--group", "dev")
        newest = Path(folder, "requirements-dev.txt")
        newest.write_text(compile_lock(projects["sqlite"], "--group", "dev"))
        build = compile_build_lock(projects["sqlite"], newest)
    (ROOT / "bench/requirements.txt").write_text(bench)
    (TEMPLATE / "requirements-build.txt").write_text(build)
    (TEMPLATE / "requirements.txt").write_text(runtime)
    (TEMPLATE / "requirements-dev.txt").write_text(development)


if __name__ == "__main__":
    main()
