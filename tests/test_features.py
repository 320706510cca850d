"""A feature is removed as docs/features.md of the project says, and what is left works.

Its commands are typed as they stand there. What they leave is what `features=core` gives.
"""

import re

import pytest
from baking import read
from conftest import run

# Each list is removed in its order: accounts use emails.
REMOVALS = [
    ["Accounts"],
    ["Accounts", "Emails"],
    ["Breached passwords", "HTTP Basic"],
    ["Copy data"],
    ["Backup"],
    ["Import users"],
    ["Notes"],
    ["Pages"],
]
LEFT_OUT_BY_CORE = [
    *("Accounts", "Backup", "Breached passwords", "Copy data"),
    *("Emails", "HTTP Basic", "Import users"),
]
REMOVALS.append([*LEFT_OUT_BY_CORE, "Notes", "Pages"])


def sections(page):
    """Return the sections that say how to remove a feature, by the feature's name."""
    removing = page.partition("\n## Remove a feature\n")[2]
    parts = re.split(r"^### (.+)$", removing, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def remove(project, features):
    page = (project / "docs/features.md").read_text("utf-8")
    for feature in features:
        (commands,) = re.findall(r"^```sh\n(.*?)^```", sections(page)[feature], re.S | re.M)
        run(["bash", "-euc", commands], project)


def test_every_feature_that_can_be_removed_is_tried(default_project):
    page = (default_project / "docs/features.md").read_text("utf-8")
    tried = {feature for features in REMOVALS for feature in features}
    assert sections(page).keys() == tried | {"Dummy"}


def test_core_is_what_is_left_when_its_features_are_removed_by_hand(bake):
    by_hand = bake()
    remove(by_hand, LEFT_OUT_BY_CORE)
    assert read(by_hand) == read(bake(features="core"))


def test_core_is_a_subset_of_full(bake, default_project):
    core, full = read(bake(features="core")), read(default_project)
    assert core.keys() < full.keys()
    changed = {name for name in core if core[name] != full[name]}
    assert changed == {
        *("README.md", "docs/security.md"),
        *("pyproject.toml", "token_auth_api/__init__.py"),
    }
    for name in changed:
        lines = full[name].splitlines()
        assert [line for line in lines if line in core[name].splitlines()] == (
            core[name].splitlines()
        )


@pytest.mark.deep
def test_core_passes_its_own_checks(bake, installed):
    done = run(["make", "check", "test"], installed(bake(features="core")))
    assert "Total coverage: 100.00%" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("features", REMOVALS, ids=", ".join)
def test_what_is_left_passes_its_own_checks(bake, installed, features):
    project = bake()
    remove(project, features)
    # Installed afterwards: the last removal takes a library out of the lock.
    done = run(["make", "check", "test"], installed(project))
    assert "Total coverage: 100.00%" in done.stdout
    assert not list(project.rglob("*.old"))
