"""`flask copy-data`: from one database to another, with every user."""

import sqlite3
from contextlib import closing

import pytest
from flask.testing import FlaskCliRunner
from flask_migrate import upgrade

from tests.conftest import (
    EMAIL,
    MIGRATIONS,
    OTHER_EMAIL,
    OTHER_PASSWORD,
    PASSWORD,
)


@pytest.fixture
def old(make_app, package, tmp_path):
    """Return the file of a SQLite database with one user, ada."""
    file = tmp_path / "old.db"
    with make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{file}").app_context():
        upgrade(MIGRATIONS)
        package.security.users.create_user(EMAIL, PASSWORD)
    return file


def copy_data(app, file):
    return FlaskCliRunner(app).invoke(args=["copy-data", f"sqlite:///{file}"])


def test_user_of_the_old_database_logs_in_to_the_new_one(
    app, auth, in_app, old, package, sql
):
    sql("DELETE FROM auth_user")
    result = copy_data(app, old)
    assert result.exit_code == 0, result.output
    assert "auth_user: 1 rows\n" in result.output
    assert auth.login().status_code == 200
    in_app(package.security.users.create_user, OTHER_EMAIL, OTHER_PASSWORD)
    assert auth.login(OTHER_EMAIL, OTHER_PASSWORD).status_code == 200


def test_database_with_rows_is_left_as_it_is(app, old, sql):
    before = sql("SELECT * FROM auth_user")
    result = copy_data(app, old)
    assert result.exit_code == 1
    assert "auth_user is not empty. Nothing was copied." in result.output
    assert sql("SELECT * FROM auth_user") == before


def test_database_that_cannot_be_read_is_an_error(make_app, migrated, tmp_path):
    result = copy_data(make_app(), tmp_path / "empty.db")
    assert result.exit_code == 1
    assert "Nothing was copied: " in result.output


def test_password_that_could_be_taken_for_a_host_is_not_repeated(app):
    source = "mysql+pymysql://user:a@s3cret@127.0.0.1:1/db"
    result = FlaskCliRunner(app).invoke(args=["copy-data", source])
    assert "SOURCE has several @: in a password write %40 instead." in result.output
    assert "s3cret" not in result.output


def test_if_a_row_cannot_be_copied_none_is(app, old, sql):
    sql("DELETE FROM auth_user")
    with closing(sqlite3.connect(old)) as database:
        database.execute("INSERT INTO auth_user_role VALUES (404, 404)")
        database.commit()
    result = copy_data(app, old)
    assert result.exit_code == 1
    assert "Nothing was copied: " in result.output
    assert sql("SELECT count(*) FROM auth_user") == [(0,)]
