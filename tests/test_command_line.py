"""The real command line: what it prints, what it leaves, how it exits."""

import subprocess
import sys

import pytest
from conftest import ROOT

NOTHING = "Nothing was generated. What follows is cookiecutter's own."

REFUSED = {
    "keyword": ["project_slug=class"],
    "dependency": ["project_slug=flask"],
    "standard library": ["project_slug=json"],
    "upper case": ["project_slug=My-Api"],
    "digit first": ["project_slug=1api"],
    "two hyphens": ["project_slug=a--b"],
    "outside": ["project_slug=../x"],
    "nested": ["project_slug=a/b/c"],
    "our own": ["project_slug=tests"],
    "newline": ["project_name=two\nlines", "project_slug=notes"],
    "control character": ["author_name=bell\a"],
    "Jinja that renders": ["description={{ 7*7 }}"],
    "minutes": ["access_token_minutes=0"],
    "address": ["author_email=nobody"],
    "seed address": ["seed_user_email=a b@c.de"],
}


@pytest.fixture
def cookiecutter(tmp_path):
    """Return a function that runs cookiecutter in tmp_path/deep/output."""
    output = tmp_path / "deep" / "output"
    output.mkdir(parents=True)

    def cookiecutter(*words, stdin=""):
        command = [sys.executable, "-m", "cookiecutter", "--output-dir", output, *words]
        return subprocess.run(command, text=True, input=stdin, capture_output=True)

    cookiecutter.output = output
    return cookiecutter


def test_no_input_makes_the_project_and_says_what_comes_next(cookiecutter):
    done = cookiecutter("--no-input", ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cd token-auth-api\n    make run\n" in done.stdout
    assert (cookiecutter.output / "token-auth-api" / "README.md").exists()


@pytest.mark.parametrize("answers", REFUSED.values(), ids=REFUSED)
def test_refusal_says_why_and_leaves_nothing(cookiecutter, tmp_path, answers):
    done = cookiecutter("--no-input", ROOT, *answers)
    assert done.returncode == 1
    reasons, nothing, _ = done.stderr.partition(NOTHING)
    assert reasons.strip().startswith(f"{answers[0].partition('=')[0]}: ")
    assert nothing
    assert list(tmp_path.rglob("*")) == [tmp_path / "deep", tmp_path / "deep/output"]


def test_absolute_slug_leaves_nothing_where_it_points(cookiecutter, tmp_path):
    done = cookiecutter("--no-input", ROOT, f"project_slug={tmp_path}/elsewhere")
    assert done.returncode == 1
    assert NOTHING in done.stderr
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("slug", ["", ".", ".."])
def test_slug_that_names_no_new_folder_is_refused(cookiecutter, tmp_path, slug):
    done = cookiecutter("--no-input", ROOT, f"project_slug={slug}")
    assert done.returncode == 1
    assert "directory" in done.stdout + done.stderr
    assert list(tmp_path.rglob("*")) == [tmp_path / "deep", tmp_path / "deep/output"]


def test_questions_can_be_answered_one_by_one(cookiecutter):
    answers = ["Notes", "", "", "Ada", "", "2", "", "3", "", "1", "n", "3"]
    done = cookiecutter(ROOT, stdin="".join(f"{answer}\n" for answer in answers))
    assert done.returncode == 0, done.stdout + done.stderr
    project = cookiecutter.output / "notes"
    assert "BSD 3-Clause" in (project / "LICENSE").read_text("utf-8")
    assert "pbkdf2_sha512" in (project / "notes/security/settings.py").read_text("utf-8")
    assert not (project / "Dockerfile").exists()
    assert not (project / ".github").exists()


def test_existing_folder_is_left_alone(cookiecutter):
    cookiecutter("--no-input", ROOT)
    project = cookiecutter.output / "token-auth-api"
    (project / "README.md").write_text("mine")
    assert cookiecutter("--no-input", ROOT).returncode == 1
    assert (project / "README.md").read_text() == "mine"


def test_overwriting_keeps_the_secrets(cookiecutter):
    cookiecutter("--no-input", ROOT)
    env = cookiecutter.output / "token-auth-api" / ".env"
    env.write_text("FLASK_SECRET_KEY=mine\n")
    assert cookiecutter("--no-input", "--overwrite-if-exists", ROOT).returncode == 0
    assert env.read_text() == "FLASK_SECRET_KEY=mine\n"
