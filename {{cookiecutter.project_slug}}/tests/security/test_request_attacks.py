"""Hostile requests: each is refused with a problem, and the next caller is served."""

import json
from hashlib import shake_256
from itertools import cycle
from urllib.parse import quote

import pytest

from tests.conftest import EMAIL, PASSWORD

LOGIN = {"email": EMAIL, "password": PASSWORD}
DEEP = "[" * 60_000
PROBLEM = {"type", "title", "status", "detail"}


def attack(name, status, path, method="POST", **request):
    return pytest.param(status, {"path": path, "method": method, **request}, id=name)


def login(name, status, body, content_type="application/json", **request):
    options = {"data": body, "content_type": content_type, **request}
    return attack(f"login: {name}", status, "/login", **options)


def refresh(name, status, body, **request):
    options = {"data": body, "content_type": "application/json", **request}
    return attack(f"refresh: {name}", status, "/refresh-token", **options)


def call(name, status, path="/dummy-api/", method="GET", **headers):
    sent = {key.replace("_", "-"): value for key, value in headers.items()}
    return attack(f"call: {name}", status, path, method, headers=sent)


def text(**changes):
    return json.dumps({**LOGIN, **changes})


def without_body(path, length):
    """Declare a body of `length` bytes, and send none."""
    environ = {"CONTENT_LENGTH": length, "CONTENT_TYPE": "application/json"}
    return {"path": path, "method": "POST", "environ_overrides": environ}


ATTACKS = [
    login("60,000 brackets", 413, DEEP),
    login("a string", 400, '"email"'),
    login("a number", 400, "1e400"),
    login("not a number", 400, "NaN"),
    login("true", 400, "true"),
    login("an object twice", 400, text() * 2),
    login("a list of logins", 400, f"[{text()}]"),
    login("single quotes", 400, str(LOGIN)),
    login("UTF-7", 400, "+AHsAfQ-"),
    login("half a surrogate in the key", 422, '{"\\ud800": 1}'),
    login("address as a list", 422, text(email=[EMAIL])),
    login("address as true", 422, text(email=True)),
    login("password as a list", 422, text(password=[PASSWORD])),
    login("password as an object", 422, text(password={"$gt": ""})),
    login("next as true", 422, text(next=True)),
    login("next elsewhere", 422, text(next="https://evil.example/")),
    login("remember me", 422, text(remember=True)),
    login("role of its own", 422, text(roles=["admin"])),
    login("the field of another endpoint", 422, text(refresh_token="a")),
    login("NUL in the address", 401, text(email=f"{EMAIL}\0")),
    login("NUL in the password", 401, text(password=f"{PASSWORD}\0")),
    login("SQL in the address", 401, text(email="' OR 1=1 --")),
    login("new line in the address", 401, text(email=f"{EMAIL}\nBcc: a@b.de")),
    login("percent sign for an address", 401, text(email="%")),
    login("address that looks alike", 401, text(email="\u0430da@example.com")),
    login("password that grows when normalised", 401, text(password="\ufdfa" * 256)),
    login("spaces for a password", 401, text(password=" " * 256)),
    login("text", 415, text(), content_type="text/plain"),
    login("XML", 415, "<a/>", content_type="application/xml"),
    login("no content type", 415, text(), content_type=None),
    login("a type that is almost JSON", 415, text(), content_type="text/json"),
    refresh("60,000 brackets", 413, DEEP),
    refresh("nothing", 422, "{}"),
    refresh("null", 422, '{"refresh_token": null}'),
    refresh("a list", 422, '{"refresh_token": ["a"]}'),
    refresh("an object", 422, '{"refresh_token": {"uid": "a"}}'),
    refresh("too long", 422, json.dumps({"refresh_token": "a" * 2049})),
    refresh("NUL", 401, '{"refresh_token": "a\\u0000b"}'),
    refresh("dots", 401, '{"refresh_token": "..."}'),
    refresh("bomb that nobody signed", 401, '{"refresh_token": ".eJwDAAAAAAE.a"}'),
    attack("logout without a token", 401, "/logout"),
    attack("logout with 60,000 brackets", 401, "/logout", data=DEEP),
    attack("logout with a cookie", 401, "/logout", headers={"Cookie": "session=a"}),
    attack("logout by GET", 405, "/logout", "GET"),
    attack("login by PUT", 405, "/login", "PUT", json=LOGIN),
    attack("login by a method of its own", 405, "/login", "HEADER"),
    call("control characters", 401, Authorization="Bearer \x01\x02\x7f"),
    call("scheme alone", 401, Authorization="Bearer"),
    call("not Base64", 401, Authorization="Basic ///"),
    call("Basic, which is off", 401, Authorization="Basic YWRhOmE="),
    call("Digest of our user", 401, Authorization='Digest username="ada@example.com"'),
    call(
        "JWT that names no algorithm",
        401,
        Authentication_Token="eyJhbGciOiJub25lIn0.e30.",
    ),
    call("a user in other headers", 401, X_Remote_User="1", X_Forwarded_User="1"),
    call("method in a header", 401, X_HTTP_Method_Override="OPTIONS"),
    attack("nowhere, with 60,000 brackets", 404, "/nowhere", data=DEEP),
    call("NUL in the path", 404, path="/dummy-api/%00"),
    call("the folder above", 404, path="/dummy-api/..%2f..%2fetc/passwd"),
    call("path that is not UTF-8", 404, path="/%ff%fe"),
    call("template in the path", 404, path="/%7B%7B7*7%7D%7D"),
    call("unknown method", 405, method="BREW"),
]


@pytest.mark.parametrize(("status", "request_"), ATTACKS)
def test_attack_is_refused_and_the_next_caller_served(client, auth, status, request_):
    token = auth.token()
    response = client.open(**request_)
    assert (response.status_code, response.mimetype) == (
        status,
        "application/problem+json",
    )
    assert response.json["status"] == status
    assert response.json.keys() - {"errors"} == PROBLEM
    assert "Set-Cookie" not in response.headers
    assert auth.call(token).status_code == 200


@pytest.mark.parametrize("path", ["/login", "/refresh-token"])
@pytest.mark.parametrize("length", ["-1", "5", "1e3", "99999999999999999999", "a"])
def test_length_that_is_not_the_bodys_is_refused(client, auth, path, length):
    response = client.open(**without_body(path, length))
    assert response.status_code in (400, 413)
    assert response.mimetype == "application/problem+json"
    assert auth.login().status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="host"),
        pytest.param({"Host": "["}, id="broken host"),
        pytest.param({"X-Forwarded-Host": "evil.example"}, id="forwarded host"),
        pytest.param({"X-Forwarded-For": "evil"}, id="forwarded for"),
        pytest.param({"X-Request-ID": "evil\tid"}, id="request id"),
        pytest.param({"Origin": "https://evil.example"}, id="origin"),
        pytest.param({"Cookie": "session=evil; remember_token=evil"}, id="cookie"),
        pytest.param({"Content-Type": "application/json"}, id="JSON without a body"),
    ],
)
def test_odd_header_is_not_believed(client, auth, headers):
    token = {"Authentication-Token": auth.token()}
    response = client.get("/dummy-api/", headers={**token, **headers})
    assert response.status_code in (200, 400)
    assert "evil" not in f"{response.headers}{response.text}"
    assert auth.call(token["Authentication-Token"]).status_code == 200


@pytest.mark.parametrize(
    "address", ["unknown", "_hidden", "192.0.2.1:443", "[2001:db8::1]:443", "a" * 300]
)
def test_proxy_that_names_no_address_breaks_nothing(make_app, app, address):
    client = make_app(PROXY_COUNT=1, RATELIMIT_ENABLED=True).test_client()
    headers = {"X-Forwarded-For": address}
    assert client.post("/login", json=LOGIN, headers=headers).status_code == 200
    refused = {**LOGIN, "password": "wrong horse battery"}
    assert client.post("/login", json=refused, headers=headers).status_code == 401


CLAIMS = {"uid": "a", "family": "a", "gen": 1}


@pytest.mark.parametrize(
    "payload",
    [
        *([], {}, "text", 1, None, CLAIMS),
        *({**CLAIMS, name: value} for name in CLAIMS for value in ([], {}, None)),
        *({**CLAIMS, "gen": gen} for gen in ("1", 1.5, 10**30, -1)),
    ],
)
def test_signed_refresh_token_of_another_shape_is_refused(app, auth, package, payload):
    with app.app_context():
        token = package.security.tokens.get_serializer("refresh").dumps(payload)
    assert auth.refresh(token).status_code == 401
    assert auth.login().status_code == 200


def random_texts(count):
    """Return the same texts every time: the bytes of digests, as visible characters."""
    digests = [shake_256(f"{n}".encode()).digest(1 + n % 200) for n in range(count)]
    spans = cycle([(33, 94), (33, 223), (45, 2), (46, 77)])
    return [
        "".join(chr(a + byte % n) for byte in d)
        for d, (a, n) in zip(digests, spans, strict=False)
    ]


def test_no_text_breaks_the_reader_of_tokens(auth):
    token = auth.token()
    statuses = {auth.call(text).status_code for text in random_texts(500)}
    assert statuses == {401}
    assert auth.call(token).status_code == 200


def test_no_path_breaks_the_router(client):
    paths = [quote(text) for text in random_texts(100)]
    statuses = {client.get(f"/{path}").status_code for path in paths}
    assert statuses == {404}
