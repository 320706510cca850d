"""Which answers are refused, and that the others appear unchanged in the project."""

import importlib.util
import json
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser

import pytest
from conftest import OPTIONS, QUESTIONS, ROOT
from jinja2 import Environment, FileSystemLoader

SPEC = importlib.util.spec_from_file_location("pre_gen", ROOT / "hooks/pre_gen_project.py")
pre_gen = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pre_gen)

LINES = ["project_name", "description", "author_name"]

HOSTILE = {
    "double quotes": 'Say "hi"',
    "apostrophe": "O'Brien",
    "backslashes": "C:\\new\\table",
    "emoji and markup": "Zoë 🎉 <Ian> & co",
    "shell variable": "$HOME",
    "shell command": "`id` $(id) ; id",
    "format": "%s %(x)s {x}",
    "triple quotes": '"""',
    "comment": "#",
    "YAML": "- a: [b, {c: d}] # e",
    "trailing backslash": "one \\",
    "right to left": "שלום עולם",
    "combining": "e\u0301\u200d",
    "Jinja without an opening": "}} %} #}",
}

REFUSED = {
    "project_slug": [
        *["class", "flask", "json", "My-Api", "1api", "a--b", "../x", "tests", "migrations"],
        *["a_b", "-a", "a-", "a b", "a.b", "é", "con", "test", "a" * 51, "a\n", "a/b/c"],
        *["flask-security", "sqlalchemy", "lambda", "None", "a\\b"],
    ],
    "author_email": [
        *["nobody", "a@", "@b.de", "a b@c.de", "a@b", "a@b..de", "a@b.de\n", "", "'a@b.de"],
        *["a@b@c.de", "a@-b.de", "a@b-.de", "a@b_c.de", "a@b.d", "a@b.1e", "a@b.é", "ª@b.de"],
        *[f"a@{'b' * 64}.de", f"a@b.{'d' * 64}"],
    ],
    "seed_user_email": ["nobody", "me@site.local", ".a@b.de", "a..b@c.de", "a" * 65 + "@b.de"],
    "access_token_minutes": ["0", "-5", "1.5", "abc", "1441", "", " 15", "015", "١٥", "15m"],
    "project_name": ["two\nlines", "bell\a", "line\u2028separator", "", "  ", "{{ 7*7 }}"],
    "description": ["two\r\nlines", "tab\t", "del\x7f", "{% raw %}x{% endraw %}", "{# x #}y"],
    "author_name": ["nul\0", "escape\x1b[31m", "next\x85line", "{{ cookiecutter.license }}"],
}


def shorten(value):
    return ascii(value)[:40]


@pytest.mark.parametrize(
    ("option", "value"),
    [(option, value) for option, values in REFUSED.items() for value in values],
    ids=shorten,
)
def test_rule_refuses_an_invalid_answer(option, value):
    answers = get_examples() | {option: value}
    (problem,) = pre_gen.find_problems(answers, {})
    assert problem.startswith(f"{option}: {value!a} ")
    assert ". Try: " in problem


@pytest.mark.parametrize(
    "slug",
    ["a", "z", "a" * 50, "api2", "a-b-c-d", "notes-api", "match", "aaa-first", "zzz-last"],
)
def test_rule_accepts_a_slug(slug):
    assert pre_gen.check_project_slug(slug) is None


@pytest.mark.parametrize(
    "address",
    ["a@b.de", "o'brien@example.com", "first.last+tag@sub.example.co.uk", "x_%-@1.example.org"],
)
def test_rule_accepts_an_email_address(address):
    assert pre_gen.check_email(address) is None


@pytest.mark.parametrize("minutes", ["1", "15", "1440", 15])
def test_rule_accepts_minutes(minutes):
    assert pre_gen.check_minutes(minutes) is None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_rule_accepts_any_line(text):
    assert pre_gen.check_line(text) is None


@pytest.mark.parametrize("slug", REFUSED["project_slug"], ids=shorten)
def test_suggested_slug_is_accepted(slug):
    assert pre_gen.check_project_slug(pre_gen.suggest_slug(slug)) is None


def get_example(option):
    suggestion = pre_gen.RULES[option][1]
    return {"project_slug": "notes-api", "use_docker": True}.get(option, suggestion)


def get_examples():
    """Return an accepted answer to every question."""
    choices = {option: choices[0] for option, choices in pre_gen.CHOICES.items()}
    return {name: get_example(name) for name in pre_gen.RULES} | choices


def test_every_question_has_a_rule_or_a_list_of_choices():
    assert pre_gen.RULES.keys() | pre_gen.CHOICES.keys() == OPTIONS
    questions = {name: QUESTIONS[name] for name in pre_gen.CHOICES}
    assert questions == pre_gen.CHOICES


@pytest.mark.parametrize("option", pre_gen.CHOICES)
@pytest.mark.parametrize("value", ["", "none'; import os", "../x", "MARIADB", None, 1, ["MIT"]])
def test_choice_that_is_not_offered_is_refused(option, value):
    (problem,) = pre_gen.find_problems(get_examples() | {option: value}, {})
    assert problem.startswith(f"{option}: {value!a} must be one of ")


# What a replay file, or a config file of somebody else, may have in it.
ALTERED = {
    "package elsewhere": {"__package": "../evil"},
    "package with code": {"__package": "a; import os"},
    "package of another name": {"__package": "another"},
    "list of copied files": {"_copy_without_render": []},
    "extension of Jinja": {"_extensions": ["evil.Extension"]},
    "settings of Jinja": {"_jinja2_env_vars": {"block_start_string": "<%"}},
    "new line at the start": {"_new_lines": "\r\n"},
    "question of nobody": {"databse": "mariadb"},
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED)
def test_altered_private_key_is_refused_before_anything_is_written(altered, tmp_path):
    replay = {"cookiecutter": get_replay() | altered}
    (tmp_path / "replay.json").write_text(json.dumps(replay))
    command = ["--replay-file", tmp_path / "replay.json", "--output-dir", tmp_path / "out", ROOT]
    done = run_cookiecutter(*command)
    assert done.returncode != 0
    assert not list(tmp_path.glob("out/*"))
    assert not (tmp_path / "evil").exists()


def test_replay_of_unaltered_answers_is_accepted(tmp_path):
    (tmp_path / "replay.json").write_text(json.dumps({"cookiecutter": get_replay()}))
    done = run_cookiecutter(
        "--replay-file", tmp_path / "replay.json", "--output-dir", tmp_path / "out", ROOT
    )
    assert done.returncode == 0, done.stderr


def get_replay():
    """Return the answers as cookiecutter keeps them for a replay."""
    private = {name: QUESTIONS[name] for name in QUESTIONS if name.startswith("_")}
    return private | get_examples() | {"__package": "notes_api"}


def run_cookiecutter(*words):
    command = [sys.executable, "-m", "cookiecutter", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize("name", ["README.md", "docs/security.md", "token_auth_api", "tests/new"])
def test_symbolic_link_in_the_project_is_never_written_through(tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    command = ["--no-input", "--overwrite-if-exists", "--output-dir", tmp_path, ROOT]
    assert run_cookiecutter(*command).returncode == 0
    link = tmp_path / "token-auth-api" / name
    shutil.rmtree(link) if link.is_dir() else link.unlink(missing_ok=True)
    link.symlink_to(outside if link.suffix != ".md" else outside / "file")
    done = run_cookiecutter(*command)
    assert done.returncode != 0
    assert f"{name!a}: is a symbolic link. Try: " in done.stderr
    assert list(outside.iterdir()) == []


def test_project_folder_that_is_a_symbolic_link_is_never_written_through(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "token-auth-api").symlink_to(tmp_path / "outside")
    done = run_cookiecutter("--no-input", "--overwrite-if-exists", "--output-dir", tmp_path, ROOT)
    assert "is a symbolic link to" in done.stderr
    assert list((tmp_path / "outside").iterdir()) == []


def test_text_for_a_boolean_is_refused_with_the_needed_cookiecutter():
    answers = get_examples() | {"use_docker": "no"}
    (problem,) = pre_gen.find_problems(answers, {})
    assert "cookiecutter 2.7 or newer" in problem


def test_all_problems_are_reported_at_once(cookies, capfd):
    answers = {"project_slug": "json", "author_email": "a@", "access_token_minutes": "1.5"}
    assert cookies.bake(extra_context=answers).exception
    printed = capfd.readouterr().err.splitlines()
    named = [line.partition(":")[0] for line in printed if ". Try: " in line]
    assert named == ["project_slug", "author_email", "access_token_minutes"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_line_is_unchanged_in_every_file_that_contains_it(bake, text):
    project = bake(**dict.fromkeys(LINES, text))
    metadata = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text, "email": "you@example.com"}]
    readme = (project / "README.md").read_text("utf-8").splitlines()
    assert readme[:3] == [f"# {text}", "", text]
    license_lines = (project / "LICENSE").read_text("utf-8").splitlines()
    assert f"Copyright (c) {text}" in license_lines
    (openapi,) = project.glob("*/openapi.json")
    settings = json.loads(openapi.read_text("ascii"))
    assert settings["API_TITLE"] == settings["API_SPEC_OPTIONS"]["info"]["description"] == text
    for page in openapi.parent.glob("pages/templates/*.html"):
        parsed = PageParser(page, settings)
        assert parsed.texts["title"].startswith(text)
        assert parsed.tags == PageParser(page, settings | {"API_TITLE": "a name"}).tags


class PageParser(HTMLParser):
    """Parses a page of the app as a browser does: its tags, and the texts in them."""

    def __init__(self, page, settings):
        super().__init__()
        self.tags, self.texts = [], {}
        pages = Environment(autoescape=True, loader=FileSystemLoader(page.parent))
        self.feed(pages.get_template(page.name).render(config=settings))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))

    def handle_data(self, data):
        self.texts.setdefault(self.tags[-1][0] if self.tags else None, data)


def test_email_of_the_seed_user_is_unchanged(bake):
    project = bake(seed_user_email="o'brien+api@example.com")
    lines = (project / ".env.example").read_text("utf-8").splitlines()
    assert "SEED_USER_EMAIL=o'brien+api@example.com" in lines


def test_unknown_option_fails_a_test(bake):

    with pytest.raises(TypeError, match="no such option: databse"):
        bake(databse="mariadb")
