"""What the READMEs tell people to type, typed."""

import os
import re
import subprocess
import sys

import pytest
import requests
from conftest import OPTIONS, ROOT, run, seed_user

TOOLS = os.path.dirname(sys.executable)


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.deep
def test_commands_of_the_generated_readme_work(bake, installed, serve):
    project = installed(bake())
    readme = (project / "README.md").read_text("utf-8")
    base = serve(project)
    server, *commands, basic, develop = blocks(readme, "sh")
    assert server == "make run\n"
    assert basic == "FLASK_HTTP_BASIC_AUTH=true make run\n"

    # As in a terminal: one shell, that stops at the first command that fails.
    script = 'http() { command http --ignore-stdin --check-status --pretty=none "$@"; }\n'
    script += "\n".join(commands).replace("http://127.0.0.1:5001", base)
    script = script.replace(":5001", base.removeprefix("http://127.0.0.1"))
    script = script.replace("curl ", "curl --silent --fail-with-body ")
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = run(["bash", "-euo", "pipefail", "-c", script], project, env=environment)
    assert done.stdout.count('{"items":{"Key1":"Value1","Key2":"value2"}}') == 3
    assert done.stdout.count('"authentication_token":"') == 3
    assert "Every token of test@example.com is revoked." in done.stdout

    run(["bash", "-euc", develop], project)


@pytest.mark.deep
def test_python_of_the_generated_readme_works(bake, installed, serve):
    project = installed(bake())
    (code,) = blocks((project / "README.md").read_text("utf-8"), "python")
    code = code.replace("http://127.0.0.1:5001", serve(project))
    user = seed_user(project)
    answers = "import builtins, getpass\n"
    answers += f"builtins.input = lambda _: {user['email']!r}\n"
    answers += f"getpass.getpass = lambda: {user['password']!r}\n"
    printed = run([sys.executable, "-c", answers + code], project).stdout
    assert printed == "{'items': {'Key1': 'Value1', 'Key2': 'value2'}}\n"


@pytest.mark.deep
def test_commands_for_windows_are_those_of_make(bake, environment):
    project = bake()
    (commands,) = blocks((project / "README.md").read_text("utf-8"), "powershell")
    lines = commands.replace("\\", "/").replace(".venv/Scripts/", f"{environment}/bin/")
    venv, pip, *setup, serve = lines.splitlines()
    assert venv == "py -m venv .venv"
    assert pip.endswith("/bin/python -m pip install --require-hashes -r requirements-dev.txt")
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
    # As in production, whatever .flaskenv has for development.
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


# A wrong kind of these does nothing unexpected: setting_rules.py does not look at them.
OF_ANY_KIND = ["MAIL_BACKEND", "MAIL_USE_SSL", "MAIL_USE_TLS"]


def test_every_setting_of_ours_is_in_the_readme(default_project, environment):
    pages = [default_project / "README.md", default_project / "docs/accounts.md"]
    text = "".join(page.read_text("utf-8") for page in pages)
    named = set(re.findall(r"`FLASK_([A-Z_]+)`", text)) - {"RUN_HOST", "RUN_PORT"}
    script = "from token_auth_api import config, setting_rules\n"
    script += "print(*setting_rules.KINDS, *config.TEXTS)"
    printed = run([environment / "bin/python", "-Bc", script], default_project).stdout
    assert named == {*printed.split(), *OF_ANY_KIND}


def test_first_command_of_our_readme_comes_early():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert "make demo" in lines[:15]


def test_our_readme_has_every_option_with_its_default():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)) == OPTIONS


def test_refusal_in_our_readme_is_what_is_printed(tmp_path):
    consoles = blocks((ROOT / "README.md").read_text("utf-8"), "console")
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
    commands = "\n".join(blocks((ROOT / "README.md").read_text("utf-8"), "sh"))
    assert "make demo" in commands
    typed = re.findall(r"^cookiecutter .*", commands, re.MULTILINE)
    assert len(typed) == 2
    for line in typed:
        command = f"{TOOLS}/{line} --output-dir {tmp_path}".replace(" PATH", f" {ROOT}")
        # Enter, Enter, ...: every question has a default.
        run(["bash", "-c", f"yes '' | head -20 | {command}"], ROOT)
    assert {path.name for path in tmp_path.iterdir()} == {"token-auth-api", "notes-api"}


def exchanges(text):
    """Return what was sent and answered, without the tokens."""
    return re.findall(r"^[<>] .*", re.sub(r"[\w.-]+\.\.\.", "TOKEN", text), re.MULTILINE)


@pytest.mark.deep
def test_make_demo_prints_what_our_readme_shows(tmp_path):
    run(["git", "clone", "--quiet", ROOT, "clone"], tmp_path)
    (tmp_path / "home").mkdir()
    environment = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["make", "demo", f"PYTHON={sys.executable}"],
        cwd=tmp_path / "clone",
        env=environment | {k: v for k, v in os.environ.items() if k.startswith("PIP_")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown, *_ = blocks((ROOT / "README.md").read_text("utf-8"), "console")
    assert exchanges(shown) == exchanges(done.stdout)
    assert (tmp_path / "clone/demo/token-auth-api/README.md").exists()


@pytest.mark.parametrize("page", [*ROOT.glob("docs/*.md"), *ROOT.glob("{{*/docs/*.md")], ids=str)
def test_tests_that_the_docs_name_exist(page):
    named = set(re.findall(r"`(test_\w+)(?:\.py)?`", page.read_text("utf-8")))
    files = [*ROOT.glob("tests/*.py"), *ROOT.glob("{{*/tests/*.py")]
    tests = re.findall(r"^def (test_\w+)", "".join(f.read_text("utf-8") for f in files), re.M)
    assert named - {*tests, *(file.stem for file in files)} == set()
