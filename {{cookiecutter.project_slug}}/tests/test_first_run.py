"""first_run writes .env, once."""

import shutil
import stat

import pytest
from click.testing import CliRunner
from dotenv import dotenv_values
from werkzeug.utils import import_string

main = import_string("first_run:main")


@pytest.fixture
def run(monkeypatch, project, tmp_path):
    """Return a function that does the first run, in a folder of its own."""
    shutil.copy(project / ".env.example", tmp_path)
    monkeypatch.chdir(tmp_path)
    return lambda: CliRunner().invoke(main, catch_exceptions=False)


def test_every_secret_is_fresh_and_the_login_is_shown(run, tmp_path):
    output = run().output
    env = dotenv_values(tmp_path / ".env")
    empty = [name for name, value in dotenv_values(".env.example").items() if not value]
    assert {"FLASK_SECRET_KEY", "FLASK_SECURITY_PASSWORD_SALT"} < set(empty)
    assert len({env[name] for name in empty}) == len(empty)
    assert min(len(env[name]) for name in empty) >= 32
    assert env["SEED_USER_EMAIL"] in output
    assert env["SEED_USER_PASSWORD"] in output
    assert env["FLASK_SECRET_KEY"] not in output


def test_file_is_readable_by_its_owner_alone(run, tmp_path):
    run()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_second_run_changes_nothing(run, tmp_path):
    run()
    before = (tmp_path / ".env").read_bytes()
    assert run().output == ".env exists already. Nothing was changed.\n"
    assert (tmp_path / ".env").read_bytes() == before


def test_app_starts_with_what_was_written(run, create_app, monkeypatch):
    run()
    for name, value in dotenv_values(".env").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite://")
    assert create_app()
