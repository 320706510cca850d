"""Any text for an answer is refused and leaves nothing, or appears unchanged.

"Unchanged" is defined by a project with a plain word for the answer: wherever the word
is, in a name, a value or a line, the hostile answer must be, and everything else must be
the same. So a new file that contains an answer is tested without a change here.
"""

import ast
import io
import itertools
import json
import os
import re
import string
import tempfile
import tomllib
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml
from baking import MEMORY, baking, read
from conftest import QUESTIONS
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st
from test_answers import HOSTILE, REFUSED, pre_gen
from test_attacks import limit_examples

EXAMPLES = 500

PIECES = st.sampled_from(
    """ ' " ''' \""" \\ \\\\ \\n \\N{DASH} ` $HOME ${HOME} $(id) ; && | # <script> </b> &lt; <!--
    --> [ ] { } }} %} #} {{ {% {# {%raw%} {{7*7}} {{cookiecutter.license}} %s %(x)s : - [[a]]
    !!python/object & * @ = , .. / // ~ file:// ]]> ]( \u202e \u2066 \u200d \u0301 \ufeff \U0001f389
    \ud800 \udfff \0 \n \r\n \t \x1b[31m \x85 \u2028 \xa0 \ufffe שלום """.strip(" ").split(" ")
)
TEXT = st.lists(
    PIECES | st.text(max_size=20) | st.text(st.characters(), max_size=5), max_size=8
).map("".join)
LONG = st.text(min_size=1, max_size=5).map(lambda text: text * 1000)
SAMPLES = st.sampled_from([*HOSTILE.values(), *itertools.chain(*REFUSED.values())])
ANY = TEXT | LONG | SAMPLES

WORD = st.text(string.ascii_letters + string.digits, min_size=1, max_size=70)
LOCAL = st.text(string.ascii_letters + string.digits + "._%+-'", min_size=1, max_size=66)
ADDRESS = st.builds("{}@{}.{}".format, LOCAL, WORD, WORD) | st.emails()
SLUG = st.text("abz09-", min_size=1, max_size=52) | st.from_regex(
    "[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,9}){0,3}", fullmatch=True
)
MINUTES = (st.integers(-9, 2000) | st.integers(1, 1440)).map(str)


def stays_inside(slug):
    """Return whether the folder is inside the test's own: a test must not write elsewhere.

    Nor delete: cookiecutter takes a/.. for a folder that it created, and removes it.
    """
    up = os.path.normpath(slug).split("/").count("..")
    return not os.path.isabs(slug) and up < 3 and slug.split("/").count("..") == up


def is_plain(answer):
    """Return whether an answer is no Jinja: for these two it may be, like the default slug."""
    return not re.search("[{][%#{]", answer)


# For each free-text question: the answers to try, and the plain word to compare with.
TRIED = {
    "project_name": (ANY, "Zebra Crossing"),
    "project_slug": (SLUG | ANY.filter(stays_inside).filter(is_plain), "zebra-crossing"),
    "description": (ANY, "Zebra Crossing"),
    "author_name": (ANY, "Zebra Crossing"),
    "author_email": (ADDRESS | ANY, "zebra@crossing.example.org"),
    "seed_user_email": (ADDRESS | ANY, "zebra@crossing.example.org"),
    "access_token_minutes": (MINUTES | ANY.filter(is_plain), "1237"),
}


def get_replacements(option, answer):
    """Return what must be in the files for this answer, by what the plain word becomes."""
    plain = TRIED[option][1]
    if option == "project_slug":
        return {plain: answer, plain.replace("-", "_"): answer.replace("-", "_")}
    if option == "access_token_minutes":
        unit = "minute" if answer == "1" else "minutes"
        seconds = str(int(answer) * 60)
        return {f"{plain} minutes": f"{answer} {unit}", plain: answer, "74220": seconds}
    return {plain: answer}


def parse(name, content):
    """Return the values that a program would read from a file, or else its text."""
    text = content.decode("utf-8")
    if name.startswith((".env", ".flaskenv")):
        return dotenv_values(stream=io.StringIO(text), interpolate=False)
    parsers = {
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
        ".py": lambda code: [dict(ast.iter_fields(node)) for node in ast.walk(ast.parse(code))],
    }
    return parsers.get(Path(name).suffix, str)(text)


def replace(value, replacements):
    """Replace texts in parsed values: in strings and numbers, in keys and in items."""
    if isinstance(value, dict):
        return {replace(k, replacements): replace(v, replacements) for k, v in value.items()}
    if isinstance(value, list):
        return [replace(item, replacements) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(replacements.get(str(value), value))
    if isinstance(value, str):
        for old, new in replacements.items():
            value = value.replace(old, new)
        return value
    return None if isinstance(value, ast.AST) else value


class Bakery:
    """Tries answers to one question, and counts the outcomes."""

    def __init__(self, bake, option):
        self.bake, self.option, self.outcomes = bake, option, Counter()
        self.plain = self.bake_files(TRIED[option][1])
        self.plain_files = {
            name: (content, parse(name, content)) for name, content in self.plain.items()
        }

    def build_answers(self, answer):
        return {"project_slug": "token-auth-api", self.option: answer}

    def bake_files(self, answer):
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            return read(self.bake(folder, **self.build_answers(answer)))

    def find_files_with_the_answer(self):
        word = TRIED[self.option][1].encode()
        return [name for name, content in self.plain.items() if word in content]

    def attempt(self, answer):
        with tempfile.TemporaryDirectory(dir=MEMORY) as top:
            folder = Path(top, "deep", "er", "output")
            folder.mkdir(parents=True)
            printed = io.StringIO()
            try:
                with redirect_stderr(printed), redirect_stdout(io.StringIO()):
                    files = read(self.bake(folder, **self.build_answers(answer)))
            except Exception as error:
                left = [path for path in Path(top).rglob("*") if path not in folder.parents]
                assert left == [folder]
                self.assert_clear(error, printed.getvalue())
            else:
                self.outcomes["accepted"] += 1
                self.assert_exact(files, get_replacements(self.option, answer))

    def assert_clear(self, error, printed):
        """The hook prints the option and the reason; cookiecutter has messages of its own."""
        assert str(error)
        if printed:
            self.outcomes["refused by the template"] += 1
            assert printed.startswith(f"\n{self.option}: ")
            assert "Nothing was generated." in printed
        else:
            self.outcomes["refused by cookiecutter"] += 1

    def assert_exact(self, files, replacements):
        expected = {replace(name, replacements): file for name, file in self.plain_files.items()}
        assert files.keys() == expected.keys()
        for name, (plain, parsed) in expected.items():
            if files[name] != plain:
                assert parse(name, files[name]) != parsed
                assert replace(parse(name, files[name]), {}) == replace(parsed, replacements), name


def test_every_free_text_question_is_tried():
    free = {n for n, value in QUESTIONS.items() if n[0] != "_" and isinstance(value, str)}
    assert TRIED.keys() == free


@pytest.mark.full
@pytest.mark.parametrize("option", TRIED)
def test_any_answer_is_refused_or_appears_unchanged(option, record_property):
    with baking() as bake:
        bakery = Bakery(bake, option)
        assert bakery.find_files_with_the_answer()
        limit_examples(EXAMPLES)(given(TRIED[option][0])(lambda answer: bakery.attempt(answer)))()
    tried = sum(bakery.outcomes.values())
    assert tried >= EXAMPLES
    assert bakery.outcomes["accepted"] > EXAMPLES / 20
    assert bakery.outcomes["refused by the template"] > EXAMPLES / 20
    for outcome, count in {"tried": tried, **bakery.outcomes}.items():
        record_property(f"hostile answers {outcome}", count)


@pytest.mark.full
@limit_examples(EXAMPLES)
@given(
    answers=st.fixed_dictionaries(dict.fromkeys([*pre_gen.RULES, *pre_gen.CHOICES], ANY)),
    asked=ANY,
)
def test_reasons_for_any_answers_are_printable_lines(answers, asked):

    problems = pre_gen.find_problems(answers, dict.fromkeys(pre_gen.RULES, asked))
    assert [text for text in problems if not text.isascii() or "\n" in text] == []


@pytest.mark.full
@limit_examples(EXAMPLES)
@given(slug=ANY | SLUG)
def test_suggested_slug_is_always_accepted(slug):
    assert pre_gen.check_project_slug(pre_gen.suggest_slug(slug)) is None
