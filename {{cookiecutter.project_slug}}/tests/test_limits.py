"""How often someone may guess: by network and by account."""

import time

import pytest


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


def test_account_is_one_in_any_case(limited):
    client = limited(LOGIN_LIMIT_PER_ACCOUNT="2 per minute")
    spellings = ["ada@example.com", " ADA@example.com", "Ada@Example.com"]
    answers = [guess(client, email) for email in spellings]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


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
