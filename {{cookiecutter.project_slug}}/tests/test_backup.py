"""`flask db-backup`: a complete backup that only its owner can read."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask.testing import FlaskCliRunner
from flask_migrate import upgrade
from sqlalchemy import make_url

from tests.conftest import EMAIL, MIGRATIONS, PASSWORD


@pytest.fixture
def app(make_app, package, tmp_path):
    """Return an app with one user, on SQLite, with an instance folder of its own."""
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/app.db")
    app.instance_path = str(tmp_path / "instance")
    with app.app_context():
        upgrade(MIGRATIONS)
        package.security.users.create_user(EMAIL, PASSWORD)
    return app


def back_up(app):
    return FlaskCliRunner(app).invoke(args=["db-backup"])


def list_backups(app):
    return list(Path(app.instance_path).glob("backup-*.db"))


def test_backup_has_every_row(app):
    assert back_up(app).exit_code == 0
    (backup,) = list_backups(app)
    with closing(sqlite3.connect(backup)) as copy:
        assert copy.execute("SELECT email FROM auth_user").fetchall() == [(EMAIL,)]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_backup_is_readable_by_its_owner_only(app, umask):
    before = os.umask(umask)
    result = back_up(app)
    os.umask(before)
    assert result.exit_code == 0, result.output
    (backup,) = list_backups(app)
    assert [oct(path.stat().st_mode)[-3:] for path in (backup.parent, backup)] == [
        "700",
        "600",
    ]


def test_existing_file_is_not_overwritten(app, monkeypatch, package):
    moment = package.database.utc_now()
    monkeypatch.setattr(package.backup, "utc_now", lambda: moment)
    back_up(app)
    (first,) = list_backups(app)
    first.write_text("the first")
    result = back_up(app)
    assert (result.exit_code, first.read_text()) == (1, "the first")
    assert "No backup was made: " in result.output


def test_failure_leaves_no_file(app, tmp_path):
    for journal in tmp_path.glob("app.db-*"):
        journal.unlink()
    (tmp_path / "app.db").write_text("this is no database" * 100)
    result = back_up(app)
    assert result.exit_code == 1
    assert "No backup was made: " in result.output
    assert list_backups(app) == []


def test_database_that_does_not_exist_is_an_error_and_stays_so(make_app, tmp_path):
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/none.db")
    result = back_up(app)
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "there is no database file. Run: flask db upgrade" in result.output


@pytest.mark.parametrize(
    ("url", "command"),
    [
        (
            "postgresql+psycopg://me@db.example.com:5433/my app",
            "Run: (umask 077; pg_dump --format=custom --file=backup.dump "
            "--host=db.example.com --port=5433 --user=me 'my app')",
        ),
        (
            "mysql+pymysql://me@db.example.com/app",
            "Run: (umask 077; mariadb-dump --single-transaction --password "
            "--result-file=backup.sql --host=db.example.com --user=me app)",
        ),
        ("oracle://me@db/app", "Use the tools of the database server."),
    ],
)
def test_command_for_a_server_has_no_password(package, url, command):
    server = make_url(url).set(password="hidden")
    assert package.backup.describe_command(server) == command


def test_on_a_server_nothing_is_written(app, monkeypatch, package):
    server = make_url("postgresql://me@db.example.com/app").set(password="hidden")
    database = SimpleNamespace(engine=SimpleNamespace(url=server))
    monkeypatch.setattr(package.backup, "db", database)
    result = back_up(app)
    assert (result.exit_code, list_backups(app)) == (1, [])
    assert "this command is for SQLite. Run: (umask 077; pg_dump " in result.output
    assert "hidden" not in result.output
