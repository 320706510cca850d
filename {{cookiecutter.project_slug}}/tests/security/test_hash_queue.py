"""The queue of password hashes: bounded, and fair to each account and network."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from unittest.mock import Mock

import pytest
from werkzeug.exceptions import ServiceUnavailable

from tests.conftest import EMAIL, OTHER_EMAIL, OTHER_PASSWORD, PASSWORD

SLOTS, SHARE = 12, 3


def log_in(app, email=EMAIL, password=PASSWORD, network="192.0.2.1"):
    return app.test_client().post(
        "/login",
        json={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": network},
    )


@pytest.fixture
def slow_app(make_app, auth, grace):
    """Return an app that hashes one password at a time; `auth` is its client."""
    app = make_app(MAX_CONCURRENT_HASHES=1)
    auth.client = app.test_client()
    return app


@pytest.fixture
def queue(slow_app):
    return slow_app.extensions["hash_queue"]


@pytest.fixture
def long_hash(queue):
    """Keep the app hashing until the event that this returns is set."""
    done = threading.Event()
    queue.pool.submit(done.wait)
    yield done
    done.set()


def test_full_hash_queue_is_503(auth, long_hash, package, monkeypatch):
    monkeypatch.setattr(package.security.hash_queue, "HASH_TIMEOUT", 0)
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


def test_login_without_a_free_slot_is_503_at_once(auth, queries, queue, slow_app):
    queries.clear()
    with ExitStack() as taken:
        for _ in range(SLOTS):
            taken.enter_context(queue.slot())
        assert auth.login().status_code == 503
        with pytest.raises(ServiceUnavailable):
            slow_app.extensions["security"].pwd_context.hash("any horse battery")
    assert queries == []
    assert auth.login().status_code == 200


# Who sends many logins at the same time, and who is not held up by it.
HOSTILE = {
    "right password of one account": lambda n: (EMAIL, PASSWORD, f"192.0.2.{n}"),
    "wrong password of one account": lambda n: (EMAIL, "wrong", f"192.0.2.{n}"),
    "one unknown account": lambda n: ("a@example.com", "wrong", f"192.0.2.{n}"),
    "many accounts from one network": lambda n: (
        f"user{n}@example.com",
        "wrong",
        "192.0.2.1",
    ),
    "many addresses of one network": lambda n: (
        f"user{n}@example.com",
        "wrong",
        f"2001:db8::{n}",
    ),
}


@pytest.mark.parametrize("attempt", HOSTILE.values(), ids=HOSTILE)
def test_nobody_holds_more_than_a_quarter_of_the_queue(
    attempt, long_hash, queue, slow_app
):
    with ThreadPoolExecutor(20) as pool:
        hostile = [pool.submit(log_in, slow_app, *attempt(n)) for n in range(16)]
        refused = list(islice(as_completed(hostile, timeout=10), 16 - SHARE))
        assert {task.result().status_code for task in refused} == {429}
        assert {task.result().headers["Retry-After"] for task in refused} == {"1"}
        assert queue.held["all"] == SHARE
        other = pool.submit(
            log_in, slow_app, OTHER_EMAIL, OTHER_PASSWORD, "198.51.100.1"
        )
        long_hash.set()
        assert other.result(timeout=10).status_code == 200
    assert not queue.held


def test_every_slot_is_given_back(auth, monkeypatch, queue, slow_app):
    assert [auth.login(password=p).status_code for p in (PASSWORD, "no")] == [200, 401]
    monkeypatch.setattr(queue.pool, "submit", Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        auth.login()
    assert not queue.held


def test_passwords_of_the_command_line_take_any_slot(flask, queue):
    done = flask("auth", "seed", "--email", "new@example.com", "--password", PASSWORD)
    assert done.exit_code == 0
    assert not queue.held


# Attempts that are accepted, and those that hash more than they check.
@pytest.mark.parametrize(
    ("rates", "network"),
    [
        pytest.param("HASH_RATE_LIMIT_PER_ACCOUNT", "192.0.2.{}", id="account"),
        pytest.param("HASH_RATE_LIMIT_PER_NETWORK", "192.0.2.1", id="network"),
    ],
)
def test_accepted_logins_are_limited_too(grace, make_app, network, rates):
    app = make_app(RATELIMIT_ENABLED=True, **{rates: "2 per minute"})
    responses = [log_in(app, network=network.format(n)) for n in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= 60
    other = log_in(app, OTHER_EMAIL, OTHER_PASSWORD, "198.51.100.1")
    assert other.status_code == 200
