"""`flask copy-data`: from one database to another, with every user."""

import sqlite3
from contextlib import closing
from urllib.parse import quote

import pytest
from flask.testing import FlaskCliRunner
from flask_migrate import upgrade
from sqlalchemy import make_url
from sqlalchemy.exc import IntegrityError, OperationalError

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
    assert "Nothing was copied: \n  auth_user is not empty in the" in result.output
    assert sql("SELECT * FROM auth_user") == before


def test_database_without_tables_is_an_error_that_names_each(make_app, tmp_path):
    (tmp_path / "empty.db").touch()
    result = copy_data(make_app(), tmp_path / "empty.db")
    assert result.exit_code == 1
    assert "\n  auth_user does not exist in SOURCE. Run `flask db up" in result.output


def test_old_database_is_not_changed(app, old, sql):
    sql("DELETE FROM auth_user")
    with closing(sqlite3.connect(old)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = old.read_bytes()
    assert copy_data(app, old).exit_code == 0
    assert old.read_bytes() == before


def test_old_database_is_opened_read_only(old, package):
    connect = package.copy_data.cli.connect_read_only
    with (
        connect(f"sqlite:///{old}") as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM auth_user")


@pytest.mark.parametrize("name", ["old.db", "with space#%20.db"])
@pytest.mark.parametrize("uri", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_old_database_may_have_any_name(old, package, tmp_path, name, uri):
    file = tmp_path / f"new {name}"
    with closing(sqlite3.connect(old)) as database:
        database.execute("VACUUM INTO ?", (str(file),))
    source = make_url("sqlite://").set(database=str(file))
    if "uri" in uri:
        query = {"uri": "true"}
        source = source.set(database=f"file:{quote(str(file))}", query=query)
    text = source.render_as_string(hide_password=False)
    with package.copy_data.cli.connect_read_only(text) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM auth_user").scalar()


@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_mistyped_file_is_an_error_and_is_not_created(app, flask, tmp_path, url):
    result = flask("copy-data", url.format(tmp_path / "mistyped.db"))
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "Nothing was copied: " in result.output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+nothing://ME@127.0.0.1/app",
        "nothing://ME@127.0.0.1/app",
        "sqlite://ME@127.0.0.1/app",
        "sqlite:///nowhere/app.db?password=hidden",
        "postgresql://ME@127.0.0.1:hidden/app",
        "ME@127.0.0.1/app",
        "hidden",
        "",
    ],
)
def test_password_of_the_url_is_not_printed(flask, url):
    result = flask("copy-data", url.replace("ME", "me:hidden"))
    assert result.exit_code == 1
    assert result.output.startswith("Error: Nothing was copied: ")
    assert "hidden" not in result.output


def test_rest_of_a_password_with_an_at_sign_is_not_printed(flask, monkeypatch, package):
    def fail(*_, **options):
        raise OperationalError("SELECT 1", {}, Exception("no address hidden@db"))

    monkeypatch.setattr(package.copy_data.cli, "create_engine", fail)
    result = flask("copy-data", "oracle://ME@hidden@db/app".replace("ME", "me:half"))
    assert "SOURCE cannot be opened (OperationalError)." in result.output
    assert "hidden" not in result.output


def test_row_that_refers_to_no_row_is_found_before_any_is_copied(app, old, sql):
    sql("DELETE FROM auth_user")
    with closing(sqlite3.connect(old)) as database:
        database.execute("INSERT INTO auth_user_role VALUES (404, 1)")
        database.commit()
    result = copy_data(app, old)
    assert result.exit_code == 1
    assert (
        "\n  1 rows of auth_user_role refer to rows of auth_user (user_id) that do not "
        "exist." in result.output
    )
    assert sql("SELECT count(*) FROM auth_user") == [(0,)]


def test_if_a_row_cannot_be_copied_none_is(app, old, sql):
    sql("DELETE FROM auth_user")
    with closing(sqlite3.connect(old)) as database:
        database.execute("UPDATE auth_user SET created_at = 'hidden'")
        database.commit()
    result = copy_data(app, old)
    assert result.exit_code == 1
    assert "Nothing was copied: a value of auth_user is unreadable" in result.output
    assert "hidden" not in result.output
    assert sql("SELECT count(*) FROM auth_user") == [(0,)]


def test_row_that_the_new_database_refuses_is_an_error_without_its_values(
    app, monkeypatch, old, package, sql
):
    def refuse(*_):
        raise IntegrityError("INSERT", {}, Exception("a reason\nDETAIL: hidden"))

    sql("DELETE FROM auth_user")
    monkeypatch.setattr(package.copy_data.rows, "copy_table", refuse)
    result = copy_data(app, old)
    assert (result.exit_code, result.output) == (
        1,
        "Error: Nothing was copied: a reason\n",
    )


def test_view_is_named(app, monkeypatch, old, package):
    views = {"shown": None}
    monkeypatch.setattr(package.copy_data.cli, "copy_tables", lambda *_: views)
    assert copy_data(app, old).output == "shown: left out, a view\n"
