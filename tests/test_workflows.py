"""The workflows of this repository and of the projects are valid and safe, and run make."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, run

TOOLS = Path(sys.executable).parent
GENERATED = ROOT / "{{cookiecutter.project_slug}}"
WORKFLOWS = [
    *sorted((ROOT / ".github/workflows").iterdir()),
    *sorted((GENERATED / ".github/workflows").iterdir()),
]
COMMANDS = ["make check", "make test"]


def find_unsafe(workflow):
    """Return the findings of zizmor, or an empty text."""
    command = [TOOLS / "zizmor", "--offline", "--quiet", "--format", "plain", workflow]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout if done.returncode else ""


def read_commands(workflow):
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_valid_and_safe(workflow):
    schema = ["--builtin-schema", "vendor.github-workflows"]
    run([TOOLS / "check-jsonschema", *schema, workflow], ROOT)
    assert find_unsafe(workflow) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_can_only_read_and_pins_its_actions_with_their_versions(workflow):
    text = workflow.read_text("utf-8")
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
    pins = re.findall(r"uses: (.*)", text)
    assert pins
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", pin) for pin in pins)


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (r"@[0-9a-f]{40} #", "@v6 #", "unpinned-uses"),
        (r"persist-credentials: false", "fetch-depth: 1", "artipacked"),
        (r"make check", "echo ${{ github.head_ref }}", "template-injection"),
    ],
)
def test_unsafe_workflow_is_found(tmp_path, old, new, rule):
    text = (GENERATED / ".github/workflows/ci.yml").read_text("utf-8")
    unsafe = tmp_path / ".github/workflows/ci.yml"
    unsafe.parent.mkdir(parents=True)
    unsafe.write_text(re.sub(old, new, text), "utf-8")
    assert rule in find_unsafe(unsafe)


def test_project_on_github_runs_make_check_and_make_test(bake):
    assert read_commands(bake(ci_provider="github") / ".github/workflows/ci.yml") == COMMANDS


def test_project_on_gitlab_runs_make_check_and_make_test(bake):
    file = bake(ci_provider="gitlab") / ".gitlab-ci.yml"
    (job,) = yaml.safe_load(file.read_text("utf-8")).values()
    assert job["script"] == COMMANDS


def test_our_workflow_runs_ci_run():
    assert read_commands(ROOT / ".github/workflows/ci.yml") == [".ci/run"]


def test_workflows_run_every_python_that_a_project_supports(default_project):
    project = tomllib.loads((default_project / "pyproject.toml").read_text("utf-8"))["project"]
    supported = [line.rpartition(" ")[2] for line in project["classifiers"]]
    first, last = supported[0], supported[-1]
    assert project["requires-python"] == f">={first}"
    assert read_pythons(ROOT / ".github/workflows/ci.yml") == supported
    assert read_pythons(default_project / ".github/workflows/ci.yml") == [first, last]


def read_pythons(workflow):

    (job,) = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return job["strategy"]["matrix"]["python"]
