"""One command checks, writes and tags a release, or changes nothing."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, commit_all, copy_this_version, run

SPEC = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
release = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(release)

ENTRY = "\n## Unreleased\n\n### Added\n\n- A new feature.\n"


@pytest.fixture
def clone(git, tmp_path):
    """Return a clone of this repository, as it is on the disk, with the tools of make check."""
    folder = copy_this_version(tmp_path / "clone")
    tools = folder / ".venv/bin"
    tools.mkdir(parents=True)
    for name in ("python", "ruff"):
        (tools / name).symlink_to(Path(sys.executable).with_name(name))
    for name in (".installed", ".installed-dev"):
        (folder / ".venv" / name).touch()
    changelog = folder / "CHANGELOG.md"
    text = changelog.read_text("utf-8").replace("\n## Unreleased\n", ENTRY, 1)
    changelog.write_text(text, "utf-8")
    commit_all(git, folder)
    return folder


def make_release(clone, version):
    return subprocess.run(
        ["make", "release", f"VERSION={version}"], cwd=clone, capture_output=True, text=True
    )


def test_release_is_written_and_tagged_and_the_next_version_begins(git, clone):
    done = make_release(clone, "99.0.0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(clone, "tag") == "v99.0.0"
    assert "- A new feature." in git(clone, "tag", "--list", "-n99", "v99.0.0")
    changelog = git(clone, "show", "v99.0.0:CHANGELOG.md")
    assert "## Unreleased\n\n## 99.0.0 - 20" in changelog
    for name in release.VERSION_PATTERNS:
        assert "99.0.0" in git(clone, "show", f"v99.0.0:{name}")
        assert "99.0.1.dev0" in (clone / name).read_text("utf-8")
    assert git(clone, "status", "--porcelain") == ""
    assert make_release(clone, "99.0.0").returncode == 2


def test_project_of_a_release_names_the_release(git, clone, tmp_path):
    make_release(clone, "99.0.0")
    words = ["--no-input", "--checkout", "v99.0.0", "--output-dir", tmp_path, f"git+file://{clone}"]
    run([sys.executable, "-m", "cookiecutter", *words], tmp_path)
    readme = (tmp_path / "token-auth-api/README.md").read_text("utf-8")
    assert "made with cookiecutter-flask-token-auth 99.0.0." in readme


def test_last_release_is_found_by_its_tag_or_in_the_changelog(git, clone):
    (clone / "CHANGELOG.md").write_text(ENTRY, "utf-8")
    commit_all(git, clone)
    assert release.find_last_release(clone) is None
    make_release(clone, "99.0.0")
    tagged = git(clone, "rev-parse", "v99.0.0^{commit}")
    assert release.find_last_release(clone) == tagged
    git(clone, "tag", "--delete", "v99.0.0")
    assert release.find_last_release(clone) == tagged


def write(name, text):
    def write(git, clone):
        (clone / name).write_text(text, "utf-8")
        commit_all(git, clone)

    return write


# For each reason to refuse: the version, a change of the clone, and a part of the message.
REFUSED = {
    "no version": ("1.0", None, "must be three numbers, such as 0.2.0, not '1.0'."),
    "not above": (
        "98.0.0",
        write("CHANGELOG.md", f"{ENTRY}\n## 98.0.0 - 2026-01-01\n"),
        "98.0.0 is not above",
    ),
    "tag": ("99.0.0", lambda git, clone: git(clone, "tag", "v99.0.0"), "There is a tag v99.0.0"),
    "no entry": ("99.0.0", write("CHANGELOG.md", "\n## Unreleased\n"), "no entry"),
    "branch": ("99.0.0", lambda git, clone: git(clone, "switch", "-c", "b"), "the branch 'b'"),
    "not committed": (
        "99.0.0",
        lambda git, clone: (clone / "new.txt").touch(),
        "changes that are not committed",
    ),
    "check": ("99.0.0", write("scripts/lock.py", "import os\n"), "make check fails"),
}


@pytest.mark.parametrize(("version", "change", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused_release_changes_nothing(git, clone, version, change, reason):
    if change:
        change(git, clone)

    before = git(clone, "rev-parse", "HEAD"), git(clone, "tag")
    done = make_release(clone, version)
    assert done.returncode == 2
    assert "Nothing was released." in done.stderr
    assert reason in done.stderr
    assert (git(clone, "rev-parse", "HEAD"), git(clone, "tag")) == before
