"""POST /login: tokens for an e-mail address and a password."""

import json
from io import BytesIO, RawIOBase

import pytest

from tests.conftest import EMAIL, PASSWORD

LOGIN = {"email": EMAIL, "password": PASSWORD}


def test_login_gives_a_token_and_the_users_id(auth):
    response = auth.login()
    assert response.status_code == 200
    assert response.json["meta"] == {"code": 200}
    assert response.json["response"]["user"].keys() == {
        "authentication_token",
        "email",
        "expires_in",
        "id",
        "refresh_token",
    }


def test_case_of_the_address_does_not_matter(auth):
    assert auth.login(email="ADA@Example.com").status_code == 200


def test_answer_with_a_token_is_not_cached(auth):
    assert auth.login().headers["Cache-Control"] == "no-store"


def test_no_cookie_is_set(auth):
    assert "Set-Cookie" not in auth.login().headers


def test_second_login_works_whatever_credentials_it_carries(client, auth):
    response = client.post("/login", json=LOGIN, headers=auth.headers())
    assert response.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"password": "wrong horse battery"}, id="wrong password"),
        pytest.param({"email": "bob@example.com"}, id="unknown address"),
        pytest.param({"email": "not an address"}, id="malformed address"),
        pytest.param({"email": "\u00e1d\u00e1@example.com"}, id="address with accents"),
    ],
)
def test_refused_logins_all_get_the_same_answer(client, changes):
    response = client.post("/login", json={**LOGIN, **changes})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.mimetype == "application/problem+json"
    assert response.json == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "The e-mail address or the password is wrong.",
    }


def test_deactivated_user_is_refused_like_an_unknown_one(auth, flask):
    unknown = auth.login(email="bob@example.com")
    flask("users", "deactivate", EMAIL)
    refused = auth.login()
    assert (refused.status_code, refused.json) == (401, unknown.json)


def in_chunks(stream):
    """Send a body as a server passes on chunks: its length is unknown."""
    return {
        "environ_overrides": {"wsgi.input": stream, "wsgi.input_terminated": True},
        "content_type": "application/json",
        "headers": {"Transfer-Encoding": "chunked"},
    }


@pytest.mark.parametrize(("more", "status"), [(0, 200), (100, 200), (17_000, 413)])
def test_body_in_chunks_is_read_whole_or_refused(client, more, status):
    body = json.dumps(LOGIN).encode() + b" " * more
    response = client.post("/login", **in_chunks(BytesIO(body)))
    assert response.status_code == status


class Broken(RawIOBase):
    def __init__(self, error):
        self.error = error

    def readinto(self, buffer):
        raise self.error


@pytest.mark.parametrize("error", [OSError("gone"), Exception("not a chunk")])
def test_body_that_breaks_off_is_refused(client, error):
    response = client.post("/login", **in_chunks(Broken(error)))
    assert (response.status_code, response.json["status"]) == (400, 400)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param("", 400, id="empty"),
        pytest.param("{", 400, id="malformed JSON"),
        pytest.param("[]", 400, id="not an object"),
        pytest.param("null", 400, id="null"),
        pytest.param(b"\xff\xfe", 400, id="not UTF-8"),
        pytest.param("[" * 16_000, 400, id="deeply nested"),
        pytest.param(" " * 17_000, 413, id="large"),
    ],
)
def test_body_that_is_no_json_object_is_refused(client, body, status):
    response = client.post("/login", data=body, content_type="application/json")
    assert (response.status_code, response.json["status"]) == (status, status)


def test_form_data_is_refused(client):
    assert client.post("/login", data=LOGIN).status_code == 415


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        pytest.param("email", None, "Required.", id="no address"),
        pytest.param("password", "", "Required.", id="empty password"),
        pytest.param("password", 12345678, "Must be a string.", id="number"),
        pytest.param("email", {"$ne": ""}, "Must be a string.", id="object"),
        pytest.param(
            "email", "a" * 255, "Must have at most 254 characters.", id="long address"
        ),
        pytest.param(
            "password", "a" * 257, "Must have at most 256 characters.", id="long"
        ),
        pytest.param("password", "\ud800", "Must be valid Unicode.", id="surrogate"),
        pytest.param("next", "http://[", "Unknown field.", id="unknown field"),
    ],
)
def test_invalid_field_is_named(client, field, value, message):
    response = client.post("/login", json={**LOGIN, field: value})
    assert response.status_code == 422
    assert response.json["errors"] == {field: [message]}


@pytest.mark.parametrize("next_url", ["http://[", "//evil.example", "/notes/"])
def test_login_never_redirects(client, next_url):
    response = client.post("/login", json=LOGIN, query_string={"next": next_url})
    assert response.status_code == 200
    assert "Location" not in response.headers


def test_login_takes_post_alone(client):
    response = client.get("/login")
    assert response.status_code == 405
    assert {*response.headers["Allow"].split(", ")} == {"POST", "OPTIONS"}
    assert client.options("/login").status_code == 200
