"""A refused login tells nothing, and costs the same whatever its reason."""

import threading
from contextlib import ExitStack

import pytest
from flask_security import hash_password
from sqlalchemy import event
from werkzeug.exceptions import ServiceUnavailable

WRONG = "wrong horse battery"


@pytest.fixture
def hashing(app, monkeypatch):
    """Return the list of what is hashed or verified: (what, the scheme's settings)."""
    calls = []
    context = type(app.extensions["security"].pwd_context)

    def count(name):
        method = getattr(context, name)

        def counted(self, secret, *stored, **options):
            calls.append((name, *(text.rpartition("$")[0][:28] for text in stored)))
            return method(self, secret, *stored, **options)

        monkeypatch.setattr(context, name, counted)

    count("hash")
    count("verify")
    return calls


def cost_of(calls, act):
    calls.clear()
    assert act().status_code == 401
    return [
        (name, *(text.split("$")[1:4] for text in stored)) for name, *stored in calls
    ]


def test_unknown_address_costs_what_a_wrong_password_costs(auth, hashing):
    known = cost_of(hashing, lambda: auth.login(password=WRONG))
    unknown = cost_of(hashing, lambda: auth.login(email="bob@example.com"))
    assert known == unknown
    assert [name for name, *_ in known] == ["verify"]


def test_deactivated_user_costs_the_same(auth, flask, hashing):
    known = cost_of(hashing, lambda: auth.login(password=WRONG))
    flask("users", "deactivate", "ada@example.com")
    assert cost_of(hashing, lambda: auth.login(password=WRONG)) == known
    assert cost_of(hashing, auth.login) == known


def test_refused_logins_make_as_many_queries(app, auth, flask):
    counts, queries = [], []
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", lambda *call: queries.append(call))

    def count(*login):
        queries.clear()
        assert auth.login(*login).status_code == 401
        counts.append(len(queries))

    count("ada@example.com", WRONG)
    count("bob@example.com", WRONG)
    flask("users", "deactivate", "ada@example.com")
    count("ada@example.com", WRONG)
    count("ada@example.com")
    assert counts == [2] * 4


@pytest.mark.parametrize(
    "options",
    [
        {"SECURITY_PASSWORD_HASH": "bcrypt"},
        {"SECURITY_PASSWORD_HASH": "argon2", "memory": 16},
        {"SECURITY_PASSWORD_HASH": "pbkdf2_sha512"},
    ],
    ids=str,
)
def test_hash_of_another_day_costs_the_same(app, auth, hashing, make_app, options):
    memory = options.pop("memory", 8)
    costs = {**app.config["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"]}
    costs["argon2__memory_cost"] = memory
    other = make_app(**options, SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=costs)
    with other.app_context():
        datastore = other.extensions["security"].datastore
        user = datastore.find_user(email="ada@example.com")
        user.password = hash_password("correct horse battery")
        datastore.commit()
    known = cost_of(hashing, lambda: auth.login(password=WRONG))
    unknown = cost_of(hashing, lambda: auth.login(email="bob@example.com"))
    assert known == unknown
    assert [name for name, *_ in known] == ["verify"]


@pytest.mark.parametrize("stored", [None, "", "corrupt"])
def test_hash_that_cannot_be_read_costs_a_hash(app, auth, hashing, stored):
    with app.app_context():
        datastore = app.extensions["security"].datastore
        datastore.find_user(email="ada@example.com").password = stored
        datastore.commit()
    known = cost_of(hashing, auth.login)
    unknown = cost_of(hashing, lambda: auth.login(email="bob@example.com"))
    assert known == unknown
    assert ("hash",) in known


def test_without_any_account_a_login_costs_a_hash(app, auth, hashing):
    with app.app_context():
        datastore = app.extensions["security"].datastore
        datastore.delete(datastore.find_user(email="ada@example.com"))
        datastore.commit()
    assert cost_of(hashing, auth.login) == [("hash",)]


def test_password_of_the_decoy_does_not_open_an_unknown_account(auth):
    assert auth.login(email="bob@example.com").status_code == 401


@pytest.fixture
def busy(make_app, auth):
    """Return an app that hashes one password at a time; `auth` is its client."""
    app = make_app(HASHES_AT_ONCE=1)
    auth.client = app.test_client()
    return app


@pytest.fixture
def long_hash(busy):
    """Keep the app hashing until the event that this returns is set."""
    done = threading.Event()
    busy.extensions["security"].pwd_context.line.submit(done.wait)
    yield done
    done.set()


def test_hashing_that_is_busy_is_503(auth, long_hash, package, monkeypatch):
    monkeypatch.setattr(package.security.passwords, "WAIT_SECONDS", 0)
    answer = auth.login()
    assert auth.client.get("/healthz").status_code == 200
    monkeypatch.undo()
    long_hash.set()
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) == 5
    assert auth.login().status_code == 200


def test_login_for_which_there_is_no_room_is_503_at_once(auth, busy):
    room = busy.extensions["security"].pwd_context.room
    queries = []
    with busy.app_context():
        engine = busy.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", lambda *a: queries.append(a[2]))
    with ExitStack() as crowd:
        for _ in range(9):
            crowd.enter_context(room)
        assert auth.login().status_code == 503
        with pytest.raises(ServiceUnavailable):
            busy.extensions["security"].pwd_context.hash("any horse battery")
    assert queries == []
    assert auth.login().status_code == 200


def test_no_connection_is_held_while_a_password_is_hashed(app, auth, monkeypatch):
    with app.app_context():
        pool = app.extensions["sqlalchemy"].engine.pool
    held = []
    context = app.extensions["security"].pwd_context
    verify = context.verify

    def spy(*args, **kwargs):
        held.append(pool.checkedout())
        return verify(*args, **kwargs)

    monkeypatch.setitem(vars(context), "verify", spy)
    auth.login()
    auth.login(email="bob@example.com")
    assert held == [0, 0]
