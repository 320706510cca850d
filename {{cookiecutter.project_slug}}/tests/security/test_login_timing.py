"""A refused login reveals nothing, and takes equal work whatever its reason."""

import threading
from contextlib import ExitStack

import pytest
from flask_security import hash_password
from werkzeug.exceptions import ServiceUnavailable

from tests.conftest import EMAIL, PASSWORD

UNKNOWN = "bob@example.com"
WRONG = "wrong horse battery"


@pytest.fixture
def hashing(app, monkeypatch):
    """Return the list of what is hashed or verified: (what, the scheme's settings)."""
    calls = []
    context = type(app.extensions["security"].pwd_context)

    def record(name):
        method = getattr(context, name)

        def recorded(self, secret, *stored, **options):
            calls.append((name, *(text.rpartition("$")[0][:28] for text in stored)))
            return method(self, secret, *stored, **options)

        monkeypatch.setattr(context, name, recorded)

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


def test_refused_logins_make_as_many_queries(auth, flask, queries):
    def count(*login):
        queries.clear()
        assert auth.login(*login).status_code == 401
        return len(queries)

    counts = [count(EMAIL, WRONG), count(UNKNOWN, WRONG)]
    flask("users", "deactivate", EMAIL)
    counts += [count(EMAIL, WRONG), count(EMAIL, PASSWORD)]
    assert counts == [2] * 4


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
    assert cost_of(hashing, auth.login) == [("hash",)]


def test_password_of_another_user_does_not_open_an_unknown_account(auth):
    assert auth.login(UNKNOWN, PASSWORD).status_code == 401


@pytest.fixture
def slow_app(make_app, auth):
    """Return an app that hashes one password at a time; `auth` is its client."""
    app = make_app(MAX_CONCURRENT_HASHES=1)
    auth.client = app.test_client()
    return app


@pytest.fixture
def long_hash(slow_app):
    """Keep the app hashing until the event that this returns is set."""
    done = threading.Event()
    slow_app.extensions["security"].pwd_context.queue.submit(done.wait)
    yield done
    done.set()


def test_full_hash_queue_is_503(auth, long_hash, package, monkeypatch):
    monkeypatch.setattr(package.security.passwords, "HASH_TIMEOUT", 0)
    response = auth.login()
    assert auth.client.get("/healthz").status_code == 200
    monkeypatch.undo()
    long_hash.set()
    assert (response.status_code, response.mimetype) == (
        503,
        "application/problem+json",
    )
    assert int(response.headers["Retry-After"]) == 5
    assert auth.login().status_code == 200


def test_login_without_a_free_slot_is_503_at_once(auth, queries, slow_app):
    context = slow_app.extensions["security"].pwd_context
    with ExitStack() as taken:
        for _ in range(9):
            taken.enter_context(context.slots)
        assert auth.login().status_code == 503
        with pytest.raises(ServiceUnavailable):
            context.hash("any horse battery")
    assert queries == []
    assert auth.login().status_code == 200


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
