"""A refused login reveals nothing, and takes equal work whatever its reason."""

import pytest
from flask_security import hash_password
from sqlalchemy import event

from tests.conftest import EMAIL, PASSWORD

UNKNOWN = "bob@example.com"
WRONG = "wrong horse battery"


@pytest.fixture
def hashing(app, monkeypatch):
    """Return the list of what is hashed or verified: (what, the scheme's settings)."""
    calls = []
    context = app.extensions["security"].pwd_context

    def record(name):
        method = getattr(context, name)

        def recorded(secret, *stored, **options):
            calls.append((name, *(text.rpartition("$")[0][:28] for text in stored)))
            return method(secret, *stored, **options)

        monkeypatch.setitem(vars(context), name, recorded)

    record("hash")
    record("verify")
    return calls


def cost_of(calls, act):
    calls.clear()
    assert act().status_code == 401
    return [
        (name, *(text.split("$")[1:4] for text in stored)) for name, *stored in calls
    ]


def test_unknown_address_costs_what_a_wrong_password_costs(auth, hashing):
    known = cost_of(hashing, lambda: auth.login(password=WRONG))
    unknown = cost_of(hashing, lambda: auth.login(UNKNOWN))
    assert known == unknown
    assert [name for name, *_ in known] == ["verify"]


def test_deactivated_user_costs_the_same(auth, flask, hashing):
    known = cost_of(hashing, lambda: auth.login(password=WRONG))
    flask("users", "deactivate", EMAIL)
    assert cost_of(hashing, lambda: auth.login(password=WRONG)) == known
    assert cost_of(hashing, auth.login) == known


REFUSED = {
    "wrong password": (EMAIL, WRONG, {}),
    "unknown address": (UNKNOWN, WRONG, {}),
    "deactivated, wrong password": (EMAIL, WRONG, {"active": False}),
    "deactivated, right password": (EMAIL, PASSWORD, {"active": False}),
    "no password": (EMAIL, WRONG, {"password": None}),
    "hash that cannot be read": (EMAIL, WRONG, {"password": "corrupt"}),
}


@pytest.fixture
def work(engine, hashing):
    """Return the list of what an app does from now on: round trips and hashes."""

    def record(event_name):
        def recorded(connection, *arguments, **_):
            statement = arguments[1] if len(arguments) > 1 else event_name
            hashing.append((statement,))

        event.listen(engine, event_name, recorded)
        return event_name, recorded

    recorders = [record(name) for name in ("begin", "rollback", "commit")]
    recorders += [record("before_cursor_execute")]
    yield hashing
    for recorder in recorders:
        event.remove(engine, *recorder)


@pytest.mark.parametrize("reason", REFUSED)
def test_refused_login_takes_the_same_steps_whatever_the_reason(
    auth, engine, package, reason, work
):
    email, password, columns = REFUSED[reason]
    with engine.begin() as connection:
        users = package.security.User.__table__
        connection.execute(users.update().values(login_count=0, **columns))
    expected = do_and_list(work, lambda: auth.login(UNKNOWN, WRONG))
    assert do_and_list(work, lambda: auth.login(email, password)) == expected
    assert [name for name, *_ in expected if "SELECT" in name or name == "verify"]


def do_and_list(work, act):
    work.clear()
    assert act().status_code == 401
    return [(name, *(text.split("$")[1:4] for text in rest)) for name, *rest in work]


@pytest.mark.parametrize(
    ("scheme", "memory"), [("bcrypt", 8), ("argon2", 16), ("pbkdf2_sha512", 8)]
)
def test_hash_of_another_day_costs_the_same(
    app, auth, hashing, make_app, scheme, memory, sql
):
    costs = {**app.config["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"]}
    costs["argon2__memory_cost"] = memory
    then = {"SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": costs}
    with make_app(SECURITY_PASSWORD_HASH=scheme, **then).app_context():
        sql("UPDATE auth_user SET password = :hash", hash=hash_password(PASSWORD))
    known = cost_of(hashing, lambda: auth.login(password=WRONG))
    unknown = cost_of(hashing, lambda: auth.login(UNKNOWN))
    assert known == unknown
    assert [name for name, *_ in known] == ["verify"]


@pytest.mark.parametrize("stored", [None, "", "corrupt"])
def test_hash_that_cannot_be_read_costs_a_hash(auth, hashing, sql, stored):
    sql("UPDATE auth_user SET password = :stored", stored=stored)
    known = cost_of(hashing, auth.login)
    unknown = cost_of(hashing, lambda: auth.login(UNKNOWN))
    assert known == unknown
    assert ("hash",) in known


def test_without_any_account_a_login_costs_a_hash(auth, hashing, sql):
    sql("DELETE FROM auth_user")
    assert cost_of(hashing, auth.login)[-1] == ("hash",)


def test_password_of_another_user_does_not_open_an_unknown_account(auth):
    assert auth.login(UNKNOWN, PASSWORD).status_code == 401


def test_no_connection_is_held_while_a_password_is_hashed(
    app, auth, engine, monkeypatch
):
    held = []
    context = app.extensions["security"].pwd_context
    verify = context.verify

    def spy(*args, **kwargs):
        held.append(engine.pool.checkedout())
        return verify(*args, **kwargs)

    monkeypatch.setitem(vars(context), "verify", spy)
    auth.login()
    auth.login(UNKNOWN)
    assert held == [0, 0]
