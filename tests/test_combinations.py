"""Every combination of the closed options: what is true of all projects that there can be.

They are baked twice, by two processes that differ in all that must not matter, and kept
by content: what two projects have in common is looked at once.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from baking import read
from conftest import QUESTIONS, ROOT, run
from filelock import FileLock
from test_answers import example_of, pre_gen
from test_file_tree import ALWAYS, OWNED

CHOICES = {
    name: values if isinstance(values, list) else [True, False]
    for name, values in QUESTIONS.items()
    if name[0] != "_" and isinstance(values, list | bool)
}
# Import order and the width of lines depend on these.
SLUGS = ["a", "zzz-late", "a-very-long-name-for-a-small-api-that-says-it-all2"]

# Names that Windows keeps for devices, with any ending, and what it allows in no name.
DEVICE = re.compile(r"(aux|con|nul|prn|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')

JINJA = re.compile(r"{%|{#|cookiecutter[.\[]|(?<!\$){{")

# A secret with a value: in a file of settings, in an address, or as a key.
SECRETS = [
    re.compile(r"^[ \t]*\w*(SECRET|PASSWORD|SALT|API_KEY)\w*[ \t]*[:=][ \t]*(?!\$\{)\S", re.M),
    re.compile(r"://\w+:(?!\$\{)[^@\s]+@"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
]
PARSERS = {
    ".json": json.loads,
    ".py": lambda text: compile(text, "<file>", "exec", dont_inherit=True),
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


# What reads a file also knows what may be in it.
SCHEMAS = {
    "compose.yaml": "vendor.compose-spec",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    ".github/workflows/ci.yml": "vendor.github-workflows",
}


def is_allowed(answers):
    return not pre_gen.find_problems({**GOOD, **answers}, {})


GOOD = {name: example_of(name) for name in pre_gen.RULES}
COMBINATIONS = [
    answers
    for values in itertools.product(*CHOICES.values())
    if is_allowed(answers := dict(zip(CHOICES, values, strict=True)))
]


@dataclass
class Baked:
    """What came out: for each combination, the digest of each file; contents in store."""

    store: Path
    trees: list[dict[str, str]]
    again: list[dict[str, str]]

    def text(self, digest: str) -> str:
        return (self.store / digest).read_text("utf-8")

    @property
    def files(self) -> set[tuple[str, str]]:
        """Return every different file of all combinations: its name and its digest."""
        return {item for tree in self.trees for item in tree.items()}


@pytest.fixture(scope="session")
def baked(tmp_path_factory, worker_id) -> Baked:
    """Return all combinations, baked twice; xdist's workers share them."""
    base = tmp_path_factory.getbasetemp()
    store = (base if worker_id == "master" else base.parent) / "combinations"
    with FileLock(f"{store}.lock"):
        if not (store / "trees.json").exists():
            bake_all(store)
    return Baked(store, *json.loads((store / "trees.json").read_text("utf-8")))


def bake_all(store):
    store.mkdir()
    answers = [*COMBINATIONS, *[{"project_slug": slug} for slug in SLUGS]]
    circumstances = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"},
        {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C", "HOME": str(store)},
    ]
    bakers = [
        subprocess.Popen(
            [sys.executable, ROOT / "tests/baking.py", store],
            env=os.environ | circumstance,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for circumstance in circumstances
    ]
    # The second bakes from the last to the first: what was before must not matter either.
    bakers[1].stdin.write(json.dumps(answers[::-1]))
    bakers[1].stdin.close()
    first, second = bakers[0].communicate(json.dumps(answers))[0], bakers[1].stdout.read()
    trees = [json.loads(first), json.loads(second)[::-1]]
    (store / "trees.json").write_text(json.dumps(trees), "utf-8")


def test_every_combination_has_exactly_its_files(baked, record_property):
    for answers, tree in zip(COMBINATIONS, baked.trees, strict=False):
        owned = [files for (name, value), files in OWNED.items() if answers[name] == value]
        assert set(tree) == ALWAYS.union(*owned), answers
    record_property("combinations baked", len(COMBINATIONS))


def test_same_answers_give_the_same_bytes(baked):
    assert baked.trees == baked.again


def test_every_file_parses(baked):
    for name, digest in baked.files:
        parse = PARSERS.get(Path(name).suffix, str)
        assert parse(baked.text(digest)) is not None, name


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_every_such_file_follows_its_schema(baked, name, schema):
    files = [baked.store / digest for file, digest in baked.files if file == name]
    check = [sys.executable, "-m", "check_jsonschema", "--default-filetype", "yaml"]
    run([*check, "--builtin-schema", schema, *files], ROOT)


def test_python_is_clean_in_every_combination(baked, tmp_path):
    """The settings of ruff are in pyproject.toml: each pair of it and the code is a case."""
    cases = {}
    for tree in baked.trees:
        tools = tomllib.loads(baked.text(tree["pyproject.toml"]))["tool"]
        code = {name: digest for name, digest in tree.items() if name.endswith(".py")}
        cases[json.dumps([tools, code], sort_keys=True)] = tree
    assert len(cases) >= len(CHOICES["password_hash"]) + len(SLUGS)
    for number, tree in enumerate(cases.values()):
        folder = tmp_path / str(number)
        for name, digest in tree.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(baked.store / digest, folder / name)
        ruff = [sys.executable, "-m", "ruff"]
        run([*ruff, "check", "--no-cache", "."], folder)
        run([*ruff, "format", "--no-cache", "--check", "."], folder)


def test_no_jinja_is_left(baked):
    """Some look like it and carry no answer: the app's pages, tests, Postman's variables."""
    left = {name: text for name, digest in baked.files if JINJA.search(text := baked.text(digest))}
    alike = re.compile(r"\w+/pages/templates/|tests/test_\w+\.py|examples/postman_collection\.json")
    assert [name for name in left if not alike.match(name)] == []
    assert [name for name, text in left.items() if "cookiecutter" in text] == []


def secrets_in(name, text):
    """Return what looks like a secret; tests and docs show some that open nothing."""
    shown = name.startswith(("tests/", "docs/")) or name.endswith((".md", ".py"))
    return [found[0] for rule in SECRETS[shown:] for found in rule.finditer(text)]


def test_no_secret_is_tracked(baked):
    assert not [s for name, digest in baked.files for s in secrets_in(name, baked.text(digest))]
    ignored = {baked.text(tree[".gitignore"]) for tree in baked.trees}
    assert all(".env" in text.splitlines() for text in ignored)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env.example", "FLASK_SECRET_KEY=kJ8wq0ZyR5vN3xT7bLdM2fHc\n"),
        ("compose.yaml", "      POSTGRES_PASSWORD: example\n"),
        ("a.py", 'URI = "postgresql://postgres:example@db/app"\n'),
        ("docs/a.md", "-----BEGIN RSA PRIVATE KEY-----\n"),
    ],
)
def test_secret_would_be_found(name, text):
    assert secrets_in(name, text)


def test_names_are_legal_on_windows(baked):
    names = {name for tree in baked.trees for name in tree}
    parts = {part for name in names for part in name.split("/")}
    assert not [part for part in parts if FORBIDDEN.search(part) or DEVICE.fullmatch(part)]
    # Windows takes two names that differ in case for one, and 260 characters for a path.
    assert len({name.lower() for name in names}) == len(names)
    assert max(map(len, names)) < 130


def test_lines_end_as_they_should(baked):
    for name, digest in baked.files:
        text = (baked.store / digest).read_bytes()
        assert b"\r" not in text, name
        assert text.endswith(b"\n"), name
        assert not text.endswith(b"\n\n"), name
        assert not re.search(rb"[ \t]\n", text) or name.endswith(".md"), name
        assert not text.startswith(b"\n"), name


def test_blank_lines_do_not_pile_up(baked):
    for name, digest in baked.files:
        if name != "LICENSE" and not name.endswith((".py", ".mako")):
            assert "\n\n\n" not in baked.text(digest), name


def with_cookiecutter(version, folder):
    """Return the Python of an environment with another cookiecutter."""
    run([sys.executable, "-m", "venv", folder], ROOT)
    run([folder / "bin/python", "-m", "pip", "install", "-q", f"cookiecutter{version}"], ROOT)
    return folder / "bin/python"


@pytest.mark.full
@pytest.mark.parametrize("version", ["==2.7.0", ">=2.7,<3"], ids=["lowest", "newest"])
def test_every_cookiecutter_makes_the_same_projects(baked, default_project, tmp_path, version):
    python = with_cookiecutter(version, tmp_path / "environment")
    baker = subprocess.run(
        [python, ROOT / "tests/baking.py", tmp_path],
        input=json.dumps(COMBINATIONS),
        capture_output=True,
        text=True,
    )
    assert json.loads(baker.stdout) == baked.trees[: len(COMBINATIONS)], baker.stderr
    run([python, "-m", "cookiecutter", "--no-input", "--output-dir", tmp_path, ROOT], tmp_path)
    assert read(tmp_path / "token-auth-api") == read(default_project)


def pythons():
    """Return the Pythons on this machine: in the PATH, or kept by pyenv."""
    folders = [os.environ["PATH"], *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        found = (shutil.which(name, path=folder) for folder in folders)
        yield from itertools.islice(filter(starts, found), 1)


def starts(python):
    return python and not subprocess.run([python, "--version"], capture_output=True).returncode


@pytest.mark.full
@pytest.mark.parametrize("python", list(pythons()), ids=os.path.basename)
def test_project_passes_its_own_tests_on_each_python(bake, python):
    done = run(["make", "check", "test", f"PYTHON={python}"], bake())
    assert "Total coverage: 100.00%" in done.stdout
