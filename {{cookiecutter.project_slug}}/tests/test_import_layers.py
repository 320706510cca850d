"""Import layers: which part of the package may import which."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import PACKAGE

ROOT = Path(PACKAGE.__file__).parent
FILES = [file.relative_to(ROOT) for file in sorted(ROOT.rglob("*.py"))]

GROUND = {"settings", "database", "errors", "logs"}
LAYERS = {
    "settings": set(),
    "database": set(),
    "errors": set(),
    "headers": set(),
    "logs": set(),
    "api": {"errors", "settings"},
    "emails": {"database", "logs", "settings"},
    "security": {"api", *GROUND},
}

# Every other part is a feature: none of them imports another, or the app.
FEATURE = {"api", "emails", "security", *GROUND}


def read_imports(source, file):
    """Yield what a file imports. What is ours begins with a dot, from the root on."""
    folder = ["", *file.parent.parts]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = folder[: len(folder) + 1 - level] if level else []
                path = [*above, *filter(None, [module])]
                yield from (".".join([*path, alias.name]) for alias in names)
            case ast.Attribute(value=ast.Name(id="flask_security"), attr=attr):
                yield f"flask_security.{attr}"


IMPORTS = {
    file: [*read_imports((ROOT / file).read_text("utf-8"), file)] for file in FILES
}


def get_part(file):
    return file.parts[0].removesuffix(".py")


def files_that_import(*names):
    starts = tuple(f"{name}." for name in names)
    return {
        file.as_posix()
        for file, imports in IMPORTS.items()
        if any(f"{name}.".startswith(starts) for name in imports)
    }


@pytest.mark.parametrize(
    ("file", "source", "imports"),
    [
        ("health.py", "from .database import db", [".database.db"]),
        ("notes/views.py", "from ..api import Blueprint", [".api.Blueprint"]),
        ("notes/views.py", "from .models import Note", [".notes.models.Note"]),
        ("notes/__init__.py", "from .. import api", [".api"]),
        ("notes/__init__.py", "from . import views", [".notes.views"]),
        ("notes/views.py", "def f():\n import a.b, c", ["a.b", "c"]),
        ("notes/views.py", "from flask import abort", ["flask.abort"]),
        ("notes/views.py", "flask_security.core", ["flask_security.core"]),
    ],
)
def test_every_way_to_import_is_read(file, source, imports):
    assert [*read_imports(source, Path(file))] == imports


@pytest.mark.parametrize("part", sorted({*map(get_part, FILES)} - {"__init__"}))
def test_part_imports_lower_layers_only(part):
    names = [n for file in FILES if get_part(file) == part for n in IMPORTS[file]]
    imported = {name.split(".")[1] for name in names if name.startswith(".")}
    assert imported - {part} <= LAYERS.get(part, FEATURE)


def test_every_layer_exists():
    assert LAYERS.keys() - {*map(get_part, FILES)} <= {"emails"}


def test_nothing_imports_the_package_by_its_name():
    assert not files_that_import(PACKAGE.__name__)


def test_only_security_imports_the_library():
    files = files_that_import("flask_security")
    assert {file.split("/")[0] for file in files} == {"security"}


def test_only_one_module_imports_the_inside_of_the_library():
    imported = {name for names in IMPORTS.values() for name in names}
    names = {n.split(".")[1] for n in imported if n.startswith("flask_security.")}
    inside = [f"flask_security.{n}" for n in names if find_spec(f"flask_security.{n}")]
    assert files_that_import(*inside) == {"security/library.py"}


@pytest.mark.parametrize("name", ["flask_principal", "flask_mailman", "flask_login"])
def test_library_of_the_library_is_imported_nowhere(name):
    assert not files_that_import(name)
