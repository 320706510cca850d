"""The commands and the tables of the READMEs and of the docs."""

import os
import re
import subprocess
import sys
import textwrap

import pytest
import requests
from conftest import OPTIONS, QUESTIONS, ROOT, copy_this_version, run, seed_user

TOOLS = os.path.dirname(sys.executable)


def find_blocks(text, language):
    """Return the code blocks of a language, but for those in lists, which are indented."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def find_steps(text, language):
    """Return the code blocks of a language in numbered lists."""
    steps = re.findall(rf"^   ```{language}\n(.*?)^   ```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(step) for step in steps]


@pytest.mark.deep
def test_commands_of_the_generated_readme_work(bake, installed, serve):
    project = installed(bake())
    readme = (project / "README.md").read_text("utf-8")
    base = serve(project)
    server, *commands, develop = find_blocks(readme, "sh")
    assert server == "make run\n"
    page = (project / "docs/features.md").read_text("utf-8")
    assert "FLASK_HTTP_BASIC_AUTH=true make run\n" in find_blocks(page, "bash")

    # In one shell, as in a terminal. It ends at the first command that fails.
    script = 'http() { command http --ignore-stdin --check-status --pretty=none "$@"; }\n'
    script += "\n".join(commands).replace("http://127.0.0.1:5001", base)
    script = script.replace(":5001", base.removeprefix("http://127.0.0.1"))
    script = script.replace("curl ", "curl --silent --fail-with-body ")
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = run(["bash", "-euo", "pipefail", "-c", script], project, env=environment)
    assert done.stdout.count('{"items":{"Key1":"Value1","Key2":"value2"}}') == 3
    assert done.stdout.count('"authentication_token":"') == 3
    assert "Revoked every token of test@example.com." in done.stdout
    assert '"openapi": "3.1.0"' in (project / "openapi.json").read_text("utf-8")

    run(["bash", "-euc", develop], project)


@pytest.mark.deep
def test_steps_of_the_generated_readme_work(bake, installed):
    project = installed(bake())
    run([".venv/bin/python", "first_run.py"], project)
    migrate, upgrade, secret, install, *rest = find_steps(
        (project / "README.md").read_text("utf-8"), "sh"
    )
    upgrade_server, start, check, cleanup, lock, upgrade_new = rest
    assert upgrade == upgrade_server == upgrade_new == ".venv/bin/flask db upgrade\n"
    # Other tests run these three: they install, serve and lock.
    assert "-m pip install --require-hashes -r requirements-build.txt\n" in install
    assert "--require-hashes --no-build-isolation -r requirements.txt\n" in install
    assert (start, lock) == (".venv/bin/gunicorn\n", "make lock\n")

    run(["sh", "-euc", upgrade_new], project)
    models = project / "token_auth_api/notes/models.py"
    column = "    color: Mapped[str | None] = mapped_column(String(20))\n\n    # Of two changes"
    text = models.read_text("utf-8").replace("\n    # Of two changes", column, 1)
    models.write_text(text, "utf-8")
    assert "Detected added column 'note.color'" in run(["sh", "-euc", migrate], project).stdout
    assert "-> " in run(["sh", "-euc", upgrade], project).stdout
    check_tables = [".venv/bin/flask", "db", "check"]
    assert "No new upgrade operations detected" in run(check_tables, project).stdout
    assert len(run(["sh", "-euc", secret], project).stdout.strip()) == 43

    assert "Deleted 0 ended sessions." in run(["sh", "-euc", cleanup], project).stdout
    done = subprocess.run(["sh", "-euc", check], cwd=project, capture_output=True, text=True)
    assert done.returncode == 1
    assert "auth.E024 error: TRUSTED_HOSTS is not set." in done.stdout


@pytest.mark.deep
def test_python_of_the_generated_readme_works(bake, installed, serve):
    project = installed(bake())
    (code,) = find_blocks((project / "README.md").read_text("utf-8"), "python")
    code = code.replace("http://127.0.0.1:5001", serve(project))
    user = seed_user(project)
    answers = "import builtins, getpass\n"
    answers += f"builtins.input = lambda _: {user['email']!r}\n"
    answers += f"getpass.getpass = lambda: {user['password']!r}\n"
    printed = run([sys.executable, "-c", answers + code], project).stdout
    assert printed == "{'items': {'Key1': 'Value1', 'Key2': 'value2'}}\n"


@pytest.mark.deep
def test_commands_for_windows_set_the_project_up(bake, environment):
    project = bake()
    (commands,) = find_blocks((project / "README.md").read_text("utf-8"), "powershell")
    lines = commands.replace("\\", "/").replace(".venv/Scripts/", f"{environment}/bin/")
    venv, build, pip, *setup, serve = lines.splitlines()
    assert venv == "py -m venv .venv"
    install = f"{environment}/bin/python -m pip install --require-hashes"
    assert build == f"{install} -r requirements-build.txt"
    assert pip == f"{install} --no-build-isolation -r requirements-dev.txt"
    assert serve.endswith("/bin/flask run")
    for line in setup:
        run(line.split(), project)
    run(["make", "test"], with_environment(project, environment))


def with_environment(project, environment):
    (project / ".venv").symlink_to(environment)
    (environment / ".installed").touch()
    return project


@pytest.mark.deep
def test_make_serve_serves_the_same_api(bake, installed, serve):
    project = installed(bake())
    base = serve(project, "serve")
    answer = requests.post(f"{base}/login", json=seed_user(project), timeout=20)
    assert (answer.status_code, answer.headers["Server"]) == (200, "gunicorn")
    # As in production: the settings of .flaskenv are for development.
    assert requests.get(f"{base}/docs", timeout=20).status_code == 404
    (log,) = project.parent.glob("server-*.log")
    assert '"path": "/docs", "status": 404' in log.read_text("utf-8")


@pytest.mark.deep
def test_make_lock_renews_both_locks(bake):
    project = bake()
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    locks = [project / name for name in ("requirements.txt", "requirements-dev.txt")]
    for lock in locks:
        lock.write_text("flask==3.1.0\n")
    environment = {**os.environ, "PATH": path, "UV_SYSTEM_CERTS": "true"}
    run(["make", "lock"], project, env=environment)
    for lock in locks:
        assert "flask-security==" in lock.read_text("utf-8")
        assert "flask==3.1.0" not in lock.read_text("utf-8")


# Prints the settings that the environment can change, without those that are fixed.
PRINT_SETTINGS = """
from token_auth_api.settings import find_settings, rules
for name, setting in find_settings("token_auth_api").items():
    if isinstance(setting, rules.Setting):
        if not str(setting.find_problem("another")).startswith("is fixed"):
            print(name)
"""

# Settings of Flask itself.
OF_FLASK = {"RUN_HOST", "RUN_PORT"}


@pytest.mark.parametrize(
    ("features", "pages"),
    [("full", ["README.md", "docs/accounts.md", "docs/features.md"]), ("core", ["README.md"])],
    ids=["full", "core"],
)
def test_every_setting_is_in_a_table_of_the_readme(bake, environment, features, pages):
    project = bake(features=features)
    text = "".join((project / page).read_text("utf-8") for page in pages)
    rows = re.findall(r"^\| (`FLASK_.*?) \|", text, re.MULTILINE)
    in_tables = set(re.findall(r"`FLASK_([A-Z_]+)`", "".join(rows)))
    everywhere = set(re.findall(r"FLASK_([A-Z_]+)", text))
    printed = run([environment / "bin/python", "-Bc", PRINT_SETTINGS], project).stdout
    assert in_tables - OF_FLASK == everywhere - OF_FLASK == set(printed.split())


def test_first_command_of_our_readme_comes_early():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert "make demo" in lines[:15]


def test_our_readme_has_every_option_with_its_default_and_its_choices():
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", readme, re.MULTILINE)
    table = {name: (default, answers) for name, default, answers in rows}
    assert table.keys() == OPTIONS
    for name, (default, answers) in table.items():
        value = QUESTIONS[name]
        choices = value if isinstance(value, list) else ["true", "false"]
        expected = "from the name" if name == "project_slug" else value
        if isinstance(value, list | bool):
            expected = choices[0]
            assert answers == ", ".join(choices), name
        assert default == expected, name


def test_refusal_in_our_readme_is_what_is_printed(tmp_path):
    consoles = find_blocks((ROOT / "README.md").read_text("utf-8"), "console")
    command, *printed = next(text for text in consoles if text.startswith("$ ")).splitlines()
    words = command.removeprefix("$ cookiecutter ").split()
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", "--output-dir", tmp_path, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[: len(printed)] == printed


@pytest.mark.deep
def test_commands_of_our_readme_work(tmp_path):
    commands = "\n".join(find_blocks((ROOT / "README.md").read_text("utf-8"), "sh"))
    assert "make demo" in commands
    typed = re.findall(r"^cookiecutter .*", commands, re.MULTILINE)
    assert len(typed) == 2
    for line in typed:
        command = f"{TOOLS}/{line} --output-dir {tmp_path}".replace(" PATH", f" {ROOT}")
        # Only Enter is pressed: every question has a default.
        run(["bash", "-c", f"yes '' | head -20 | {command}"], ROOT)
    assert {path.name for path in tmp_path.iterdir()} == {"token-auth-api", "notes-api"}


def find_exchanges(text):
    """Return the requests and the answers, without the tokens."""
    return re.findall(r"^[<>] .*", re.sub(r"[\w.-]+\.\.\.", "TOKEN", text), re.MULTILINE)


@pytest.fixture
def run_demo(tmp_path):
    """Return a function that runs `make demo` in a copy of this version, in an empty home."""
    clone = copy_this_version(tmp_path / "clone")
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    environment |= {k: v for k, v in os.environ.items() if k.startswith("PIP_")}

    def run_demo():
        command = ["make", "demo", f"PYTHON={sys.executable}"]
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run_demo.clone = clone
    return run_demo


def list_installed(folder):
    """Return the times of what is installed in a .venv; caches of bytecode do not count."""
    files = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
    return {path: path.stat().st_mtime_ns for path in files if path.is_file()}


@pytest.mark.deep
def test_make_demo_prints_what_our_readme_shows_in_40_lines_and_installs_once(run_demo):
    shown, *_ = find_blocks((ROOT / "README.md").read_text("utf-8"), "console")
    environments = [run_demo.clone / ".venv", run_demo.clone / "demo/token-auth-api/.venv"]
    first = run_demo()
    installed = [list_installed(folder) for folder in environments]
    second = run_demo()
    for done in (first, second):
        assert find_exchanges(done.stdout) == find_exchanges(shown)
        assert len((done.stdout + done.stderr).splitlines()) <= 40
    assert all(installed)
    assert [list_installed(folder) for folder in environments] == installed


@pytest.mark.parametrize("page", [*ROOT.glob("docs/*.md"), *ROOT.glob("{{*/docs/*.md")], ids=str)
def test_tests_that_the_docs_name_exist(page):
    text = page.read_text("utf-8")
    named = set(re.findall(r"`(?:[\w/]+/)?(test_\w+)(?:\.py)?`", text))
    paths = [p.removeprefix("tests/") for p in re.findall(r"`([\w/]+/test_\w+\.py)`", text)]

    files = [*ROOT.glob("tests/*.py"), *ROOT.glob("{{*/tests/**/*.py")]
    tests = re.findall(r"^def (test_\w+)", "".join(f.read_text("utf-8") for f in files), re.M)
    assert named - {*tests, *(file.stem for file in files)} == set()
    assert [p for p in paths if not any(f.as_posix().endswith(f"/tests/{p}") for f in files)] == []
