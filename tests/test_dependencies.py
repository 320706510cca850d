"""The dependencies can be installed: from the locks, and in their lowest versions."""

import itertools
import os
import re
import sys
from pathlib import Path

import pytest
from conftest import QUESTIONS, ROOT, new_database, run
from test_combinations import CHOICES, find_pythons

# pip trusts the certificates of the machine; uv does so with this setting.
ENVIRONMENT = os.environ | {"UV_SYSTEM_CERTS": "true"}
UV = Path(sys.executable).with_name("uv")

LOCKS = ["requirements.txt", "requirements-dev.txt"]
TEMPLATES = [ROOT / "{{cookiecutter.project_slug}}" / name for name in LOCKS]

# The options in a lock: each combination of their answers has its own dependencies.
OPTIONS_IN_LOCKS = sorted(
    {name for lock in TEMPLATES for name in re.findall(r"cookiecutter\.(\w+)", lock.read_text())}
)
ANSWERS_IN_LOCKS = [
    dict(zip(OPTIONS_IN_LOCKS, values, strict=True))
    for values in itertools.product(*[CHOICES[name] for name in OPTIONS_IN_LOCKS])
]


def uv_pip(command, *arguments):
    """Return a command of uv. Without --python it would change these tests' environment."""
    return [UV, "pip", command, "--python", ".venv/bin/python", *arguments]


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


def join_answers(value):
    return " ".join(map(str, value.values())) if isinstance(value, dict) else None


@pytest.mark.full
@pytest.mark.parametrize("installer", INSTALLERS.values(), ids=INSTALLERS)
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("answers", ANSWERS_IN_LOCKS, ids=join_answers)
def test_project_can_be_imported_with_what_a_lock_installs(bake, answers, lock, installer):
    project = bake(**answers)
    for command in installer:
        run([lock if word == "LOCK" else word for word in command], project, env=ENVIRONMENT)
    run([".venv/bin/python", "-c", IMPORT_ALL], project)


@pytest.mark.full
@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_project_passes_its_own_tests_with_the_lowest_versions(bake, database):
    """Types are checked only with the locked versions: older stubs are incomplete."""
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
@pytest.mark.parametrize("python", list(find_pythons()), ids=os.path.basename)
def test_every_python_makes_the_same_locks(bake, python):
    project = bake()
    path = f"{UV.parent}{os.pathsep}{os.environ['PATH']}"
    locks = []
    for other in (sys.executable, python):
        run(["make", "lock"], project, env=ENVIRONMENT | {"PATH": path, "UV_PYTHON": other})
        locks.append([(project / name).read_text("utf-8") for name in LOCKS])
    assert locks[0] == locks[1]


@pytest.mark.deep
def test_audit_checks_every_lock():
    printed = run([sys.executable, "scripts/audit.py", "--dry-run"], ROOT).stdout
    locks = len(LOCKS) * (1 + len(ANSWERS_IN_LOCKS))

    assert len(re.findall(r"would have audited \d\d+ packages", printed)) == locks
