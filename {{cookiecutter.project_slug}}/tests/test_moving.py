"""`flask copy-from`: from one database to another, with every user."""

import pytest
from flask.testing import FlaskCliRunner
from flask_migrate import upgrade


@pytest.fixture
def old(make_app, package, tmp_path):
    """Return the address of a SQLite database with one user, ada."""
    uri = f"sqlite:///{tmp_path}/old.db"
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    with app.app_context():
        upgrade()
        package.security.users.create("ada@example.com", "correct horse battery")
    return uri


def copy_from(app, source):
    return FlaskCliRunner(app).invoke(args=["copy-from", source])


def test_user_of_the_old_database_logs_in_to_the_new_one(make_app, auth, old, package):
    app = make_app()
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        database.session.execute(database.metadata.tables["auth_user"].delete())
        database.session.commit()
    answer = copy_from(app, old)
    assert answer.exit_code == 0, answer.output
    assert "auth_user: 1 rows" in answer.output
    assert auth.login().status_code == 200
    with app.app_context():
        assert package.security.users.create("bob@example.com", "another battery").id


def test_database_with_rows_is_left_as_it_is(app, old):
    answer = copy_from(app, old)
    assert answer.exit_code == 1
    assert "auth_user is not empty: nothing copied." in answer.output


def test_database_that_cannot_be_read_is_an_error(make_app, migrated, tmp_path):
    answer = copy_from(make_app(), f"sqlite:///{tmp_path}/empty.db")
    assert answer.exit_code == 1
    assert "Nothing was copied: " in answer.output
