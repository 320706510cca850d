"""How often someone may guess: by network and by account."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from click import ClickException


@pytest.fixture
def limited(app, make_app):
    """Return a function that makes a client of an app with limits."""

    def client(**settings):
        return make_app(RATELIMIT_ENABLED=True, **settings).test_client()

    return client


def guess(client, email="ada@example.com", password="wrong", address="192.0.2.1"):
    return client.post(
        "/login",
        json={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )


RIGHT = "correct horse battery"


@pytest.mark.parametrize("email", ["ada@example.com", "bob@example.com"])
def test_account_is_closed_to_guessers_whether_it_exists_or_not(limited, email):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="2 per minute")
    answers = [guess(client, email, address=f"192.0.2.{n}") for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].mimetype == "application/problem+json"
    assert guess(client, "carol@example.com", address="192.0.2.9").status_code == 401


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param("ADA@Example.com", id="case"),
        pytest.param(" ada@example.com", id="space"),
        pytest.param("ada@\uff45xample.com", id="wide letter"),
        pytest.param("ada@example\u3002com", id="ideographic full stop"),
    ],
)
def test_account_is_one_however_it_is_written(limited, spelling):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="2 per minute")
    answers = [guess(client, email) for email in ["ada@example.com", spelling] * 2]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]


def test_network_is_closed_whatever_account_it_tries(limited):
    client = limited(LOGIN_LIMIT_PER_ADDRESS="2 per minute")
    answers = [guess(client, f"user{n}@example.com") for n in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert guess(client, address="192.0.2.2").status_code == 401


def test_addresses_of_one_ipv6_network_count_together(limited):
    client = limited(LOGIN_LIMIT_PER_ADDRESS="2 per minute")
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"]
    answers = [guess(client, address=address) for address in addresses]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 401]


def test_ipv4_clients_of_an_ipv6_socket_are_counted_each(limited):
    client = limited(LOGIN_LIMIT_PER_ADDRESS="1 per minute")
    addresses = ["::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1"]
    answers = [guess(client, address=address) for address in addresses]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_right_logins_do_not_count(limited):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="2 per minute")
    answers = [guess(client, password=RIGHT) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200] * 4


def test_limit_is_over_with_its_window(limited, monkeypatch):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="1 per minute")
    assert guess(client).status_code == 401
    assert guess(client, password=RIGHT).status_code == 429
    later = time.time() + 61
    monkeypatch.setattr("limits.storage.memory.time.time", lambda: later)
    assert guess(client, password=RIGHT).status_code == 200


def test_every_rate_of_a_limit_holds(limited):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="5 per minute; 2 per hour")
    answers = [guess(client) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


@pytest.fixture
def looked_up(monkeypatch, package):
    """Return a function after which an attempt goes on once it has passed the limit."""
    find = package.security.users.find

    def after(act):
        def find_after(email):
            act()
            return find(email)

        monkeypatch.setattr(package.security.users, "find", find_after)

    return after


def test_guesses_at_once_do_not_pass_the_limit(limited, looked_up):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="2 per minute")
    looked_up(threading.Barrier(8).wait)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: guess(client), range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [401, 401] + [429] * 6


def test_right_guess_beyond_the_limit_learns_nothing(limited, looked_up, package):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="1 per minute")
    refuse = package.security.limits.attempt
    looked_up(lambda: refuse("ada@example.com")(False))
    assert guess(client, password=RIGHT).status_code == 429


def test_refused_refreshes_count_for_the_network(limited):
    client = limited(LOGIN_LIMIT_PER_ADDRESS="2 per minute")
    body = {"refresh_token": "guessed"}
    answers = [client.post("/refresh-token", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_basic_counts_like_a_login(limited):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="2 per minute", HTTP_BASIC_AUTH=True)
    answers = [client.get("/dummy-api/", auth=("ada@example.com", "x"))] * 1
    answers += [client.get("/healthz", auth=("ada@example.com", "x"))]
    answers += [client.get("/dummy-api/", auth=("ada@example.com", "x"))]
    answers += [client.get("/dummy-api/", auth=("ada@example.com", RIGHT))]
    assert [answer.status_code for answer in answers] == [401, 200, 401, 429]


def test_forwarded_address_counts_only_behind_a_proxy(limited):
    direct = limited(LOGIN_LIMIT_PER_ADDRESS="1 per minute")
    proxied = limited(LOGIN_LIMIT_PER_ADDRESS="1 per minute", PROXY_COUNT=1)
    statuses = [
        client.post(
            "/login",
            json={"email": "bob@example.com", "password": "wrong"},
            headers={"X-Forwarded-For": forged},
        ).status_code
        for client in (direct, proxied)
        for forged in ("198.51.100.1", "198.51.100.2", "203.0.113.9, 198.51.100.2")
    ]
    assert statuses == [401, 429, 429, 401, 401, 429]


def test_storage_that_is_away_limits_all_the_same(limited):
    client = limited(
        LOGIN_LIMIT_PER_ACCOUNT="2 per minute",
        RATELIMIT_STORAGE_URI="redis://127.0.0.1:1",
    )
    answers = [guess(client) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]


def test_storage_that_hangs_is_given_up_whatever_its_options(limited):
    options = {"db": 3, "socket_timeout": 1}
    client = limited(
        RATELIMIT_STORAGE_URI="redis://127.0.0.1:1", RATELIMIT_STORAGE_OPTIONS=options
    )
    redis = client.application.extensions["attempts"].shared.storage.storage
    kept = redis.connection_pool.connection_kwargs
    assert options.items() <= kept.items()
    assert kept["socket_connect_timeout"] == 0.25


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOGIN_LIMIT_PER_ACCOUNT", "often"),
        ("LOGIN_LIMIT_PER_ADDRESS", ""),
        ("RATELIMIT_STORAGE_URI", "redis:6379"),
        ("RATELIMIT_STORAGE_URI", "nowhere://"),
    ],
)
def test_limit_that_cannot_be_kept_refuses_to_start(limited, name, value):
    with pytest.raises(ClickException, match="cannot be used: "):
        limited(**{name: value})
