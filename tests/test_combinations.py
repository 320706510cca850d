"""Every combination of the closed options, and every Python that is at hand."""

import itertools
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import QUESTIONS, run
from test_file_tree import ALWAYS, DOCKER, GITHUB, GITLAB, tree

CHOICES = {
    name: values
    for name, values in QUESTIONS.items()
    if name[0] != "_" and isinstance(values, list)
} | {"use_docker": [True, False]}
CI = {"github": GITHUB, "gitlab": GITLAB, "none": set()}


@pytest.mark.full
@pytest.mark.parametrize("license", CHOICES["license"])
@pytest.mark.parametrize("database", CHOICES["database"])
def test_every_combination_bakes(bake, license, database):
    others = {name: CHOICES[name] for name in ("password_hash", "ci_provider", "use_docker")}
    assert CHOICES.keys() == {*others, "license", "database"}
    for values in itertools.product(*others.values()):
        answers = dict(zip(others, values, strict=True))
        project = bake(license=license, database=database, **answers)
        docker = DOCKER if answers["use_docker"] else set()
        assert tree(project) == ALWAYS | docker | CI[answers["ci_provider"]]
        tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
        for path in [*project.rglob("*.yml"), *project.rglob("*.yaml"), *project.glob(".*.yml")]:
            yaml.safe_load(path.read_text("utf-8"))


def pythons():
    """Return the Pythons on this machine: in the PATH, or kept by pyenv."""
    folders = [os.environ["PATH"], *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        found = (shutil.which(name, path=folder) for folder in folders)
        yield from itertools.islice(filter(starts, found), 1)


def starts(python):
    return python and not subprocess.run([python, "--version"], capture_output=True).returncode


@pytest.mark.full
@pytest.mark.parametrize("python", list(pythons()), ids=os.path.basename)
def test_project_passes_its_own_tests_on_each_python(bake, python):
    done = run(["make", "check", "test", f"PYTHON={python}"], bake())
    assert "Total coverage: 100.00%" in done.stdout
