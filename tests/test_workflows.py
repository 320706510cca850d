"""The workflows, ours and those of the projects: safe, valid, and they run what make runs."""

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
OF_BOTH = ["make check", "make test"]


def findings(workflow):
    """Return what zizmor says: nothing if it finds nothing."""
    command = [TOOLS / "zizmor", "--offline", "--quiet", "--format", "plain", workflow]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout if done.returncode else ""


def commands(workflow):
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_valid_and_safe(workflow):
    schema = ["--builtin-schema", "vendor.github-workflows"]
    run([TOOLS / "check-jsonschema", *schema, workflow], ROOT)
    assert findings(workflow) == ""


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_may_only_read_and_names_the_versions_that_it_pins(workflow):
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
    assert rule in findings(unsafe)


def test_project_on_github_runs_what_make_runs(bake):
    assert commands(bake(ci_provider="github") / ".github/workflows/ci.yml") == OF_BOTH


def test_project_on_gitlab_runs_what_make_runs(bake):
    file = bake(ci_provider="gitlab") / ".gitlab-ci.yml"
    (job,) = yaml.safe_load(file.read_text("utf-8")).values()
    assert job["script"] == OF_BOTH


def test_our_workflow_runs_what_ci_runs():
    assert commands(ROOT / ".github/workflows/ci.yml") == [".ci/run"]


def test_workflows_run_the_pythons_that_a_project_is_for(default_project):
    project = tomllib.loads((default_project / "pyproject.toml").read_text("utf-8"))["project"]
    named = [line.rpartition(" ")[2] for line in project["classifiers"]]
    assert project["requires-python"] == f">={named[0]}"
    assert pythons_of(ROOT / ".github/workflows/ci.yml") == named
    assert pythons_of(default_project / ".github/workflows/ci.yml") == [named[0], named[-1]]


def pythons_of(workflow):
    (job,) = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return job["strategy"]["matrix"]["python"]
