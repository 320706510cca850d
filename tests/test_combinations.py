"""Every combination of the options with choices: what is true of every generated project.

Each combination is baked once, and a set with all pairs of answers twice, by two processes
in different circumstances. Files are stored by content: equal files are tested once.
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
from test_answers import get_example, pre_gen
from test_file_tree import ALWAYS, OWNED, PACKAGE

CHOICES = {
    name: values if isinstance(values, list) else [True, False]
    for name, values in QUESTIONS.items()
    if name[0] != "_" and isinstance(values, list | bool)
}
# The order of imports and the length of lines depend on the slug.
SLUGS = ["a", "zzz-late", "a-very-long-name-for-a-small-api-that-says-it-all2"]

# Names that Windows reserves for devices, with any suffix, and characters that it forbids.
DEVICE = re.compile(r"(aux|con|nul|prn|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')

JINJA = re.compile(r"{%|{#|cookiecutter[.\[]|(?<!\$){{")

# A secret with a value: a setting, a URL with a password, or a private key.
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


# The schemas of the programs that read these files.
SCHEMAS = {
    "compose.yaml": "vendor.compose-spec",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    ".github/workflows/ci.yml": "vendor.github-workflows",
}


def is_allowed(answers):
    return not pre_gen.find_problems({**VALID_ANSWERS, **answers}, {})


VALID_ANSWERS = {name: get_example(name) for name in pre_gen.RULES}
COMBINATIONS = [
    answers
    for values in itertools.product(*CHOICES.values())
    if is_allowed(answers := dict(zip(CHOICES, values, strict=True)))
]
WITH_SLUGS = [
    {"project_slug": slug, "features": features}
    for slug in SLUGS
    for features in CHOICES["features"]
]


def find_pairs(answers):
    """Return every pair of two options with their answers."""
    return set(itertools.combinations(answers.items(), 2))


def choose_covering(combinations):
    """Yield combinations until every pair is in one, each time the one with most new pairs."""
    pairs = [find_pairs(answers) for answers in combinations]
    missing = set().union(*pairs)
    while missing:
        counts = [len(missing & of_one) for of_one in pairs]
        best = counts.index(max(counts))
        missing -= pairs[best]
        yield combinations[best]


COVERING = list(choose_covering(COMBINATIONS))
BAKED_TWICE = [*COVERING, *WITH_SLUGS]


@dataclass
class Baked:
    """The digest of each file of each project; the contents are in the folder `store`."""

    store: Path
    # Of COMBINATIONS and WITH_SLUGS, in this order.
    trees: list[dict[str, str]]
    # Of BAKED_TWICE: in one circumstance, and in the other.
    twice: list[tuple[dict[str, str], dict[str, str]]]

    def text(self, digest: str) -> str:
        return (self.store / digest).read_text("utf-8")

    @property
    def files(self) -> set[tuple[str, str]]:
        """Return every different file of all projects: its name and its digest."""
        return {item for tree in self.trees for item in tree.items()}


@pytest.fixture(scope="session")
def baked(tmp_path_factory, worker_id) -> Baked:
    """Return all combinations; they are baked once for all workers of xdist."""
    base = tmp_path_factory.getbasetemp()
    store = (base if worker_id == "master" else base.parent) / "combinations"
    with FileLock(f"{store}.lock"):
        if not (store / "trees.json").exists():
            bake_all(store)
    return Baked(store, *json.loads((store / "trees.json").read_text("utf-8")))


def start_baking(store, answers, circumstance):
    baker = subprocess.Popen(
        [sys.executable, ROOT / "tests/baking.py", store],
        env=os.environ | circumstance,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    baker.stdin.write(json.dumps(answers))
    baker.stdin.close()
    return baker


def bake_all(store):
    """Bake with two processes: half of the projects each, and both the same covering set."""
    store.mkdir()
    projects = [*COMBINATIONS, *WITH_SLUGS]
    halves = projects[::2], projects[1::2]
    circumstances = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"},
        {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C", "HOME": str(store)},
    ]
    bakers, orders = [], []
    for half, other, circumstance in zip(halves, halves[::-1], circumstances, strict=True):
        order = [*half, *[answers for answers in other if answers in BAKED_TWICE]]
        # In another order too: what was baked before must not matter.
        orders.append(order[::-1] if bakers else order)
        bakers.append(start_baking(store, orders[-1], circumstance))
    baked = {}
    for baker, order in zip(bakers, orders, strict=True):
        for answers, tree in zip(order, json.load(baker.stdout), strict=True):
            baked.setdefault(json.dumps(answers), []).append(tree)
    trees = [baked[json.dumps(answers)] for answers in projects]
    twice = [baked[json.dumps(answers)] for answers in BAKED_TWICE]
    content = json.dumps([[tree for tree, *_ in trees], twice])
    (store / "trees.json").write_text(content, "utf-8")


def test_every_combination_has_exactly_its_files(baked, record_property):
    for answers, tree in zip(COMBINATIONS, baked.trees, strict=False):
        owned = [files for (name, value), files in OWNED.items() if answers[name] == value]
        assert set(tree) == ALWAYS.union(*owned), answers
    record_property("combinations baked", len(COMBINATIONS))


def test_same_answers_give_the_same_bytes_in_other_circumstances(baked, record_property):
    assert [one for one, _ in baked.twice] == [other for _, other in baked.twice]
    record_property("combinations baked twice", len(COVERING))


def test_files_of_core_are_those_of_full_but_for_four_with_fewer_lines(baked):
    trees = dict(zip(map(to_tuple, COMBINATIONS), baked.trees, strict=False))
    for answers in (answers for answers in COMBINATIONS if answers["features"] == "core"):
        core, full = trees[to_tuple(answers)], trees[to_tuple({**answers, "features": "full"})]
        assert core.keys() < full.keys()
        different = {name for name, digest in core.items() if full[name] != digest}
        assert different == {
            *("README.md", "docs/security.md", "pyproject.toml"),
            f"{PACKAGE}/__init__.py",
        }
        for name in different:
            lines = iter(baked.text(full[name]).splitlines())
            assert all(line in lines for line in baked.text(core[name]).splitlines()), name


def to_tuple(answers):
    return tuple(answers.values())


def test_every_file_parses(baked):
    for name, digest in baked.files:
        parse = PARSERS.get(Path(name).suffix, str)
        assert parse(baked.text(digest)) is not None, name


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items(), ids=SCHEMAS)
def test_every_file_with_a_schema_follows_it(baked, name, schema):
    files = [baked.store / digest for file, digest in baked.files if file == name]
    check = [sys.executable, "-m", "check_jsonschema", "--default-filetype", "yaml"]
    run([*check, "--builtin-schema", schema, *files], ROOT)


def test_python_is_clean_in_every_combination(baked, tmp_path):
    """Run ruff on each different pair of the code and the settings in pyproject.toml."""
    cases = {}
    for tree in baked.trees:
        tools = tomllib.loads(baked.text(tree["pyproject.toml"]))["tool"]
        code = {name: digest for name, digest in tree.items() if name.endswith(".py")}
        cases[json.dumps([tools, code], sort_keys=True)] = tree
    assert len(cases) >= len(CHOICES["password_hash"]) * len(CHOICES["features"]) + len(WITH_SLUGS)
    for number, tree in enumerate(cases.values()):
        folder = tmp_path / str(number)
        for name, digest in tree.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(baked.store / digest, folder / name)
        ruff = [sys.executable, "-m", "ruff"]
        run([*ruff, "check", "--no-cache", "."], folder)
        run([*ruff, "format", "--no-cache", "--check", "."], folder)


def test_no_jinja_is_left(baked):
    """Pages of the app, tests and Postman's variables look like it, and contain no answer."""
    left = {name: text for name, digest in baked.files if JINJA.search(text := baked.text(digest))}
    similar = re.compile(
        r"\w+/pages/templates/|tests/(\w+/)?test_\w+\.py|examples/postman_collection\.json"
    )
    assert [name for name in left if not similar.match(name)] == []
    assert [name for name, text in left.items() if "cookiecutter" in text] == []


def find_secrets(name, text):
    """Return what looks like a secret; tests and docs may show secrets of no system."""
    shown = name.startswith(("tests/", "docs/")) or name.endswith((".md", ".py"))
    return [found[0] for rule in SECRETS[shown:] for found in rule.finditer(text)]


def test_no_secret_is_tracked(baked):
    assert not [s for name, digest in baked.files for s in find_secrets(name, baked.text(digest))]
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
    assert find_secrets(name, text)


def test_names_are_legal_on_windows(baked):
    names = {name for tree in baked.trees for name in tree}
    parts = {part for name in names for part in name.split("/")}
    assert not [part for part in parts if FORBIDDEN.search(part) or DEVICE.fullmatch(part)]
    # On Windows, names that differ only in case are one file, and a path has 260 characters.
    assert len({name.lower() for name in names}) == len(names)
    assert max(map(len, names)) < 130


def test_lines_end_with_a_newline_and_without_spaces(baked):
    for name, digest in baked.files:
        text = (baked.store / digest).read_bytes()
        assert b"\r" not in text, name
        assert text.endswith(b"\n"), name
        assert not text.endswith(b"\n\n"), name
        assert not re.search(rb"[ \t]\n", text) or name.endswith(".md"), name
        assert not text.startswith(b"\n"), name


def test_no_two_blank_lines_follow_each_other(baked):
    for name, digest in baked.files:
        if name != "LICENSE" and not name.endswith((".py", ".mako")):
            assert "\n\n\n" not in baked.text(digest), name


def install_cookiecutter(version, folder):
    """Install another cookiecutter into an environment, and return its Python."""
    run([sys.executable, "-m", "venv", folder], ROOT)
    run([folder / "bin/python", "-m", "pip", "install", "-q", f"cookiecutter{version}"], ROOT)
    return folder / "bin/python"


@pytest.mark.full
@pytest.mark.parametrize("version", ["==2.7.0", ">=2.7,<3"], ids=["lowest", "newest"])
def test_every_cookiecutter_bakes_the_same_projects(baked, default_project, tmp_path, version):
    python = install_cookiecutter(version, tmp_path / "environment")
    baker = subprocess.run(
        [python, ROOT / "tests/baking.py", tmp_path],
        input=json.dumps(COMBINATIONS),
        capture_output=True,
        text=True,
    )
    assert json.loads(baker.stdout) == baked.trees[: len(COMBINATIONS)], baker.stderr
    run([python, "-m", "cookiecutter", "--no-input", "--output-dir", tmp_path, ROOT], tmp_path)
    assert read(tmp_path / "token-auth-api") == read(default_project)


def find_pythons():
    """Yield the Pythons of this machine: in the PATH, or installed by pyenv."""
    folders = [os.environ["PATH"], *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        found = (shutil.which(name, path=folder) for folder in folders)
        yield from itertools.islice(filter(can_start, found), 1)


def can_start(python):
    return python and not subprocess.run([python, "--version"], capture_output=True).returncode


@pytest.mark.full
@pytest.mark.parametrize("python", list(find_pythons()), ids=os.path.basename)
def test_project_passes_its_own_tests_on_each_python(bake, python):
    done = run(["make", "check", "test", f"PYTHON={python}"], bake())
    assert "Total coverage: 100.00%" in done.stdout
