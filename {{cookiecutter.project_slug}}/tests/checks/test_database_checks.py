"""Checks of the database that the app runs on."""

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from tests.conftest import MIGRATIONS

LOST = OperationalError("SELECT 1", {}, Exception("connection lost"))


@pytest.fixture
def find(app, package):
    """Return a function that runs a check by its id."""
    app.extensions["migrate"].directory = MIGRATIONS
    module = package.checks.database
    checks = {check.id: check for check in module.CHECKS}

    def find(id):
        with app.app_context():
            return checks[id].find_problem(app.config)

    return find


@pytest.fixture
def inspector(monkeypatch, package):
    """Return a function that lets the database say other things."""

    def answer(**answers):
        fake = type("Inspector", (), {n: lambda *_, v=v: v for n, v in answers.items()})
        monkeypatch.setattr(package.checks.database, "inspect", lambda _: fake())

    return answer


IDS = ["auth.E054", "auth.E056", "auth.E057"]


@pytest.mark.parametrize("id", IDS)
def test_database_of_the_migrations_has_no_finding(find, id):
    assert find(id) is None


EMAIL, BOTH = {"column_names": ["email"]}, {"column_names": ["email", "active"]}


@pytest.mark.parametrize(
    ("constraints", "indexes", "found"),
    [
        pytest.param([EMAIL], [], False, id="constraint"),
        pytest.param([], [{**EMAIL, "unique": True}], False, id="unique index"),
        pytest.param([], [{**EMAIL, "unique": False}], True, id="index"),
        pytest.param([BOTH], [], True, id="with another column"),
        pytest.param([], [], True, id="none"),
    ],
)
def test_address_that_is_not_unique_is_found(
    constraints, find, found, indexes, inspector
):
    inspector(has_table=True, get_unique_constraints=constraints, get_indexes=indexes)
    problem = "auth_user.email is not unique in the database."
    assert find("auth.E054") == (problem if found else None)


def test_database_without_tables_is_the_finding_of_another_check(find, inspector):
    inspector(has_table=False)
    assert find("auth.E054") is None


def test_old_revision_is_found(find, sql):
    sql("UPDATE alembic_version SET version_num = '0001'")
    found = find("auth.E056")
    newest = max(f.name[:4] for f in Path(MIGRATIONS).glob("versions/*.py"))
    sql("UPDATE alembic_version SET version_num = :newest", newest=newest)
    assert found == f"The database has revision 0001, and the newest is {newest}."


def test_revision_is_not_compared_without_the_migrations(app, find):
    app.extensions["migrate"].directory = "nowhere"
    assert find("auth.E056") is None


def test_wrong_setup_is_found(engine, find, monkeypatch, package):
    wrong = {engine.dialect.name: ("SELECT 1", 2, "The encoding is wrong.")}
    monkeypatch.setattr(package.checks.database, "SETUP", wrong)
    assert find("auth.E057") == "The encoding is wrong."


@pytest.mark.parametrize(("table", "found"), [("auth_user", None), ("other", "Wrong.")])
def test_setup_of_the_tables_of_the_models_counts(
    engine, find, found, monkeypatch, package, table
):
    sql = f"SELECT CASE WHEN '{table}' IN :names THEN 1 ELSE 0 END"
    setup = {engine.dialect.name: (sql, 1, "Wrong.")}
    monkeypatch.setattr(package.checks.database, "SETUP", setup)
    assert find("auth.E057") == found


@pytest.mark.parametrize("id", IDS)
def test_unreachable_database_is_the_finding_of_another_check(
    engine, find, id, monkeypatch
):
    def lose(*args, **options):
        raise LOST

    monkeypatch.setattr(engine.dialect, "do_execute", lose)
    assert find(id) is None
