"""A generated project proves itself, with each option that changes its code."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import QUESTIONS, ROOT, run
from test_answers import pre_gen

LINES_TO_READ_MAX = 1500
LINES_MAX = 2000


@pytest.mark.deep
@pytest.mark.parametrize("password_hash", QUESTIONS["password_hash"])
def test_project_passes_its_own_tests_with_each_hash(bake, installed, password_hash):
    done = run(["make", "test"], installed(bake(password_hash=password_hash)))
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed >= 40
    assert "skipped" not in done.stdout.rpartition("\n=")[2]
    assert "Total coverage: 100.00%" in done.stdout


@pytest.mark.deep
@pytest.mark.parametrize("slug", ["a", "zzz-late", "a" * 50])
def test_project_is_clean_at_birth(bake, installed, slug):
    done = run(["make", "check"], installed(bake(project_slug=slug)))
    assert "Success: no issues found" in done.stdout


def test_make_alone_lists_the_commands(default_project):
    listed = run(["make"], default_project).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "help",
        "run",
        "serve",
        "test",
        "check",
        "fix",
        "lock",
    ]


def test_old_python_is_refused_with_a_way_out(bake, tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\necho "Python 3.11 or newer is needed" >&2; exit 1\n')
    old.chmod(0o755)
    project = bake()
    done = subprocess.run(
        ["make", "run", f"PYTHON={old}"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (project / ".venv").exists()


# Resources to copy, what a person runs, and what settings must be when the app starts:
# they are beside what answers requests.
BESIDE = """
    checks.py cli.py dummy first_run.py moving.py notes pages setting_rules.py weaknesses.py
""".split()


def test_what_answers_requests_can_be_read_in_an_hour(default_project):
    package = default_project / "token_auth_api"
    sizes = {path.relative_to(package): code_lines(path) for path in package.rglob("*.py")}
    read = {path: size for path, size in sizes.items() if not {*path.parts} & {*BESIDE}}
    assert sum(read.values()) < LINES_TO_READ_MAX
    assert sum(sizes.values()) < LINES_MAX
    assert max(sizes.values()) <= 160


def code_lines(path: Path) -> int:
    """Count lines as cloc does: without blank ones, comments and docstrings."""
    text = path.read_text("utf-8")
    written = {n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*[^\s#]", line)}
    definitions = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, definitions) and ast.get_docstring(node):
            written -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(written)


def test_no_python_file_has_a_condition_of_the_template():
    template = ROOT / "{{cookiecutter.project_slug}}"
    for path in template.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "{%" not in text
        ast.parse(text)


def test_no_name_of_a_locked_module_is_free_for_a_project(environment):
    script = "import importlib.metadata as m, json; print(json.dumps(m.packages_distributions()))"
    printed = run([environment / "bin/python", "-c", script], ROOT).stdout
    # The tools that every virtual environment has may lend their names.
    installers = {"pip", "setuptools"}
    names = {name for name, owners in json.loads(printed).items() if set(owners) - installers}
    slugs = {name.replace("_", "-") for name in names if not name.endswith("-stubs")}
    assert not {slug for slug in slugs if not pre_gen.check_project_slug(slug)}


def test_locks_name_no_host_and_hash_every_line(default_project):
    for name in ("requirements.txt", "requirements-dev.txt"):
        for folder in (ROOT, default_project):
            text = (folder / name).read_text("utf-8")
            assert "://" not in text
            pinned = re.findall(r"^[\w.[\],-]+==.* \\\n    --hash=sha256:", text, re.MULTILINE)
            assert len(pinned) == len(re.findall(r"^[\w.-]+", text, re.MULTILINE))


# What each installed library asks for with an extra: name[extra].
EXTRAS = """
import importlib.metadata, re
from packaging.requirements import Requirement
for distribution in importlib.metadata.distributions():
    for needed in map(Requirement, distribution.requires or []):
        if needed.extras and (not needed.marker or needed.marker.evaluate({"extra": ""})):
            name = re.sub("[-_.]+", "-", needed.name).lower()
            print(f"{name}[{','.join(sorted(needed.extras))}]")
"""


def test_locks_name_the_extras_that_are_asked_for(environment, default_project):
    """An older pip (23.2) takes `a==1` for no answer to `a[b]`, once there is an a 2."""
    folders = {environment / "bin/python": default_project, sys.executable: ROOT}
    for python, folder in folders.items():
        lock = (folder / "requirements-dev.txt").read_text("utf-8")
        needed = run([python, "-c", EXTRAS], ROOT).stdout.split()
        assert needed
        assert [name for name in needed if f"\n{name}==" not in lock] == []


@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_development_lock_has_what_production_has(bake, database):
    project = bake(database=database)
    runtime, development = (
        set(re.findall(r"^\S+==\S+", (project / name).read_text("utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert runtime < development
    drivers = {"postgresql": "psycopg", "mariadb": "pymysql"}
    for owner, driver in drivers.items():
        assert any(line.startswith(driver) for line in runtime) == (owner == database)


def test_tests_run_with_the_versions_that_the_lock_names():
    lock = (ROOT / "requirements-dev.txt").read_text("utf-8")
    version = importlib.metadata.version("cookiecutter")
    assert f"cookiecutter=={version} " in lock
    assert sys.version_info >= (3, 11)
