"""The tables, and what they keep."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from flask_migrate import check
from sqlalchemy import column, text
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError, StatementError


@pytest.fixture
def datastore(app):
    """Return the library's datastore, in an app context: for no request."""
    with app.app_context():
        yield app.extensions["security"].datastore


@pytest.fixture
def user(datastore):
    return datastore.find_user(email="ada@example.com")


def test_migrations_make_what_the_models_say(app):
    with app.app_context():
        check()


SAID = {
    "sqlite": {
        "PRAGMA journal_mode": "wal",
        "PRAGMA synchronous": 1,
        "PRAGMA foreign_keys": 1,
        "PRAGMA busy_timeout": 30_000,
    },
    "postgresql": {"SHOW statement_timeout": "10s"},
    "mysql": {"SELECT @@max_statement_time": 10},
}


def test_every_connection_is_told_how_to_behave(app):
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    with engine.connect() as connection:
        said = SAID[engine.dialect.name]
        assert {ask: connection.scalar(text(ask)) for ask in said} == said


def test_address_is_unique_whatever_its_case(datastore):
    datastore.create_user(email="ADA@Example.com")
    with pytest.raises(IntegrityError):
        datastore.commit()


def test_addresses_that_differ_in_an_accent_are_two(datastore, user, package):
    users = package.security.users
    other = users.create("ada@exámple.com", "another horse battery")
    assert users.find("Ada@example.com") is user
    assert users.find("Ada@exámple.com") is other


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


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [(sqlite, "lower(email)"), (postgresql, "lower(email)"), (mysql, "email")],
    ids=["sqlite", "postgresql", "mariadb"],
)
def test_address_is_looked_up_as_it_is_indexed(package, dialect, sql):
    address = package.database.IgnoringCase(column("email"))
    assert str(address.compile(dialect=dialect.dialect())) == sql


def test_login_is_tracked(app, auth):
    auth.login()
    auth.login()
    with app.app_context():
        user = app.extensions["security"].datastore.find_user(email="ada@example.com")
    assert (user.login_count, user.current_login_ip) == (2, "127.0.0.1")
    assert user.last_login_at < user.current_login_at


def test_logins_at_once_are_all_counted(app, auth):
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: auth.login().status_code, range(8)))
    with app.app_context():
        user = app.extensions["security"].datastore.find_user(email="ada@example.com")
    assert user.login_count == answers.count(200) > 0


def test_refused_login_is_not_counted(app, auth):
    auth.login(password="wrong horse battery")
    with app.app_context():
        user = app.extensions["security"].datastore.find_user(email="ada@example.com")
    assert (user.login_count, user.current_login_at) == (0, None)


def test_rows_know_when_they_were_made_and_changed(datastore, user):
    made = user.modified_at
    assert timedelta(0) <= datetime.now(UTC) - user.created_at < timedelta(minutes=1)
    user.first_name = "Ada"
    datastore.commit()
    assert user.modified_at > made


def test_moment_in_another_time_zone_comes_back_the_same(datastore, user):
    there = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    user.confirmed_at = there
    datastore.commit()
    assert user.confirmed_at == there
    assert user.confirmed_at.tzinfo == UTC


def test_moment_without_a_time_zone_is_refused(datastore, user):
    user.confirmed_at = datetime(2026, 7, 1, 12)
    with pytest.raises(StatementError, match="has no time zone"):
        datastore.commit()


def test_deleted_user_leaves_no_session(app, auth):
    token = auth.token()
    with app.app_context():
        datastore = app.extensions["security"].datastore
        datastore.delete(datastore.find_user(email="ada@example.com"))
        datastore.commit()
        table = app.extensions["sqlalchemy"].metadata.tables["auth_refresh_tracker"]
        assert datastore.db.session.execute(table.select()).all() == []
    assert auth.call(token).status_code == 401
