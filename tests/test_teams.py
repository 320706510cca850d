"""What docs/teams.md says to type, typed: for two services, two releases and a patch."""

import os
import re
import subprocess
import sys

import pytest
from conftest import OPTIONS, ROOT, commit_all, copy_of_this_version, run

TOOLS = os.path.dirname(sys.executable)
SAFE = {
    "FLASK_SECRET_KEY": "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4",
    "FLASK_SECURITY_PASSWORD_SALT": "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e",
    "FLASK_SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://nobody@127.0.0.1:1/none",
    "FLASK_HSTS_SECONDS": "31536000",
    "FLASK_PROXY_COUNT": "1",
    "FLASK_RATELIMIT_STORAGE_URI": "redis://127.0.0.1:6379",
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
PATCH = block("sh", "house-template")
MERGE = block("sh", "git merge")


@pytest.fixture
def team(git, tmp_path, monkeypatch):
    """Return a folder with house.yaml; beside it is a template with two releases."""
    template = copy_of_this_version(tmp_path / "template")
    commit_all(git, template)
    git(template, "tag", "v0.1.0")
    (template / "{{cookiecutter.project_slug}}/news.md").write_text("# News\n")
    commit_all(git, template)
    git(template, "tag", "v0.2.0")
    monkeypatch.setenv("PATH", TOOLS + os.pathsep + os.environ["PATH"])
    monkeypatch.setenv("UV_SYSTEM_CERTS", "true")
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "house.yaml").write_text(block("yaml", "default_context"), "utf-8")
    return folder


def type_in(folder, text, **options):
    template = folder.parent / "template"
    return run(["bash", "-euc", text.replace("TEMPLATE", str(template))], folder, **options)


def create(git, team, name, text=CREATE):
    type_in(team, text.replace("Orders", name))
    service = team / name.lower()
    commit_all(git, service)
    return service


def test_services_are_made_of_the_house_answers_and_the_tag(git, team):
    service = create(git, team, "Invoices")
    assert "Copyright (c) Example Ltd" in (service / "LICENSE").read_text("utf-8")
    assert "psycopg" in (service / "pyproject.toml").read_text("utf-8")
    assert (service / ".gitlab-ci.yml").exists()
    assert not (service / "news.md").exists()


def test_service_moves_to_the_tag_of_all(git, team):
    service = create(git, team, "Orders")
    update, check = UPDATE.splitlines()
    type_in(service, update)
    assert (service / "news.md").read_text() == "# News\n"
    assert check == "make check test"


@pytest.mark.full
def test_nightly_job_names_who_is_behind_and_who_is_unsafe(git, team, tmp_path):
    settings = tmp_path / "settings"
    settings.mkdir()
    unsafe = {"invoices": {"FLASK_CORS_ORIGINS": '["*"]'}}
    names = ["orders", "invoices"]
    for name in names:
        create(git, team, name.title())
        lines = [f"{key}={value}\n" for key, value in (SAFE | unsafe.get(name, {})).items()]
        (settings / f"{name}.env").write_text("".join(lines))
        (settings / f"{name}.env").chmod(0o600)

    def night(version, services):
        folder = tmp_path / f"{version}-{len(services)}"
        folder.mkdir()
        return subprocess.run(
            ["bash", "-c", block("bash", "nightly.sh")],
            cwd=folder,
            env={**os.environ, "VERSION": version, "SETTINGS": str(settings)},
            input="".join(f"{name} {team / name}\n" for name in services),
            capture_output=True,
            text=True,
        )

    good = night("v0.1.0", ["orders"])
    assert good.returncode == 0, good.stdout + good.stderr
    assert "== orders" in good.stdout
    unsafe = night("v0.1.0", names)
    assert unsafe.returncode == 1
    assert unsafe.stdout.count("auth.E") == 1
    behind = night("v0.2.0", ["orders"])
    assert behind.returncode == 1
    assert "out of date" in behind.stdout


def test_patch_of_the_house_is_carried_to_the_next_release(git, team):
    patch, house = "Questions? Ask in the channel api-help.", team / "house-template"
    type_in(team, PATCH)
    from_house = CREATE.replace("TEMPLATE", str(house)).replace("v0.1.0", "v0.1.0-house.1")
    service = create(git, team, "Orders", from_house)
    assert patch in (service / "README.md").read_text("utf-8")
    type_in(house, MERGE)
    type_in(service, UPDATE.splitlines()[0].replace("v0.2.0", "v0.2.0-house.1"))
    assert patch in (service / "README.md").read_text("utf-8")
    assert (service / "news.md").exists()


def test_house_answers_are_to_questions_that_there_are():
    named = re.findall(r"^  (\w+):", block("yaml", "default_context"), re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= OPTIONS
