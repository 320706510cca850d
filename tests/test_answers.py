"""Which answers are refused, and that the others appear unchanged in the project."""

import importlib.util
import json
import tomllib
from html.parser import HTMLParser

import pytest
from conftest import OPTIONS, ROOT
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
    answers = {name: get_example(name) for name in pre_gen.RULES} | {option: value}
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


def test_every_question_has_a_rule_or_a_list_of_choices():
    choices = {"license", "password_hash", "database", "ci_provider", "features"}
    assert pre_gen.RULES.keys() | choices == OPTIONS


def test_text_for_a_boolean_is_refused_with_the_needed_cookiecutter():
    answers = {name: get_example(name) for name in pre_gen.RULES} | {"use_docker": "no"}
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
