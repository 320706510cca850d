"""A generated project passes its own tests, with each option that changes its code."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import QUESTIONS, ROOT, run
from test_answers import pre_gen

# Lines of Python without blank lines, comments and docstrings.
MAX_LINES_OF_CORE = 1700
MAX_LINES_OF_A_FEATURE = 400
MAX_LINES_OF_A_MODULE = 160

# The parts of the core that are folders. All other folders are features.
CORE_FOLDERS = {"checks", "security", "settings"}


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
def test_new_project_passes_make_check(bake, installed, slug):
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


def test_old_python_is_refused_with_the_needed_version(bake, tmp_path):
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


def test_core_can_be_read_in_an_hour(bake):
    package = bake(features="core") / "token_auth_api"
    sizes = count_lines_of_modules(package)
    assert sum(size for path, size in sizes.items() if path.parts[0] != "checks") <= (
        MAX_LINES_OF_CORE
    )
    assert max(sizes.values()) <= MAX_LINES_OF_A_MODULE


def test_each_feature_is_short(default_project):
    package = default_project / "token_auth_api"
    sizes = count_lines_of_modules(package)
    features = Counter()
    for path, size in sizes.items():
        if len(path.parts) > 1 and path.parts[0] not in CORE_FOLDERS:
            features[path.parts[0]] += size
    assert features.keys() == {
        *("accounts", "basic_auth", "breached_passwords", "copy_data", "dummy"),
        *("emails", "import_users", "notes", "pages"),
    }
    assert max(features.values()) <= MAX_LINES_OF_A_FEATURE
    assert max(sizes.values()) <= MAX_LINES_OF_A_MODULE


def count_lines_of_modules(package: Path) -> dict[Path, int]:
    return {path.relative_to(package): count_lines(path) for path in package.rglob("*.py")}


def count_lines(path: Path) -> int:
    """Count lines as cloc does: without blank lines, comments and docstrings."""
    text = path.read_text("utf-8")
    code = {n for n, line in enumerate(text.splitlines(), 1) if re.match(r"\s*[^\s#]", line)}
    definitions = (ast.Module, ast.ClassDef, ast.FunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, definitions) and ast.get_docstring(node):
            code -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(code)


def test_no_python_file_has_a_condition_of_the_template():
    template = ROOT / "{{cookiecutter.project_slug}}"
    for path in template.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "{%" not in text
        ast.parse(text)


def test_no_project_can_have_the_name_of_a_locked_module(environment):
    script = "import importlib.metadata as m, json; print(json.dumps(m.packages_distributions()))"
    printed = run([environment / "bin/python", "-c", script], ROOT).stdout
    # These are in every virtual environment, and bring modules that the project never imports.
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


# Prints what each installed library requires with an extra: name[extra].
EXTRAS = """
import importlib.metadata, re
from packaging.requirements import Requirement
for distribution in importlib.metadata.distributions():
    for needed in map(Requirement, distribution.requires or []):
        if needed.extras and (not needed.marker or needed.marker.evaluate({"extra": ""})):
            name = re.sub("[-_.]+", "-", needed.name).lower()
            print(f"{name}[{','.join(sorted(needed.extras))}]")
"""


def test_locks_name_the_extras_that_libraries_require(environment, default_project):
    """An older pip (23.2) does not accept `a==1` for `a[b]` when there is an a 2."""
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


def test_these_tests_run_with_the_locked_cookiecutter():

    lock = (ROOT / "requirements-dev.txt").read_text("utf-8")
    version = importlib.metadata.version("cookiecutter")
    assert f"cookiecutter=={version} " in lock
    assert sys.version_info >= (3, 11)
