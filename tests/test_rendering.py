"""What rendering does, and leaves as it is; test_combinations.py has what is always true."""

import sys
from fnmatch import fnmatch

import pytest
from conftest import QUESTIONS, ROOT, run

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"


def test_python_of_the_template_is_clean_too():
    run(["make", "check"], ROOT)


def test_expressions_of_github_are_intact(default_project):
    workflow = (default_project / ".github/workflows/ci.yml").read_text("utf-8")
    assert "${{ matrix.python }}" in workflow
    assert workflow == (TEMPLATE / ".github/workflows/ci.yml").read_text("utf-8")


def test_project_without_hooks_is_whole(cookies, installed, tmp_path):
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


def test_template_python_carries_answers_only_as_values():
    carried = {
        path.relative_to(TEMPLATE).as_posix()
        for path in TEMPLATE.rglob("*.py")
        if "cookiecutter." in path.read_text("utf-8")
    }
    package = "{{cookiecutter.__package}}"
    assert carried == {f"{package}/security/settings.py", "tests/conftest.py"}


def test_what_is_copied_unrendered_carries_no_answer():
    files = [path for path in TEMPLATE.rglob("*") if path.is_file()]
    copied = [
        path
        for path in files
        for pattern in QUESTIONS["_copy_without_render"]
        if fnmatch(path.relative_to(TEMPLATE).as_posix(), pattern)
    ]
    assert len(copied) > len(files) / 2
    assert not [path for path in copied if b"cookiecutter." in path.read_bytes()]
