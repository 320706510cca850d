"""Access tokens: which are accepted, and which are refused."""

import time
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from flask import Flask

from tests.conftest import EMAIL


@pytest.mark.parametrize(
    "header",
    [
        "Authentication-Token: {}",
        "Authorization: Bearer {}",
        "Authorization: bearer {}",
    ],
)
def test_token_opens_the_endpoint(client, auth, header):
    name, value = header.format(auth.tokens().access).split(": ")
    response = client.get("/dummy-api/", headers={name: value})
    assert response.status_code == 200
    assert response.json == {"items": {"Key1": "Value1", "Key2": "value2"}}


def test_without_a_token_the_challenge_names_no_error(client):
    response = client.get("/dummy-api/")
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_with_a_bad_token_the_challenge_says_so(auth):
    response = auth.call("bad")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def unsigned(token):
    return token.rpartition(".")[0]


def tampered(token):
    stamp, signature = token.split(".")[-2:]
    forged = urlsafe_b64encode(b'{"ver":"5","uid":"1","exp":0}').decode().rstrip("=")
    return ".".join([forged, stamp, signature])


def another_signature(token):
    return token[:-2] + ("AA" if token[-2:] != "AA" else "BB")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: " ", id="blank"),
        pytest.param(lambda token: "null", id="null"),
        pytest.param(lambda token: "é" * 50, id="not ASCII"),
        pytest.param(lambda token: "." * 3, id="dots"),
        pytest.param(lambda token: "a" * 8000, id="long"),
        pytest.param(unsigned, id="unsigned"),
        pytest.param(tampered, id="tampered"),
        pytest.param(another_signature, id="another signature"),
        pytest.param(lambda token: f"{token}==", id="padded"),
        pytest.param(lambda token: f"{token[:-9]}*{token[-9:]}", id="noise in it"),
        pytest.param(lambda token: f"{token}, {token}", id="twice"),
        pytest.param(lambda token: f"Bearer {token}", id="scheme in the wrong header"),
    ],
)
def test_spoiled_token_is_refused(auth, spoil):
    token = auth.token()
    assert auth.call(token).status_code == 200
    assert auth.call(spoil(token)).status_code == 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic abc", "Token {}", "{}", "Bearer {} {}"]
)
def test_other_authorization_headers_are_refused(client, auth, value):
    token = auth.token()
    headers = {"Authorization": value.format(token, token)}
    assert client.get("/dummy-api/", headers=headers).status_code == 401


@pytest.fixture
def sign(app, package):
    """Return a function that signs as an application with our key does."""

    def sign(payload, name=app.import_name, purpose="access"):
        other = Flask(name)
        keys = ("SECRET_KEY", "SECRET_KEY_FALLBACKS")
        other.config.update({key: app.config[key] for key in keys})
        package.security.tokens.add_serializer(other, purpose)
        with other.app_context():
            return package.security.tokens.get_serializer(purpose).dumps(payload)

    return sign


@pytest.fixture
def payload(app, auth, package):
    """Return the claims of a good token."""
    token = auth.token()
    with app.app_context():
        return package.security.tokens.get_serializer("access").loads(token)


@pytest.mark.parametrize("other", [["v4"], {"uid": 1}, {"uid": None}, {}, "text", 1])
def test_signed_token_of_another_shape_is_refused(auth, sign, other):
    assert auth.call(sign(other)).status_code == 401


@pytest.mark.parametrize("claim", ["uid", "sid"])
@pytest.mark.parametrize("value", [None, 1, [], {}, "another"])
def test_signed_token_with_another_claim_is_refused(auth, payload, sign, claim, value):
    assert auth.call(sign(payload)).status_code == 200
    assert auth.call(sign({**payload, claim: value})).status_code == 401


def test_token_of_another_application_with_our_key_is_refused(auth, payload, sign):
    assert auth.call(sign(payload)).status_code == 200
    assert auth.call(sign(payload, name="another_api")).status_code == 401


@pytest.mark.parametrize("purpose", ["refresh", "reset", "Access", ""])
def test_token_for_another_purpose_is_refused(auth, payload, sign, purpose):
    assert auth.call(sign(payload, purpose=purpose)).status_code == 401


@pytest.mark.parametrize(("seconds_left", "status"), [(30, 200), (-30, 401)])
def test_token_opens_until_it_expires(app, auth, monkeypatch, seconds_left, status):
    age = app.config["SECURITY_TOKEN_MAX_AGE"] - timedelta(seconds=seconds_left)
    then = time.time() - age.total_seconds()
    with monkeypatch.context() as clock:
        clock.setattr("itsdangerous.timed.time.time", lambda: then)
        token = auth.token()
    assert auth.call(token).status_code == status


def test_rotated_key_signs_new_tokens_and_takes_old_ones(app, auth, make_app):
    old_key, old_token = app.secret_key, auth.token()
    new_key = "n" + old_key[::-1]
    rotated = make_app(SECRET_KEY=new_key, SECRET_KEY_FALLBACKS=[old_key])
    auth.client = rotated.test_client()
    assert auth.call(old_token).status_code == 200
    new_token = auth.token()
    auth.client = make_app(SECRET_KEY=new_key).test_client()
    assert auth.call(new_token).status_code == 200
    assert auth.call(old_token).status_code == 401


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"users deactivate {EMAIL}", id="deactivated"),
        pytest.param(
            f"users change_password {EMAIL} --password another-good-one",
            id="password changed",
        ),
        pytest.param(f"users reset_access {EMAIL}", id="access reset"),
        pytest.param(f"auth revoke {EMAIL.upper()}", id="revoked"),
        pytest.param(f"auth delete-user {EMAIL} --yes", id="deleted"),
    ],
)
def test_token_is_refused_once_the_user_is(auth, flask, command):
    token = auth.token()
    assert auth.call(token).status_code == 200
    assert flask(*command.split()).exit_code == 0
    assert auth.call(token).status_code == 401


def test_token_of_a_deleted_user_is_refused(auth, sql):
    token = auth.token()
    sql("DELETE FROM auth_user")
    assert auth.call(token).status_code == 401


@pytest.mark.parametrize("name", ["auth_token", "access_token", "Authentication-Token"])
def test_token_outside_a_header_is_refused(client, auth, name):
    carried = {name: auth.token()}
    client.set_cookie(name, carried[name])
    assert client.get("/dummy-api/", query_string=carried).status_code == 401
    assert client.get("/dummy-api/", json=carried).status_code == 401
    assert client.get("/dummy-api/", data=carried).status_code == 401


def test_one_request_does_not_vouch_for_the_next(client, auth):
    assert auth.call(auth.token()).status_code == 200
    assert client.get("/dummy-api/").status_code == 401


def test_token_request_makes_one_query(auth, queries):
    token = auth.token()
    queries.clear()
    assert auth.call(token).status_code == 200
    assert len(queries) == 1
