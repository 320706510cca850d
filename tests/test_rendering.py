"""Rendering, where test_combinations.py does not test it for every project."""

import sys
from fnmatch import fnmatch

import pytest
from conftest import QUESTIONS, ROOT, run

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"


def test_python_of_the_template_passes_make_check():
    run(["make", "check"], ROOT)


def test_expressions_of_github_are_unchanged(default_project):
    workflow = (default_project / ".github/workflows/ci.yml").read_text("utf-8")
    assert "${{ matrix.python }}" in workflow
    assert workflow == (TEMPLATE / ".github/workflows/ci.yml").read_text("utf-8")


def test_project_without_hooks_is_complete(installed, tmp_path):
    command = ["--no-input", "--accept-hooks", "no", "--output-dir", tmp_path, ROOT]
    run([sys.executable, "-m", "cookiecutter", *command], tmp_path)
    project = installed(tmp_path / "token-auth-api")
    assert (project / "Dockerfile").exists()
    assert (project / ".gitlab-ci.yml").exists()
    run(["make", "check"], project)


@pytest.mark.parametrize("license", QUESTIONS["license"])
def test_license_is_the_one_that_was_chosen(bake, license):
    first_words = {
        "MIT": "MIT License",
        "BSD-3-Clause": "BSD 3-Clause License",
        "Apache-2.0": "Apache License",
        "GPL-3.0-or-later": "GNU GENERAL PUBLIC LICENSE",
        "Proprietary": "Copyright (c) Ada. All rights reserved.",
    }
    text = (bake(license=license, author_name="Ada") / "LICENSE").read_text("utf-8")
    assert text.lstrip().startswith(first_words[license])


def test_only_two_python_files_contain_answers():
    with_answers = {
        path.relative_to(TEMPLATE).as_posix()
        for path in TEMPLATE.rglob("*.py")
        if "cookiecutter." in path.read_text("utf-8")
    }
    package = "{{cookiecutter.__package}}"
    assert with_answers == {f"{package}/security/settings.py", "tests/conftest.py"}


def test_files_that_are_copied_contain_no_answer():
    files = [path for path in TEMPLATE.rglob("*") if path.is_file()]
    copied = [path for path in files if is_copied(path)]
    assert len(copied) > len(files) / 2
    assert not [path for path in copied if b"cookiecutter." in path.read_bytes()]


def test_python_without_answers_is_copied():
    python = [path for path in TEMPLATE.rglob("*.py") if not is_copied(path)]
    assert not [path for path in python if b"cookiecutter." not in path.read_bytes()]


def is_copied(path):
    """Return whether cookiecutter copies a file of the template without rendering it."""
    name = path.relative_to(TEMPLATE).as_posix()
    return any(fnmatch(name, pattern) for pattern in QUESTIONS["_copy_without_render"])
