"""What a project depends on can be had: from its locks, and at both ends of its ranges."""

import itertools
import os
import re
import sys
from pathlib import Path

import pytest
from conftest import QUESTIONS, ROOT, new_database, run
from test_combinations import CHOICES, pythons

# pip trusts what the machine trusts; uv does when it is told to.
ENVIRONMENT = os.environ | {"UV_SYSTEM_CERTS": "true"}
UV = Path(sys.executable).with_name("uv")

LOCKS = ["requirements.txt", "requirements-dev.txt"]
TEMPLATES = [ROOT / "{{cookiecutter.project_slug}}" / name for name in LOCKS]

# Whatever option a lock asks for has a set of dependencies for each of its answers.
OWNERS = sorted(
    {name for lock in TEMPLATES for name in re.findall(r"cookiecutter\.(\w+)", lock.read_text())}
)
SETS = [
    dict(zip(OWNERS, values, strict=True))
    for values in itertools.product(*[CHOICES[name] for name in OWNERS])
]


def uv_pip(command, *words):
    """Without --python, uv would change the environment of these tests."""
    return [UV, "pip", command, "--python", ".venv/bin/python", *words]


INSTALLERS = {
    "pip": [
        [sys.executable, "-m", "venv", ".venv"],
        [".venv/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "LOCK"],
        [".venv/bin/python", "-m", "pip", "check"],
    ],
    "uv": [
        [UV, "venv", "--quiet", "--python", sys.executable, ".venv"],
        uv_pip("sync", "--quiet", "--require-hashes", "LOCK"),
        uv_pip("check", "--quiet"),
    ],
}

IMPORT_ALL = """
import importlib, pkgutil, token_auth_api as package
for module in pkgutil.walk_packages(package.__path__, "token_auth_api."):
    importlib.import_module(module.name)
"""


def words(value):
    return " ".join(map(str, value.values())) if isinstance(value, dict) else None


@pytest.mark.full
@pytest.mark.parametrize("installer", INSTALLERS.values(), ids=INSTALLERS)
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("answers", SETS, ids=words)
def test_project_can_be_imported_with_what_a_lock_installs(bake, answers, lock, installer):
    project = bake(**answers)
    for command in installer:
        run([lock if word == "LOCK" else word for word in command], project, env=ENVIRONMENT)
    run([".venv/bin/python", "-c", IMPORT_ALL], project)


@pytest.mark.full
@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_project_passes_its_own_tests_with_the_lowest_versions(bake, database):
    """Types are checked with the locked versions alone: older stubs know less."""
    project = bake(database=database)
    lowest = ["--resolution", "lowest-direct", "-r", "pyproject.toml", "--group", "dev"]
    run([UV, "venv", "--quiet", "--python", sys.executable, ".venv"], project)
    run(uv_pip("install", "--quiet", *lowest), project, env=ENVIRONMENT)
    flask = re.search(r'"flask>=([\d.]+)', (project / "pyproject.toml").read_text("utf-8"))[1]
    installed = run(uv_pip("freeze"), project).stdout
    assert f"flask=={flask}" in installed
    with new_database(database) as uri:
        environment = os.environ | {"TEST_DATABASE_URI": uri}
        done = run([".venv/bin/python", "-m", "pytest"], project, env=environment)
    assert "Total coverage: 100.00%" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("python", list(pythons()), ids=os.path.basename)
def test_lock_that_is_made_on_a_newer_python_serves_the_oldest(bake, python):
    project = bake()
    path = f"{UV.parent}{os.pathsep}{os.environ['PATH']}"
    locks = []
    for other in (sys.executable, python):
        run(["make", "lock"], project, env=ENVIRONMENT | {"PATH": path, "UV_PYTHON": other})
        locks.append([(project / name).read_text("utf-8") for name in LOCKS])
    assert locks[0] == locks[1]


@pytest.mark.deep
def test_audit_looks_at_every_lock():
    printed = run([sys.executable, "scripts/audit.py", "--dry-run"], ROOT).stdout
    locks = len(LOCKS) * (1 + len(SETS))
    assert len(re.findall(r"would have audited \d\d+ packages", printed)) == locks
