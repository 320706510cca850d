"""Rate limits: how often an attacker can try, by network and by account."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from click import ClickException

from tests.conftest import EMAIL, PASSWORD


@pytest.fixture
def limited(app, make_app):
    """Return a function that makes a client of an app with rate limits."""

    def client(**settings):
        return make_app(RATELIMIT_ENABLED=True, **settings).test_client()

    return client


def attempt(client, email=EMAIL, password="wrong", address="192.0.2.1"):
    return client.post(
        "/login",
        json={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


def statuses(responses):
    return [response.status_code for response in responses]


@pytest.mark.parametrize("email", [EMAIL, "bob@example.com"])
def test_account_is_closed_to_attackers_whether_it_exists_or_not(limited, email):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="2 per minute")
    responses = [attempt(client, email, address=f"192.0.2.{n}") for n in range(4)]
    assert statuses(responses) == [401, 401, 429, 429]
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= 60
    assert responses[-1].mimetype == "application/problem+json"
    assert responses[-1].json["detail"] == "Too many attempts. Try again later."
    assert attempt(client, "carol@example.com", address="192.0.2.9").status_code == 401


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("ADA@Example.com", id="case"),
        pytest.param(" ada@example.com", id="space"),
        pytest.param("ada@\uff45xample.com", id="full width"),
        pytest.param("ada@example\u3002com", id="ideographic full stop"),
    ],
)
def test_account_is_one_however_it_is_written(limited, form):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="2 per minute")
    responses = [attempt(client, email) for email in [EMAIL, form] * 2]
    assert statuses(responses) == [401, 401, 429, 429]


def test_network_is_closed_whatever_account_it_tries(limited):
    client = limited(LOGIN_RATE_LIMIT_PER_NETWORK="2 per minute")
    responses = [attempt(client, f"user{n}@example.com") for n in range(3)]
    assert statuses(responses) == [401, 401, 429]
    assert attempt(client, address="192.0.2.2").status_code == 401


def test_addresses_of_one_ipv6_network_count_together(limited):
    client = limited(LOGIN_RATE_LIMIT_PER_NETWORK="2 per minute")
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]
    responses = [attempt(client, address=address) for address in addresses]
    assert statuses(responses) == [401, 401, 429, 401]


def test_ipv4_clients_of_an_ipv6_socket_are_counted_each(limited):
    client = limited(LOGIN_RATE_LIMIT_PER_NETWORK="1 per minute")
    addresses = ["::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1"]
    responses = [attempt(client, address=address) for address in addresses]
    assert statuses(responses) == [401, 401, 429]


def test_right_logins_do_not_count(limited):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="2 per minute")
    responses = [attempt(client, password=PASSWORD) for _ in range(4)]
    assert statuses(responses) == [200] * 4


def test_limit_is_over_with_its_window(limited, monkeypatch):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="1 per minute")
    assert attempt(client).status_code == 401
    assert attempt(client, password=PASSWORD).status_code == 429
    later = time.time() + 61
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: later)
    assert attempt(client, password=PASSWORD).status_code == 200


def test_every_rate_of_a_limit_holds(limited):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="5 per minute; 2 per hour")
    assert statuses(attempt(client) for _ in range(3)) == [401, 401, 429]


def test_limit_that_is_off_refuses_nobody(limited, make_app):
    rates = {"LOGIN_RATE_LIMIT_PER_ACCOUNT": "1 per hour"}
    on, off = limited(**rates), make_app(**rates).test_client()
    assert statuses(attempt(on) for _ in range(2)) == [401, 429]
    assert statuses(attempt(off) for _ in range(2)) == [401, 401]


@pytest.fixture
def when_found(monkeypatch, package):
    """Return a function that acts in an attempt which has passed the limit."""
    find_user = package.security.users.find_user_by_email

    def act_before(act):
        def act_and_find_user(email):
            act()
            return find_user(email)

        name = "find_user_by_email"
        monkeypatch.setattr(package.security.users, name, act_and_find_user)

    return act_before


def test_attempts_at_once_do_not_pass_the_limit(limited, when_found):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="2 per minute")
    when_found(threading.Barrier(8).wait)
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: attempt(client), range(8)))
    assert sorted(statuses(responses)) == [401, 401] + [429] * 6


def test_right_password_beyond_the_limit_learns_nothing(limited, package, when_found):
    client = limited(LOGIN_RATE_LIMIT_PER_ACCOUNT="1 per minute")
    check_rate_limit = package.security.rate_limits.check_rate_limit
    when_found(lambda: check_rate_limit("login", EMAIL)(False))
    assert attempt(client, password=PASSWORD).status_code == 429


def test_refused_refreshes_count_for_the_network(limited):
    client = limited(LOGIN_RATE_LIMIT_PER_NETWORK="2 per minute")
    body = {"refresh_token": "invented"}
    responses = [client.post("/refresh-token", json=body) for _ in range(3)]
    assert statuses(responses) == [401, 401, 429]


def test_writes_of_one_user_are_limited(limited, auth, grace, package):
    client = limited(WRITE_RATE_LIMIT_PER_USER="2 per minute")
    view = package.security.token_required(lambda: {})
    app = client.application
    app.add_url_rule("/write", view_func=view, methods=["GET", "POST"])
    ada, other = auth.headers(), auth.headers(grace)
    written = [client.post("/write", headers=ada) for _ in range(3)]
    assert statuses(written) == [200, 200, 429]
    assert client.get("/write", headers=ada).status_code == 200
    assert client.post("/write", headers=other).status_code == 200
    assert client.post("/logout", headers=ada).status_code == 200


def test_session_is_refreshed_from_a_network_of_attackers(limited, auth):
    client = limited(LOGIN_RATE_LIMIT_PER_NETWORK="1 per minute")
    body = {"refresh_token": "invented"}
    refused = [client.post("/refresh-token", json=body) for _ in range(2)]
    body = {"refresh_token": auth.tokens().refresh}
    assert statuses(refused) == [401, 429]
    assert client.post("/refresh-token", json=body).status_code == 200


def test_forwarded_address_counts_only_behind_a_proxy(limited):
    rates = {"LOGIN_RATE_LIMIT_PER_NETWORK": "1 per minute"}
    responses = [
        client.post(
            "/login",
            json={"email": "bob@example.com", "password": "wrong"},
            headers={"X-Forwarded-For": forged},
        )
        for client in (limited(**rates), limited(**rates, PROXY_COUNT=1))
        for forged in ("198.51.100.1", "198.51.100.2", "203.0.113.9, 198.51.100.2")
    ]
    assert statuses(responses) == [401, 429, 429, 401, 401, 429]


def test_unreachable_storage_limits_all_the_same(limited):
    client = limited(
        LOGIN_RATE_LIMIT_PER_ACCOUNT="2 per minute",
        RATELIMIT_STORAGE_URI="redis://127.0.0.1:1",
    )
    assert statuses(attempt(client) for _ in range(4)) == [401, 401, 429, 429]


def test_storage_that_hangs_is_given_up_whatever_its_options(limited):
    options = {"db": 3, "socket_timeout": 1}
    client = limited(
        RATELIMIT_STORAGE_URI="redis://127.0.0.1:1", RATELIMIT_STORAGE_OPTIONS=options
    )
    redis = client.application.extensions["rate_limiter"].shared.storage.storage
    kept = redis.connection_pool.connection_kwargs
    assert options.items() <= kept.items()
    assert kept["socket_connect_timeout"] == 0.25


@pytest.mark.parametrize(
    "uri", ["redis:6379", "nowhere://:s3cret@host", "redis://:s3cret/1@host"]
)
def test_storage_that_cannot_be_used_refuses_to_start(limited, uri):
    with pytest.raises(ClickException, match="STORAGE_URI cannot be used") as refusal:
        limited(RATELIMIT_STORAGE_URI=uri)
    assert "s3cret" not in str(refusal.value)
