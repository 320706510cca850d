"""A project that was made by the last release takes what is new, and keeps what is its own.

Before the first release there is none to start from: then it is this version. So that
there always is an update, a few changes come on top of this version, as a next would have.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest
from baking import read
from conftest import ROOT, commit_all, copy_of_this_version, run
from test_release import release

PROJECT = "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.__package}}"
BIN = os.path.dirname(sys.executable)

# What a next version would do: change lines, add a file, remove one.
NEXT = {
    f"{PROJECT}/README.md": ("You need Python 3.11 or newer, and make.", "You need make."),
    f"{PROJECT}/{PACKAGE}/dummy/__init__.py": ('"""', '"""Newer. '),
    f"{PROJECT}/docs/newer.md": ("", "# What is newer\n"),
    f"{PROJECT}/.gitattributes": None,
}

# What its owner does: files, and lines in the template's files.
MINE = {
    "token_auth_api/mine.py": '"""Mine."""\n\nANSWER = 42\n',
    "tests/test_mine.py": """from token_auth_api.mine import ANSWER


def test_answer_is_mine():
    assert ANSWER == 42
""",
}
MY_LINES = {
    "token_auth_api/dummy/views.py": ("\nfrom flask ", "\n# Mine: it has two items.\nfrom flask "),
    "README.md": ("\n## Run it", "\nMine.\n\n## Run it"),
    "pyproject.toml": ("\n[tool.mypy]", "\n[tool.mine]\nanswer = 42\n\n[tool.mypy]"),
}


@pytest.fixture
def template(git, tmp_path):
    """Return a repository of the template: the last release, of which a project is made."""
    folder = tmp_path / "template"
    if released := release.last_release():
        archive = tmp_path / "release.tar"
        git(ROOT, "archive", "--output", archive, released)
        shutil.unpack_archive(archive, folder, filter="data")
    else:
        copy_of_this_version(folder)
    commit_all(git, folder, "The last release")
    return folder


def publish_next(git, template):
    """Commit this version to the template, with the changes of a next one."""
    git(template, "rm", "-r", "--quiet", ".")
    copy_of_this_version(template)
    for name, change in NEXT.items():
        path = template / name
        if change is None:
            path.unlink()
        else:
            text = path.read_text("utf-8") if path.exists() else ""
            assert change[0] in text
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace(*change, 1) if text else change[1], "utf-8")
    commit_all(git, template, "The next version")


def add_my_lines(name, text):
    old, new = MY_LINES[name]
    assert old in text
    return text.replace(old, new, 1)


def work_on(git, project):
    """Do what its owner does, and remove a file; the secrets are in .env."""
    for name, text in MINE.items():
        (project / name).write_text(text, "utf-8")
    for name in MY_LINES:
        path = project / name
        path.write_text(add_my_lines(name, path.read_text("utf-8")), "utf-8")
    (project / "compose.yaml").unlink()
    commit_all(git, project, "My work")
    env = project / ".env"
    env.write_text("FLASK_SECRET_KEY=mine\n")
    env.chmod(0o600)


def assert_updated(project, newest):
    """All is as the next version makes it, but for what is the owner's."""
    expected = {name: text.decode() for name, text in read(newest).items()}
    expected |= {name: add_my_lines(name, expected[name]) for name in MY_LINES}
    expected |= {**MINE, ".env": "FLASK_SECRET_KEY=mine\n"}
    del expected["compose.yaml"]
    updated = {
        name: text.decode()
        for name, text in read(project).items()
        if not name.startswith((".git/", ".cruft.json"))
    }
    assert updated == expected
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    assert "docs/newer.md" in updated
    assert ".gitattributes" not in updated


def make_newest(template, folder):
    """Make a project with the newest version of the template."""
    words = ["--no-input", "--output-dir", folder, template]
    run([sys.executable, "-m", "cookiecutter", *words], template)
    return folder / "token-auth-api"


def commands(project):
    """Return what the README says to type: with cruft, and without."""
    readme = (project / "README.md").read_text("utf-8")
    return re.findall(r"^```shell\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)


@pytest.mark.full
def test_cruft_merges_the_next_version_with_my_work(git, template, installed, tmp_path):
    cruft = f"{BIN}/cruft"
    run([cruft, "create", "--no-input", "--output-dir", tmp_path, template], tmp_path)
    project = tmp_path / "token-auth-api"
    commit_all(git, project, "As it was made")
    work_on(git, project)
    assert run([cruft, "check"], project)
    publish_next(git, template)
    assert subprocess.run([cruft, "check"], cwd=project, capture_output=True).returncode == 1

    with_cruft, _ = commands(project)
    path = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    run(["bash", "-euc", with_cruft], project, env=path)
    assert not list(project.rglob("*.rej"))
    assert_updated(project, make_newest(template, tmp_path / "newest"))
    assert run([cruft, "check"], project)
    made_by = json.loads((project / ".cruft.json").read_text("utf-8"))["commit"]
    assert made_by == git(template, "rev-parse", "HEAD")
    run(["make", "check", "test"], installed(project))


def test_project_that_cookiecutter_made_can_follow_too(git, template, tmp_path):
    project = make_newest(template, tmp_path)
    run([f"{BIN}/cruft", "link", "--no-input", template], project)
    commit_all(git, project, "Follow the template")
    publish_next(git, template)
    run([f"{BIN}/cruft", "update", "--skip-apply-ask"], project)
    newest = read(make_newest(template, tmp_path / "newest"))
    updated = {name: text for name, text in read(project).items() if ".git/" not in name}
    assert updated.keys() - {".cruft.json"} == newest.keys()


def test_update_without_cruft_merges_too(git, template, tmp_path):
    project = make_newest(template, tmp_path)
    commit_all(git, project, "As it was made")
    first = git(project, "rev-parse", "HEAD")
    work_on(git, project)
    publish_next(git, template)

    script = commands(project)[1].replace("FIRST", first)
    script = script.replace("cookiecutter ", f"{BIN}/cookiecutter --no-input ")
    run(["bash", "-euc", script.replace("TEMPLATE", str(template))], project)
    assert_updated(project, make_newest(template, tmp_path / "newest"))
    assert git(project, "status", "--porcelain") == ""


def test_project_says_which_version_made_it(default_project):
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    readme = (default_project / "README.md").read_text("utf-8")
    assert f"was made with cookiecutter-flask-token-auth {version}." in readme
