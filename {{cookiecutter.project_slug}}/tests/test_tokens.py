"""Access tokens: which open an endpoint, and which do not."""

import time
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import event


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
    answer = client.get("/dummy-api/", headers={name: value})
    assert answer.status_code == 200
    assert answer.json == {"items": {"Key1": "Value1", "Key2": "value2"}}


def test_without_a_token_the_challenge_names_no_error(client):
    answer = client.get("/dummy-api/")
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_with_a_bad_token_the_challenge_says_so(auth):
    answer = auth.call("bad")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


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


@pytest.mark.parametrize("payload", [["v4"], {"uid": 1}, {"uid": None}, {}, "text", 1])
def test_signed_token_of_another_shape_is_refused(app, auth, payload):
    serializer = app.extensions["security"].remember_token_serializer
    assert auth.call(serializer.dumps(payload)).status_code == 401


def test_token_of_another_application_with_our_key_is_refused(app, auth):
    ours = app.extensions["security"].remember_token_serializer
    theirs = URLSafeTimedSerializer(
        app.secret_key,
        salt="their_api.access-token",
        signer_kwargs=ours.signer_kwargs,
    )
    payload = ours.loads(auth.token())
    assert auth.call(ours.dumps(payload)).status_code == 200
    assert auth.call(theirs.dumps(payload)).status_code == 401


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
        pytest.param("users deactivate ada@example.com", id="deactivated"),
        pytest.param(
            "users change_password ada@example.com --password another-good-one",
            id="password changed",
        ),
        pytest.param("users reset_access ada@example.com", id="access reset"),
        pytest.param("auth revoke ADA@example.com", id="revoked"),
    ],
)
def test_token_is_refused_once_the_user_is(auth, flask, command):
    token = auth.token()
    assert auth.call(token).status_code == 200
    assert flask(*command.split()).exit_code == 0
    assert auth.call(token).status_code == 401


def test_token_of_a_deleted_user_is_refused(app, auth):
    token = auth.token()
    with app.app_context():
        datastore = app.extensions["security"].datastore
        datastore.delete(datastore.find_user(email="ada@example.com"))
        datastore.commit()
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


def test_token_request_makes_one_query(app, auth):
    token, queries = auth.token(), []
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", lambda *call: queries.append(call[2]))
    assert auth.call(token).status_code == 200
    assert len(queries) == 1
