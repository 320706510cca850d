"""The tables, and what they store."""

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask import Flask
from flask_migrate import check
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from tests.conftest import EMAIL, MIGRATIONS, OTHER_EMAIL, OTHER_PASSWORD


@pytest.fixture
def session(app):
    """Return a session of the database, in an app context: for no request."""
    with app.app_context():
        yield app.extensions["sqlalchemy"].session


@pytest.fixture
def user(package, session):
    return package.security.users.find_user_by_email(EMAIL)


def test_migrations_make_what_the_models_say(in_app):
    in_app(check, MIGRATIONS)


ON_CONNECT = {
    "sqlite": {
        "PRAGMA journal_mode": "wal",
        "PRAGMA synchronous": 1,
        "PRAGMA foreign_keys": 1,
        "PRAGMA busy_timeout": 30_000,
    },
    "postgresql": {"SHOW statement_timeout": "10s"},
    "mysql": {"SELECT @@max_statement_time": 10},
}


def test_every_connection_has_our_settings(engine):
    with engine.connect() as connection:
        expected = ON_CONNECT[engine.dialect.name]
        assert {ask: connection.scalar(text(ask)) for ask in expected} == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_new_sqlite_database_is_readable_by_its_owner_only(
    make_instance_app, tmp_path, umask
):
    before = os.umask(umask)
    app = make_instance_app()
    with app.app_context(), app.extensions["sqlalchemy"].engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (id INTEGER)"))
        modes = {
            path.relative_to(tmp_path).as_posix(): oct(path.stat().st_mode)[-3:]
            for path in tmp_path.rglob("*")
        }
    os.umask(before)
    assert modes == {
        "instance": "700",
        "instance/new.db": "600",
        "instance/new.db-wal": "600",
        "instance/new.db-shm": "600",
    }


def test_mode_of_an_existing_database_is_left_as_it_is(make_instance_app, tmp_path):
    file = tmp_path / "instance/new.db"
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
    file.chmod(0o640)
    app = make_instance_app()
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect():
        assert oct(file.stat().st_mode)[-3:] == "640"


@pytest.fixture
def make_instance_app(make_app, monkeypatch, tmp_path):
    """Return a function that makes an app with a new database in a new folder."""
    folder = property(lambda app: str(tmp_path / "instance"), lambda app, path: None)
    monkeypatch.setattr(Flask, "instance_path", folder, raising=False)
    return lambda: make_app(SQLALCHEMY_DATABASE_URI="sqlite:///new.db")


def test_options_of_a_connection_are_added_to_ours(make_app):
    options = {"connect_args": {"check_same_thread": False}}
    app = make_app(
        SQLALCHEMY_ENGINE_OPTIONS=options, SQLALCHEMY_DATABASE_URI="sqlite://"
    )
    assert app.config["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"] == {
        "timeout": 30,
        "isolation_level": "IMMEDIATE",
        "check_same_thread": False,
    }


@pytest.fixture
def find_user(in_app, package):
    """Return a function that reads the row of the user."""
    return lambda: in_app(package.security.users.find_user_by_email, EMAIL)


def test_login_is_tracked(auth, find_user):
    auth.login()
    auth.login()
    user = find_user()
    assert (user.login_count, user.current_login_ip) == (2, "127.0.0.1")
    assert user.last_login_at < user.current_login_at


def test_logins_at_once_are_all_counted(auth, find_user):
    with ThreadPoolExecutor(8) as clients:
        statuses = list(clients.map(lambda _: auth.login().status_code, range(8)))
    assert find_user().login_count == statuses.count(200) > 0


def test_refused_login_is_not_counted(auth, find_user):
    auth.login(password="wrong horse battery")
    user = find_user()
    assert (user.login_count, user.current_login_at) == (0, None)


def test_rows_know_when_they_were_made_and_changed(package, session):
    user = package.security.users.create_user(OTHER_EMAIL, OTHER_PASSWORD)
    created = user.modified_at
    assert timedelta(0) <= datetime.now(UTC) - user.created_at < timedelta(minutes=1)
    user.first_name = "Ada"
    session.commit()
    assert user.modified_at > created


def test_moment_in_another_time_zone_comes_back_the_same(session, user):
    there = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    user.confirmed_at = there
    session.commit()
    assert user.confirmed_at == there
    assert user.confirmed_at.tzinfo == UTC


def test_moment_without_a_time_zone_is_refused(session, user):
    user.confirmed_at = datetime(2026, 7, 1, 12)
    with pytest.raises(StatementError, match="has no time zone"):
        session.commit()


def test_user_who_is_deleted_by_sql_leaves_no_session(auth, sql):
    token = auth.token()
    sql("DELETE FROM auth_user")
    assert sql("SELECT count(*) FROM auth_session") == [(0,)]
    assert auth.call(token).status_code == 401


def test_error_is_logged_without_the_values_of_its_sql(session, sql):
    with pytest.raises(Exception, match="SELECT") as error:
        sql("SELECT :secret FROM nowhere", secret="s3cret")
    assert "s3cret" not in str(error.value)
