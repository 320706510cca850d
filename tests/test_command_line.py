"""The command line of cookiecutter: output, files that are left, exit code."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from baking import read
from conftest import ROOT, run
from test_combinations import install_cookiecutter

NOTHING = "Nothing was generated. Ignore the traceback below: it is cookiecutter's own."

REFUSED = {
    "keyword": ["project_slug=class"],
    "dependency": ["project_slug=flask"],
    "standard library": ["project_slug=json"],
    "upper case": ["project_slug=My-Api"],
    "digit first": ["project_slug=1api"],
    "two hyphens": ["project_slug=a--b"],
    "outside": ["project_slug=../x"],
    "nested": ["project_slug=a/b/c"],
    "outside and nested": ["project_slug=../a/b"],
    "folder of the project": ["project_slug=tests"],
    "newline": ["project_name=two\nlines", "project_slug=notes"],
    "control character": ["author_name=bell\a"],
    "Jinja that renders": ["description={{ 7*7 }}"],
    "minutes": ["access_token_minutes=0"],
    "author's e-mail address": ["author_email=nobody"],
    "seed user's e-mail address": ["seed_user_email=a b@c.de"],
}


@pytest.fixture
def cookiecutter(tmp_path):
    """Return a function that runs cookiecutter in tmp_path/deep/output."""
    output = tmp_path / "deep" / "output"
    output.mkdir(parents=True)

    def cookiecutter(*arguments, stdin="", start=("-m", "cookiecutter"), **options):
        command = [sys.executable, *start, "--output-dir", cookiecutter.output, *arguments]
        return subprocess.run(command, text=True, input=stdin, capture_output=True, **options)

    cookiecutter.output = output
    return cookiecutter


def test_no_input_creates_the_project_and_prints_the_next_steps(cookiecutter):
    done = cookiecutter("--no-input", ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Created token-auth-api. Next:" in done.stdout
    assert "cd token-auth-api\n    make run\n" in done.stdout
    assert (cookiecutter.output / "token-auth-api" / "README.md").exists()


@pytest.mark.parametrize("answers", REFUSED.values(), ids=REFUSED)
def test_refusal_gives_the_reason_and_leaves_nothing(cookiecutter, tmp_path, answers):
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
    answers = ["Notes", "", "", "Ada", "", "2", "", "3", "", "1", "n", "3", "2"]
    done = cookiecutter(ROOT, stdin="".join(f"{answer}\n" for answer in answers))
    assert done.returncode == 0, done.stdout + done.stderr
    project = cookiecutter.output / "notes"
    assert "BSD 3-Clause" in (project / "LICENSE").read_text("utf-8")
    assert "pbkdf2_sha512" in (project / "notes/security/settings.py").read_text("utf-8")
    assert not (project / "Dockerfile").exists()
    assert not (project / ".github").exists()
    assert not (project / "notes/accounts").exists()


def test_existing_folder_is_left_alone(cookiecutter):
    cookiecutter("--no-input", ROOT)
    project = cookiecutter.output / "token-auth-api"
    (project / "README.md").write_text("mine")
    assert cookiecutter("--no-input", ROOT).returncode == 1
    assert (project / "README.md").read_text() == "mine"


def test_overwriting_keeps_the_secrets_and_the_files_of_the_owner(cookiecutter):
    cookiecutter("--no-input", ROOT)
    project = cookiecutter.output / "token-auth-api"
    (project / ".env").write_text("FLASK_SECRET_KEY=mine\n")
    folders = [path for path in project.rglob("*") if path.is_dir()]
    mine = [folder / "mine.py" for folder in (project, *folders)]
    for path in mine:
        path.write_text("mine")
    (project / "Makefile").unlink()
    assert cookiecutter("--no-input", "--overwrite-if-exists", ROOT).returncode == 0
    assert (project / ".env").read_text() == "FLASK_SECRET_KEY=mine\n"
    assert not [path for path in mine if not path.exists()]
    assert (project / "Makefile").exists()


@pytest.mark.parametrize("name", ["with spaces", "Zoë – 日本語 🎉", "it's $HOME #1 %s", "--help"])
def test_output_folder_may_have_any_name(cookiecutter, tmp_path, default_project, name):
    cookiecutter.output = tmp_path / name
    done = cookiecutter("--no-input", ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert read(tmp_path / name / "token-auth-api") == read(default_project)


@pytest.mark.full
def test_project_works_in_a_folder_with_spaces_and_unicode(cookiecutter, tmp_path):
    cookiecutter.output = tmp_path / "Zoë's – projects 🎉"
    cookiecutter("--no-input", ROOT, "project_slug=a")
    done = run(["make", "check", "test", f"PYTHON={sys.executable}"], cookiecutter.output / "a")
    assert "Total coverage: 100.00%" in done.stdout


def test_replay_creates_the_same_project_again(cookiecutter, tmp_path):
    home = {**os.environ, "HOME": str(tmp_path)}
    cookiecutter("--no-input", ROOT, "database=mariadb", "author_name=Zoë", env=home)
    project = cookiecutter.output / "token-auth-api"
    before = read(project)
    shutil.rmtree(project)
    assert cookiecutter("--replay", ROOT, env=home).returncode == 0
    assert read(project) == before


def test_replay_of_a_refused_answer_is_refused(cookiecutter, tmp_path):
    home = {**os.environ, "HOME": str(tmp_path)}
    refused = cookiecutter("--no-input", ROOT, "project_slug=json", env=home)
    again = cookiecutter("--replay", ROOT, env=home)
    assert (again.returncode, again.stderr) == (1, refused.stderr)
    assert not list(cookiecutter.output.iterdir())


# --- Interrupted runs ---------------------------------------------------------

# Sends the signal of Ctrl-C before cookiecutter renders the file with a given number.
INTERRUPT = """
import itertools, os, signal, sys
from cookiecutter import generate
from cookiecutter.__main__ import main

generate_file, number, last = generate.generate_file, itertools.count(), int(sys.argv.pop(1))

def stop_at_last(*args):
    if next(number) == last:
        os.kill(os.getpid(), signal.SIGINT)
    generate_file(*args)

generate.generate_file = stop_at_last
# A program that was started in the background may ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


@pytest.mark.parametrize("files", [0, 1, 10])
def test_ctrl_c_leaves_unfinished_txt_and_a_second_run_completes_the_project(
    cookiecutter, default_project, files
):
    done = cookiecutter("--no-input", ROOT, start=["-c", INTERRUPT, str(files)])
    assert done.returncode == 1
    assert_completed_by_a_second_run(cookiecutter, default_project)


def assert_completed_by_a_second_run(cookiecutter, default_project):
    project = cookiecutter.output / "token-auth-api"
    assert "--overwrite-if-exists" in (project / "UNFINISHED.txt").read_text("utf-8")
    assert len(read(project)) < len(read(default_project))
    (project / ".env").write_text("mine")
    again = cookiecutter("--no-input", ROOT)
    assert (again.returncode, "already exists" in again.stdout) == (1, True)
    again = cookiecutter("--no-input", "--overwrite-if-exists", ROOT)
    assert "An earlier run was interrupted here (UNFINISHED.txt)." in again.stdout
    assert read(project) == {**read(default_project), ".env": b"mine"}


def test_ctrl_c_at_a_question_leaves_nothing(cookiecutter):
    asking = subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", "--output-dir", cookiecutter.output, ROOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # The first question is on the screen.
    assert asking.stdout.read(20)
    asking.send_signal(signal.SIGINT)
    printed = asking.communicate()[1]
    assert (asking.returncode, b"Aborted!" in printed) == (1, True)
    assert not list(cookiecutter.output.iterdir())


@pytest.fixture
def mount(tmp_path):
    """Return a function that mounts a small disk in memory with options, for root only."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    mounted = []

    def mount(folder, options):
        options = f"{options},uid={os.geteuid()},mode=755"
        command = [*sudo, "mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("only root can mount a disk")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        run([*sudo, "umount", folder], tmp_path)


def test_read_only_folder_is_refused_and_nothing_is_left(cookiecutter, mount):
    mount(cookiecutter.output, "ro")
    done = cookiecutter("--no-input", ROOT)
    assert done.returncode == 1
    assert "Unable to create directory" in done.stderr
    assert not list(cookiecutter.output.iterdir())


def test_read_only_project_is_not_overwritten(cookiecutter, mount, tmp_path):
    (cookiecutter.output / "token-auth-api").mkdir()
    mount(cookiecutter.output / "token-auth-api", "ro")
    done = cookiecutter("--no-input", "--overwrite-if-exists", ROOT)
    assert done.returncode == 1
    assert "/token-auth-api: Read-only file system. Try: " in done.stderr
    assert NOTHING in done.stderr


def test_full_disk_is_refused_and_nothing_is_left(cookiecutter, mount):
    mount(cookiecutter.output, "size=16k")
    (cookiecutter.output / "filler").write_bytes(bytes(16384))
    done = cookiecutter("--no-input", ROOT)
    assert done.returncode == 1
    assert "/token-auth-api: No space left on device. Try: " in done.stderr
    assert NOTHING in done.stderr
    assert [path.name for path in cookiecutter.output.iterdir()] == ["filler"]


def test_disk_that_fills_leaves_unfinished_txt_and_a_second_run_completes_the_project(
    cookiecutter, mount, default_project
):
    mount(cookiecutter.output, "size=4m")
    filler = cookiecutter.output / "filler"
    filler.write_bytes(bytes(4 * 1024 * 1024 - 100 * 1024))
    done = cookiecutter("--no-input", ROOT)
    assert (done.returncode, "No space left on device" in done.stderr) == (1, True)
    filler.unlink()
    assert_completed_by_a_second_run(cookiecutter, default_project)


@pytest.mark.full
def test_older_cookiecutter_is_refused_if_it_would_misread_an_answer(cookiecutter, tmp_path):
    python = install_cookiecutter("==2.6.0", tmp_path / "environment")

    command = [python, "-m", "cookiecutter", "--no-input", "-o", cookiecutter.output, ROOT]
    done = subprocess.run([*command, "use_docker=no"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "this template needs cookiecutter 2.7 or newer" in done.stderr
    assert "pip install 'cookiecutter>=2.7'" in done.stderr
    assert not list(cookiecutter.output.iterdir())
