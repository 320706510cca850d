"""Every message that people read stands in messages.txt, so that a new one is seen in review.

To write the list again after a change: python tests/test_messages.py
"""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
PACKAGE = PROJECT / "{{cookiecutter.__package}}"
TABLE = Path(__file__).with_name("messages.txt")

# What has three words and is none: statements, formats, headers.
NO_MESSAGE = re.compile(
    r"(PRAGMA|SET|SELECT|python -c) |%\(|default-src|base-uri|[<>]|{{|_cffi_backend|^from {"
)


def sources():
    """Return each file whose messages people read, by its name in the list."""
    yield from ((path.name, path) for path in sorted(ROOT.glob("hooks/*.py")))
    yield "first_run.py", PROJECT / "first_run.py"
    yield "migrations/env.py", PROJECT / "migrations/env.py"
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path


def messages_of(path):
    """Return the texts of a module with three words or more, without docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    inner = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            inner.add(body[0].value)
    texts = [text_of(node) for node in ast.walk(tree) if node not in inner]
    return [text for text in texts if len(text.split()) >= 3 and not NO_MESSAGE.search(text)]


def text_of(node):
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
        )
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else ""


def collected():
    lines = [
        f"{name}: {' '.join(message.split())}"
        for name, path in sources()
        for message in messages_of(path)
    ]
    return "".join(f"{line}\n" for line in sorted(set(lines)))


def test_every_message_is_in_the_list():
    assert collected() == TABLE.read_text("utf-8"), "python tests/test_messages.py"


if __name__ == "__main__":
    TABLE.write_text(collected(), "utf-8")
