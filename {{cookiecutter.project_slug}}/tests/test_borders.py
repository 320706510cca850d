"""Which part may know which."""

import ast
from functools import cache

import pytest
from conftest import PACKAGE as OURS

PACKAGE = OURS.__name__


@cache
def imports(path):
    """Return what a file imports: modules by their names, our own with dots."""
    return list(imported(path))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)


def files_that_import(folder, name):
    paths = folder.rglob("*.py")
    return {p for p in paths if any(f".{name}." in f".{i}." for i in imports(p))}


def test_only_security_knows_the_library(project):
    found = files_that_import(project / PACKAGE, "flask_security")
    assert {path.parent.name for path in found} == {"security"}


@pytest.mark.parametrize(
    "part", ["..dummy", "..errors", "..health", "..notes", "..pages"]
)
def test_security_does_not_know_the_resources(project, part):
    found = files_that_import(project / PACKAGE / "security", part)
    assert not found - files_that_import(project / PACKAGE / "security", "problem")


def test_nothing_imports_the_app(project):
    assert not files_that_import(project / PACKAGE, "create_app")
    assert not files_that_import(project / PACKAGE, PACKAGE)
