"""The commands of docs/teams.md, for two services, two releases and an own change."""

import os
import re
import subprocess
import sys
import tempfile

import pytest
import yaml
from conftest import OPTIONS, ROOT, commit_all, copy_this_version, run

TOOLS = os.path.dirname(sys.executable)
SAFE = {
    "FLASK_SECRET_KEY": "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4",
    "FLASK_SECURITY_PASSWORD_SALT": "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e",
    "FLASK_SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "FLASK_HSTS_SECONDS": "31536000",
    "FLASK_PROXY_COUNT": "1",
    "FLASK_RATELIMIT_STORAGE_URI": "redis://127.0.0.1:6379",
    # There need be no Redis.
    "FLASK_SILENCED_CHECKS": '["auth.E049"]',
    "FLASK_TRUSTED_HOSTS": '["api.example.com"]',
}
TEXT = (ROOT / "docs/teams.md").read_text("utf-8")


def block(language, containing):
    """Return the one block of a language that has these words."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    (found,) = [text for text in blocks if containing in text]
    return found


CREATE = block("sh", "cruft create")
UPDATE = block("sh", "cruft update")
CHANGE = block("sh", "organisation-template")
MERGE = block("sh", "git merge")


@pytest.fixture
def team(git, tmp_path, monkeypatch):
    """Return a folder with organisation.yaml, next to a template with two releases."""
    template = copy_this_version(tmp_path / "template")
    commit_all(git, template)
    git(template, "tag", "v0.1.0")
    (template / "{{cookiecutter.project_slug}}/news.md").write_text("# News\n")
    commit_all(git, template)
    git(template, "tag", "v0.2.0")
    monkeypatch.setenv("PATH", TOOLS + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("UV_SYSTEM_CERTS", "true")
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "organisation.yaml").write_text(block("yaml", "default_context"), "utf-8")
    return folder


def run_script(folder, text):
    template = folder.parent / "template"
    return run(["bash", "-euc", text.replace("TEMPLATE", str(template))], folder)


def create_service(git, team, name, text=CREATE):
    run_script(team, text.replace("Orders", name))
    service = team / name.lower()
    commit_all(git, service)
    return service


def test_services_are_generated_with_the_answers_of_the_organisation_from_the_tag(git, team):
    service = create_service(git, team, "Invoices")
    assert "Copyright (c) Example Ltd" in (service / "LICENSE").read_text("utf-8")
    assert "psycopg" in (service / "pyproject.toml").read_text("utf-8")
    assert (service / ".gitlab-ci.yml").exists()
    assert not (service / "news.md").exists()


def test_service_is_updated_to_the_tag_of_all_services(git, team):
    service = create_service(git, team, "Orders")
    update, check = UPDATE.splitlines()
    run_script(service, update)
    assert (service / "news.md").read_text() == "# News\n"
    assert check == "make check test"


CHECK = yaml.safe_load(block("yaml", "auth-check"))["auth-check"]


@pytest.fixture
def check_service(git, installed, team):
    """Return a function that creates a service, and runs the job of its own pipeline."""

    def check(name, **settings):
        service = installed(create_service(git, team, name))
        done = subprocess.run(
            ["bash", "-euc", "\n".join(CHECK["script"])],
            cwd=service,
            env=os.environ | SAFE | settings,
        )
        (report,) = CHECK["artifacts"]["paths"]
        reports = team / "reports"
        reports.mkdir(exist_ok=True)
        (service / report).rename(reports / f"{name.lower()}.json")
        return done.returncode

    return check


@pytest.fixture
def run_nightly_job(team, tmp_path):
    """Return a function that runs the central job: it has no setting of any service."""

    def run_job(version, *services):
        return subprocess.run(
            ["bash", "-c", block("bash", "nightly.sh")],
            cwd=tempfile.mkdtemp(dir=tmp_path),
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ["HOME"],
                "VERSION": version,
                "REPORTS": str(team / "reports"),
            },
            input="".join(f"{name} {team / name}\n" for name in services),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run_job


@pytest.mark.full
def test_nightly_job_reports_outdated_and_unsafe_services(check_service, run_nightly_job):
    assert check_service("Orders") == 0
    assert check_service("Invoices", FLASK_CORS_ORIGINS='["*"]') == 1
    good = run_nightly_job("v0.1.0", "orders")
    assert good.returncode == 0, good.stdout
    assert "== orders" in good.stdout
    unsafe = run_nightly_job("v0.1.0", "orders", "invoices")
    assert unsafe.returncode == 1
    assert re.findall(r"^auth\.\w+", unsafe.stdout, re.MULTILINE) == ["auth.E028"]
    outdated = run_nightly_job("v0.2.0", "orders")
    assert outdated.returncode == 1
    assert "out of date" in outdated.stdout


def test_nightly_job_reports_a_service_without_findings_file(git, run_nightly_job, team):
    create_service(git, team, "Orders")
    done = run_nightly_job("v0.1.0", "orders")
    assert done.returncode == 1
    assert "reports/orders.json" in done.stdout


def test_nightly_job_runs_no_code_of_a_service(git, run_nightly_job, team, tmp_path):
    service = create_service(git, team, "Orders")
    plant = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    for name in ("token.py", "json.py", "sitecustomize.py", "orders/__init__.py"):
        (service / name).write_text(plant)
    (service / "Makefile").write_text(f"all:\n\ttouch {tmp_path / 'ran'}\n")
    commit_all(git, service)
    (team / "reports").mkdir()
    (team / "reports/orders.json").write_text("[]")
    assert run_nightly_job("v0.1.0", "orders").returncode == 0
    assert not (tmp_path / "ran").exists()


def test_settings_are_readable_in_the_pipeline_of_their_service_only():
    assert CHECK["environment"] == "production"
    assert not re.search(r"\.env\b|FLASK_|SETTINGS|make|flask", block("bash", "nightly.sh"))


def test_own_change_of_the_organisation_stays_with_the_next_release(git, team):
    change, clone = "Questions? Ask in the channel api-help.", team / "organisation-template"
    run_script(team, CHANGE)
    command = CREATE.replace("TEMPLATE", str(clone)).replace("v0.1.0", "v0.1.0-organisation.1")
    service = create_service(git, team, "Orders", command)
    assert change in (service / "README.md").read_text("utf-8")
    run_script(clone, MERGE)
    update, _ = UPDATE.splitlines()
    run_script(service, update.replace("v0.2.0", "v0.2.0-organisation.1"))
    assert change in (service / "README.md").read_text("utf-8")
    assert (service / "news.md").exists()


def test_answers_of_the_organisation_name_existing_questions():

    named = re.findall(r"^  (\w+):", block("yaml", "default_context"), re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= OPTIONS
