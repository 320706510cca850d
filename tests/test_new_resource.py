"""A resource that is copied from the notes, as the generated docs/resources.md says, works."""

import re

import pytest
from conftest import run
from test_readme import find_blocks


def find_added_lines(page):
    """Return each line that the page adds to a file: the line before it, and both."""
    for diff in find_blocks(page, "diff"):
        before, added = re.findall(r"^[ +](.*)", diff, re.MULTILINE)[:2]
        yield f"{before}\n", f"{before}\n{added}\n"


@pytest.mark.deep
def test_copied_resource_works_with_two_lines(bake, installed):
    project = installed(bake())
    page = (project / "docs/resources.md").read_text("utf-8")
    run([".venv/bin/python", "first_run.py"], project)
    run([".venv/bin/flask", "db", "upgrade"], project)
    run(["git", "init", "--quiet"], project)
    copy, migrate, test = find_blocks(page, "sh")
    before = read_committed(project)

    run(["bash", "-euc", copy], project)
    factory = project / "token_auth_api/__init__.py"
    text = factory.read_text("utf-8")
    lines = list(find_added_lines(page))
    assert len(lines) == 2
    for old, new in lines:
        assert text.count(old) == 1
        text = text.replace(old, new)
    factory.write_text(text, "utf-8")
    run(["bash", "-euc", migrate], project)

    after = read_committed(project)
    assert [name for name in before if after[name] != before[name]] == [
        "token_auth_api/__init__.py"
    ]
    copied = [name.replace("/notes/", "/tasks/") for name in before if "/notes/" in name]
    added = {name for name in after if name not in before}
    assert added == {*copied, "migrations/versions/0004_tasks.py"}
    assert "tests/tasks/test_views.py" in added
    assert not [name for name in added if "note" in after[name].lower()]
    # The table and its index: MariaDB keeps the steps of a migration before it failed.
    assert after["migrations/versions/0004_tasks.py"].count("if_not_exists=True") == 2
    assert "Total coverage: 100.00%" in run(["bash", "-euc", test], project).stdout
    collected = run([".venv/bin/python", "-m", "pytest", "--co", "-q", "--no-cov"], project).stdout
    assert "tests/tasks/test_views.py::test_note_of_another_user_is_not_there" not in collected
    assert "tests/tasks/test_views.py::test_task_of_another_user_is_not_there" in collected


def read_committed(project):
    """Return the content of each file that git does not ignore, by its name."""

    names = run(["git", "ls-files", "--others", "--cached", "--exclude-standard"], project)
    return {name: (project / name).read_text("utf-8") for name in names.stdout.splitlines()}
