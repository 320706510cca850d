"""A project of the last release gets what is new, and keeps the changes of its owner.

Before the first release, the project is made by this version. A few changes are added to
this version, so that there is always an update.
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
from conftest import ROOT, commit_all, copy_this_version, run
from test_release import release

PROJECT = "{{cookiecutter.project_slug}}"
PACKAGE = "{{cookiecutter.__package}}"
BIN = os.path.dirname(sys.executable)

# The changes of the next version: two files with other lines, a new file, a removed file.
NEXT = {
    f"{PROJECT}/README.md": ("You need Python 3.11 or newer, and make.", "You need make."),
    f"{PROJECT}/{PACKAGE}/dummy/__init__.py": ('"""', '"""Newer. '),
    f"{PROJECT}/docs/newer.md": ("", "# What is newer\n"),
    f"{PROJECT}/.gitattributes": None,
}

# The changes of the owner: new files, and lines in the files of the template.
MY_FILES = {
    "token_auth_api/mine.py": '"""Mine."""\n\nANSWER = 42\n',
    "tests/test_mine.py": """from token_auth_api.mine import ANSWER


def test_answer_is_mine():
    assert ANSWER == 42
""",
}
MY_LINES = {
    "token_auth_api/dummy/views.py": ("\nfrom flask ", "\n# Mine.\nfrom flask "),
    "README.md": ("\n## Run it", "\nMine.\n\n## Run it"),
    "pyproject.toml": ("\n[tool.mypy]", "\n[tool.mine]\nanswer = 42\n\n[tool.mypy]"),
}


@pytest.fixture
def template(git, tmp_path):
    """Return a repository of the template, with the last release."""
    folder = tmp_path / "template"
    if released := release.find_last_release():
        archive = tmp_path / "release.tar"
        git(ROOT, "archive", "--output", archive, released)
        shutil.unpack_archive(archive, folder, filter="data")
    else:
        copy_this_version(folder)
    commit_all(git, folder, "The last release")
    return folder


def publish_next(git, template):
    """Commit the next version: this version with the changes of NEXT."""
    git(template, "rm", "-r", "--quiet", ".")
    copy_this_version(template)
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
    """Make the changes of the owner, remove a file, and write .env."""
    for name, text in MY_FILES.items():
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
    """Assert that the project is as the next version makes it, with the owner's changes."""
    expected = {name: text.decode() for name, text in read(newest).items()}
    expected |= {name: add_my_lines(name, expected[name]) for name in MY_LINES}
    expected |= {**MY_FILES, ".env": "FLASK_SECRET_KEY=mine\n"}
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
    """Generate a project with the newest version of the template."""
    options = ["--no-input", "--output-dir", folder, template]
    run([sys.executable, "-m", "cookiecutter", *options], template)
    return folder / "token-auth-api"


def read_commands(project):
    """Return the commands of the README: with cruft, and without."""
    readme = (project / "README.md").read_text("utf-8")
    return re.findall(r"^```shell\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)


@pytest.mark.full
def test_cruft_merges_the_next_version_with_my_work(git, template, installed, tmp_path):
    cruft = f"{BIN}/cruft"
    run([cruft, "create", "--no-input", "--output-dir", tmp_path, template], tmp_path)
    project = tmp_path / "token-auth-api"
    commit_all(git, project, "Start")
    work_on(git, project)
    assert run([cruft, "check"], project)
    publish_next(git, template)
    assert subprocess.run([cruft, "check"], cwd=project, capture_output=True).returncode == 1

    with_cruft, _ = read_commands(project)
    path = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    run(["bash", "-euc", with_cruft], project, env=path)
    assert not list(project.rglob("*.rej"))
    assert_updated(project, make_newest(template, tmp_path / "newest"))
    assert run([cruft, "check"], project)
    version = json.loads((project / ".cruft.json").read_text("utf-8"))["commit"]
    assert version == git(template, "rev-parse", "HEAD")
    run(["make", "check", "test"], installed(project))


def test_project_of_cookiecutter_can_be_updated_by_cruft(git, template, tmp_path):
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
    commit_all(git, project, "Start")
    first = git(project, "rev-parse", "HEAD")
    work_on(git, project)
    publish_next(git, template)

    script = read_commands(project)[1].replace("FIRST", first)
    script = script.replace("cookiecutter ", f"{BIN}/cookiecutter --no-input ")
    run(["bash", "-euc", script.replace("TEMPLATE", str(template))], project)
    assert_updated(project, make_newest(template, tmp_path / "newest"))
    assert git(project, "status", "--porcelain") == ""


def test_readme_of_a_project_names_the_version_that_made_it(default_project):

    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]
    readme = (default_project / "README.md").read_text("utf-8")
    assert f"was made with cookiecutter-flask-token-auth {version}." in readme
