"""What is true of every file, before and after rendering."""

import re
import sys
import tomllib

import pytest
import yaml
from conftest import QUESTIONS, ROOT, run

RUFF = [sys.executable, "-m", "ruff"]
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"

COMBINATIONS = {
    "default": {},
    "postgresql": {"database": "postgresql", "ci_provider": "gitlab", "license": "Apache-2.0"},
    "mariadb": {"database": "mariadb", "ci_provider": "none", "license": "GPL-3.0-or-later"},
    "least": {"use_docker": False, "ci_provider": "none", "license": "Proprietary"},
    "postgresql without Docker": {"database": "postgresql", "use_docker": False},
    "short slug": {"project_slug": "a", "password_hash": "bcrypt"},
    "late slug": {"project_slug": "zzz", "password_hash": "pbkdf2_sha512"},
    "long slug": {"project_slug": "a-very-long-name-for-a-small-api-that-says-it-all2"},
}


@pytest.fixture(params=COMBINATIONS.values(), ids=COMBINATIONS)
def project(request, bake):
    return bake(**request.param)


def files(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_no_jinja_is_left(project):
    left = re.compile(r"{%|{#|cookiecutter[.\[]|(?<!\$){{")
    assert not [path for path in files(project) if left.search(path.read_text("utf-8"))]


def test_python_is_clean_as_it_was_rendered(project):
    run([*RUFF, "check", "--no-cache", "."], project)
    run([*RUFF, "format", "--no-cache", "--check", "."], project)


def test_python_of_the_template_is_clean_too():
    run(["make", "check"], ROOT)


def test_data_files_parse(project):
    tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    documents = [*project.rglob("*.yaml"), *project.rglob("*.yml"), *project.glob(".*.yml")]
    assert all(isinstance(yaml.safe_load(path.read_text("utf-8")), dict) for path in documents)


def test_lines_end_as_they_should(project):
    for path in files(project):
        text = path.read_bytes()
        assert b"\r" not in text, path
        assert text.endswith(b"\n"), path
        assert not text.endswith(b"\n\n"), path
        assert not re.search(rb"[ \t]\n", text) or path.suffix == ".md", path
        assert not text.startswith(b"\n"), path


def test_blank_lines_do_not_pile_up(project):
    for path in files(project):
        if path.name != "LICENSE" and path.suffix not in (".py", ".mako"):
            assert "\n\n\n" not in path.read_text("utf-8"), path


def test_names_are_legal_on_windows(project):
    for path in project.rglob("*"):
        assert not re.search(r'[<>:"|?*\\]|[. ]$', path.name), path


def test_expressions_of_github_are_intact(default_project):
    workflow = (default_project / ".github/workflows/ci.yml").read_text("utf-8")
    assert "${{ matrix.python }}" in workflow
    assert workflow == (TEMPLATE / ".github/workflows/ci.yml").read_text("utf-8")


def test_same_answers_give_the_same_bytes(bake, default_project):
    again = bake()
    assert [path.read_bytes() for path in files(again)] == [
        path.read_bytes() for path in files(default_project)
    ]


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
    assert carried == {
        f"{package}/security/settings.py",
        "tests/conftest.py",
        "tests/test_borders.py",
        "tests/test_first_run.py",
        "tests/test_roles.py",
    }
