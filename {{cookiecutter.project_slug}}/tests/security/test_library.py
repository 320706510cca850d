"""The library inside: every touch is in security/library.py, and works today."""

import ast
import re
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace

import flask_security
import pytest

from tests.conftest import PACKAGE

ROOT = Path(PACKAGE.__file__).parent
LINES = (ROOT / "security" / "library.py").read_text("utf-8").splitlines()

# library.a.b, app.extensions["security"].a.b, flask_security.a, and signals["a"].
TOUCH = re.compile(
    r"""\b(library|extensions\["security"\]|flask_security)\.(\w+(?:\.\w+)*)"""
    r"""|\b(signals)\["(\w+)"\]"""
)
NAMES = {'extensions["security"]': "library"}
TOUCHES = [
    (number, f"{NAMES.get(root, root)}.{path}")
    for number, line in enumerate(LINES, 1)
    for match in TOUCH.finditer(line)
    for root, path in [filter(None, match.groups())]
]


@pytest.fixture
def find_missing(app):
    """Return a function that says which name of a touch is missing, if any is."""
    library = app.extensions["security"]

    def find_missing(number, path):
        core, decorators = flask_security.core, flask_security.decorators
        signals = SimpleNamespace(**(vars(core) | vars(decorators)))
        roots = {"flask_security": flask_security, "library": library}
        try:
            attrgetter(path)(SimpleNamespace(signals=signals, **roots))
        except AttributeError:
            release = version("flask-security")
            return f"security/library.py:{number}: Flask-Security {release}: no {path}"
        return None

    return find_missing


@pytest.mark.parametrize(("number", "path"), TOUCHES)
def test_release_has_what_is_touched(find_missing, number, path):
    assert find_missing(number, path) is None


def test_touches_are_found_in_the_source():
    assert {path for _, path in TOUCHES} == {
        "flask_security.core",
        "flask_security.core._default_config.items",
        "flask_security.decorators",
        "library.login_manager.anonymous_user",
        "library.login_manager.request_loader",
        "library.principal.identity_loaders.clear",
        "library.pwd_context",
        "signals.identity_changed",
        "signals.identity_loaded",
    }


@pytest.mark.parametrize(
    ("owner", "name", "path"),
    [
        ("login_manager", "anonymous_user", "library.login_manager.anonymous_user"),
        ("principal", "identity_loaders", "library.principal.identity_loaders.clear"),
    ],
)
def test_name_that_a_release_lacks_is_said(
    app, find_missing, monkeypatch, name, owner, path
):
    monkeypatch.delattr(getattr(app.extensions["security"], owner), name)
    numbers = [number for number, touch in TOUCHES if touch == path]
    message = find_missing(numbers[0], path)
    assert f"library.py:{numbers[0]}:" in message
    assert message.endswith(f"no {path}")


def test_signal_that_a_release_lacks_is_said(find_missing, monkeypatch):
    monkeypatch.delattr(flask_security.core, "identity_loaded")
    assert find_missing(7, "signals.identity_loaded").endswith("identity_loaded")


# Parts of the library's object, also those that are touched nowhere.
INSIDE = {"datastore", "login_manager", "mail_util", "password_util", "principal"}
INSIDE |= {"pwd_context", "hashing_context"}


def is_touch(node):
    match node:
        case ast.Attribute(attr=name):
            return name in INSIDE
        case ast.Subscript(value=ast.Attribute(attr="extensions"), slice=key):
            return ast.unparse(key) == "'security'"
    return False


def test_nothing_else_touches_the_inside():
    files = {
        file.relative_to(ROOT).as_posix()
        for file in ROOT.rglob("*.py")
        if any(map(is_touch, ast.walk(ast.parse(file.read_text("utf-8")))))
    }
    assert files == {"security/library.py"}
