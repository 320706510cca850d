"""Hostile requests over real HTTP.

Requests are written byte by byte: a client library would correct them.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import string
import subprocess
import sys
import time
import zlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from conftest import free_port, read_env, run, seed_user
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.full

HOST = "Host: 127.0.0.1"
JSON = "Content-Type: application/json"
LENGTH = "Content-Length: <LENGTH>"
GOOD = "Authentication-Token: <ACCESS>"
PROBLEM_FIELDS = {"type", "title", "status", "detail"}
ITEMS = {"items": {"Key1": "Value1", "Key2": "value2"}}
DEEP = "[" * 60_000

# Two servers of the same project: `make run`, and gunicorn as in production.
SERVERS = {
    "make run": ["make", "run"],
    "gunicorn": [
        *[".venv/bin/gunicorn", "--workers", "2", "--threads", "4"],
        *["--bind", "127.0.0.1:<PORT>", "token_auth_api:create_app()"],
    ],
}

# Signs tokens with our key that this application did not sign: argument 1 is a good token.
FORGE = """
import hashlib, hmac, json, sys, time
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer
from token_auth_api import create_app

app = create_app()
payload = app.extensions["token_serializers"]["access"].loads(sys.argv[1])
sha256 = {"key_derivation": "none", "digest_method": hashlib.sha256}
derived = {"key_derivation": "hmac", "digest_method": hashlib.sha256}

def derive_key(name="token_auth_api.access", secret=app.secret_key):
    return hmac.digest(secret.encode(), name.encode(), "sha256")

def sign(key=derive_key(), options=sha256, salt="itsdangerous"):
    return URLSafeTimedSerializer(key, salt=salt, signer_kwargs=options).dumps(payload)

forged = {
    "control": sign(),
    "another application": sign(derive_key("their_api.access")),
    "refresh key": sign(derive_key("token_auth_api.refresh")),
    "key of an email": sign(derive_key("token_auth_api.reset")),
    "the secret itself": sign(app.secret_key),
    "the library's salt": sign(app.secret_key, derived, "remember-salt"),
    "SHA-1": sign(options={**sha256, "digest_method": hashlib.sha1}),
    "another secret": sign(derive_key(secret="k" * 32)),
    "empty key": sign(""),
    "another key derivation": sign(options=derived),
    "no time": URLSafeSerializer(derive_key(), signer_kwargs=sha256).dumps(payload),
}
real_time = time.time
time.time = lambda: real_time() - 2 * 24 * 3600
forged["two days old"] = sign()
time.time = lambda: real_time() + 2 * 24 * 3600
forged["from the future"] = sign()
print(json.dumps(forged))
"""


@dataclass
class Answer:
    """The answer of a server. Status 0: no answer in HTTP/1, or a closed connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return f"{self.headers}{self.body!r}"

    @property
    def problem(self) -> dict[str, object]:
        assert self.headers["content-type"] == "application/problem+json", self
        return json.loads(self.body)


NO_ANSWER = Answer(0, {}, b"")


@dataclass
class Api:
    """A server, and values that a request may contain: <ACCESS> becomes a good token."""

    port: int
    values: dict[str, str]
    log: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, raw: bytes) -> Answer:
        """Send bytes, close our side of the connection, and read the answer."""
        for name, value in self.values.items():
            raw = raw.replace(f"<{name}>".encode(), value.encode())
        raw = raw.replace(b"<LENGTH>", str(len(raw.partition(b"\r\n\r\n")[2])).encode())
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            # A server may refuse and close before it has read everything.
            with contextlib.suppress(OSError):
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
            return read_answer(connection, raw.partition(b" ")[0].decode("latin-1"))

    def still_serves(self) -> bool:
        answer = self.send(call(GOOD))
        return (answer.status, json.loads(answer.body)) == (200, ITEMS)


def read_answer(connection: socket.socket, method: str) -> Answer:
    """Read one answer, to the end of the connection."""
    answer = http.client.HTTPResponse(connection, method=method)
    try:
        answer.begin()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, headers, answer.read())
    except (http.client.BadStatusLine, ConnectionResetError):
        return NO_ANSWER


def request(start: str, *headers: str, body: str | bytes = b"") -> bytes:
    """Write a request without corrections: headers in Latin-1, text in UTF-8."""
    lines = [f"{start} HTTP/1.1", HOST, "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + encode(body)


def encode(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body


def post(path: str, body: str | bytes, *headers: str, content_type: str = JSON) -> bytes:
    return request(f"POST {path}", content_type, LENGTH, *headers, body=body)


def chunked(body: str) -> bytes:
    return request("POST /login", JSON, "Transfer-Encoding: chunked", body=body)


def in_chunks(*parts: str) -> str:
    return "".join(f"{len(part):x}\r\n{part}\r\n" for part in [*parts, ""])


def call(*headers: str, path: str = "/dummy-api/", method: str = "GET") -> bytes:
    return request(f"{method} {path}", *headers)


def login(**changes: object) -> str:
    return json.dumps({"email": "ada@example.com", "password": "a wrong password", **changes})


def refresh(value: object) -> str:
    return json.dumps({"refresh_token": value})


def bomb(size):
    """Return a small token, which nobody signed, of `size` bytes once it is decompressed."""
    compressed = urlsafe_b64encode(zlib.compress(b"0" * size)).decode().rstrip("=")
    return f".{compressed}.aaaa.bbbb"


@pytest.fixture(scope="module")
def project(default_project, environment, tmp_path_factory) -> Path:
    """Return a project that is set up, with its seed user."""
    project = tmp_path_factory.mktemp("attacked") / "token-auth-api"
    shutil.copytree(default_project, project)
    (project / ".venv").symlink_to(environment)
    (environment / ".installed").touch()
    run([".venv/bin/python", "first_run.py"], project)
    run([".venv/bin/flask", "db", "upgrade"], project)
    run([".venv/bin/flask", "auth", "seed"], project)
    return project


@pytest.fixture(scope="module", params=SERVERS.values(), ids=SERVERS)
def api(request, project):
    """Return a server with the tokens of a login; every attack of this module is sent to it."""
    port = free_port()
    command = [part.replace("<PORT>", str(port)) for part in request.param]
    with serving(command, project, port) as log:
        user = seed_user(project)
        answer = requests.post(f"http://127.0.0.1:{port}/login", json=user, timeout=20)
        tokens = answer.json()["response"]["user"]
        values = {
            "ACCESS": tokens["authentication_token"],
            "REFRESH": tokens["refresh_token"],
            "CUT": tokens["refresh_token"][:-1],
            "EMAIL": user["email"],
            "PASSWORD": user["password"],
        }
        yield Api(port, values, log)


@contextlib.contextmanager
def serving(command, project, port):
    changes = {"FLASK_RUN_PORT": str(port), "FLASK_RATELIMIT_ENABLED": "false"}
    log = project.parent / f"server-{port}.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=project,
            env={**os.environ, "PYTHON": sys.executable, **changes},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for(server, port, log)
        yield log
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def wait_for(server, port, log):
    for _ in range(600):
        assert server.poll() is None, log.read_text("utf-8")
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port)).close()
        time.sleep(0.1)
    pytest.fail(f"{server.args} did not serve:\n{log.read_text('utf-8')}")


@pytest.fixture(scope="module")
def forged(api, project):
    """Return tokens that another program signed, or that were signed at another time."""
    python = project / ".venv/bin/python"
    return json.loads(run([python, "-c", FORGE, api.values["ACCESS"]], project).stdout)


# --- The application refuses --------------------------------------------------

LOGIN_BODIES = {
    "nothing": (400, ""),
    "spaces": (400, " " * 100),
    "half an object": (400, '{"email"'),
    "open string": (400, '{"email": "'),
    "trailing comma": (400, '{"email": "a",}'),
    "two objects": (400, login() + login()),
    "single quotes": (400, "{'email': 'a'}"),
    "comment": (400, "/**/{}"),
    "null": (400, "null"),
    "true": (400, "true"),
    "number": (400, "1"),
    "number without end": (400, "9" * 15_000),
    "number beyond all": (400, "1e999999"),
    "NaN": (400, "NaN"),
    "string": (400, '"email"'),
    "list": (400, f"[{login()}]"),
    "16,000 brackets": (400, "[" * 16_000),
    "16,000 braces": (400, '{"a":' * 3_200),
    "60,000 brackets": (413, DEEP),
    "2 MB": (413, " " * 2_000_000),
    "invalid UTF-8": (400, b'{"email": "\xff"}'),
    "cut UTF-8": (400, b'{"email": "\xe2\x82"}'),
    "overlong UTF-8": (400, b'{"email": "\xc0\xaf"}'),
    "gzip": (400, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
    "form": (400, "email=a&password=b"),
    "empty object": (422, "{}"),
    "email only": (422, '{"email": "ada@example.com"}'),
    "email null": (422, login(email=None)),
    "email false": (422, login(email=False)),
    "email 0": (422, login(email=0)),
    "email list": (422, login(email=["ada@example.com"])),
    "email object": (422, login(email={"$ne": None})),
    "email deep": (422, f'{{"email": {"[" * 900}{"]" * 900}}}'),
    "email long": (422, login(email="a" * 255)),
    "email surrogate": (422, login(email="\ud800@example.com")),
    "password true": (422, login(password=True)),
    "password list": (422, login(password=["a"])),
    "password object": (422, login(password={"$gt": ""})),
    "password long": (422, login(password="a" * 257)),
    "password surrogate": (422, login(password="\udfff")),
    "surrogate as a name": (422, login(**{"\udc80": 1})),
    "empty name": (422, login(**{"": ""})),
    "1,000 names": (422, json.dumps(dict.fromkeys(map(str, range(1000)), 0))),
    "next true": (422, login(next=True)),
    "next malformed": (422, login(next="http://[")),
    "next elsewhere": (422, login(next="//evil.example")),
    "remember": (422, login(remember=True)),
    "csrf_token": (422, login(csrf_token="a")),
    "submit": (422, login(submit="a")),
    "prototype": (422, login(__proto__={"active": True})),
    "refresh token": (422, login(refresh_token="<REFRESH>")),
    "NUL in the email": (401, login(email="<EMAIL>\0")),
    "NUL in the password": (401, login(email="<EMAIL>", password="<PASSWORD>\0")),
    "SQL": (401, login(email="' OR 1=1 --", password="' OR '1'='1")),
    "LIKE": (401, login(email="%@%", password="%")),
    "newline": (401, login(email="<EMAIL>\r\nBcc: a@b.de")),
    "template": (401, login(email="{{7*7}}@example.com")),
    "invalid punycode": (401, login(email="ada@xn--a.example")),
    "invalid IDNA 2008": (401, login(email="ada@☃.example")),
    "ideographic full stop": (401, login(email="<EMAIL>\u3002example")),
    "address literal": (401, login(email="ada@[127.0.0.1]")),
    "two at signs": (401, login(email="<EMAIL>@example.com")),
    "right to left": (401, login(email="\u202e<EMAIL>")),
    "grows when normalised": (401, login(email="<EMAIL>", password="\ufdfa" * 256)),
    "combining marks": (401, login(password="a" + "\u0301" * 255)),
    "stored hash": (401, login(email="<EMAIL>", password="$argon2id$v=19$m=8,t=1,p=1$")),
    "password of spaces": (401, login(email="<EMAIL>", password="            ")),
    "same name twice": (401, '{"email": "<EMAIL>", "password": "<PASSWORD>", "password": "x"}'),
}

REFRESH_BODIES = {
    "nothing": (400, ""),
    "list": (400, '["<REFRESH>"]'),
    "text": (400, '"<REFRESH>"'),
    "60,000 brackets": (413, DEEP),
    "empty object": (422, "{}"),
    "null": (422, refresh(None)),
    "number": (422, refresh(1)),
    "token in a list": (422, refresh(["<REFRESH>"])),
    "long": (422, refresh("a" * 2049)),
    "surrogate": (422, refresh("\ud800")),
    "unknown field": (422, '{"refresh_token": "<REFRESH>", "user": 1}'),
    "access token": (401, refresh("<ACCESS>")),
    "cut token": (401, refresh("<CUT>")),
    "token twice": (401, refresh("<REFRESH><REFRESH>")),
    "lengthened token": (401, refresh("<REFRESH>A")),
    "NUL behind the token": (401, refresh("<REFRESH>\0")),
    "space before the token": (401, refresh(". <REFRESH>")),
    "not ASCII": (401, refresh("é" * 100)),
    "dots": (401, refresh("." * 100)),
    "compressed bomb": (401, refresh(bomb(1_000_000))),
    "JWT": (401, refresh("eyJhbGciOiJub25lIn0.eyJ1aWQiOiIxIn0.")),
}

CALLS = {
    "no token": (401, call()),
    "empty token": (401, call("Authentication-Token:")),
    "token in the query": (401, call(path="/dummy-api/?auth_token=<ACCESS>")),
    "token in the query as Bearer": (401, call(path="/dummy-api/?access_token=<ACCESS>")),
    "token in a cookie": (401, call("Cookie: session=<ACCESS>; auth_token=<ACCESS>")),
    "token in the body": (
        401,
        request("GET /dummy-api/", JSON, LENGTH, body='{"auth_token": "<ACCESS>"}'),
    ),
    "token in another header": (401, call("X-Auth-Token: <ACCESS>", "Token: <ACCESS>")),
    "token in a header with an underscore": (401, call("Authentication_Token: <ACCESS>")),
    "token in the user's name": (401, call("Authorization: Basic <ACCESS>")),
    "token of another scheme": (401, call("Authorization: Token <ACCESS>")),
    "token in quotes": (401, call('Authentication-Token: "<ACCESS>"')),
    "token, and a comma": (401, call("Authentication-Token: <ACCESS>,")),
    "Bearer, and no space": (401, call("Authorization: Bearer<ACCESS>")),
    "Bearer with parameters": (401, call("Authorization: Bearer token=<ACCESS>")),
    "bad token before a good one": (401, call("Authentication-Token: x", GOOD)),
    "bad token, good Bearer": (
        401,
        call("Authentication-Token: x", "Authorization: Bearer <ACCESS>"),
    ),
    "refresh token": (401, call("Authentication-Token: <REFRESH>")),
    "not ASCII": (401, call("Authentication-Token: \xff\xfe\xe9")),
    "not Base64": (401, call("Authorization: Basic ////=")),
    "Basic, which is off": (401, call("Authorization: Basic YTpi")),
    "Basic with broken UTF-8": (401, call("Authorization: Basic //79")),
    "Digest": (401, call('Authorization: Digest username="<EMAIL>", realm="a"')),
    "Negotiate": (401, call("Authorization: Negotiate YIIB")),
    "AWS": (401, call("Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=c")),
    "user of a proxy": (401, call("Remote-User: <EMAIL>", "X-Forwarded-User: 1")),
    "original URL": (401, call("X-Original-URL: /healthz", "X-Rewrite-URL: /healthz")),
    "address of this machine": (401, call("X-Forwarded-For: 127.0.0.1", "X-Real-IP: ::1")),
    "long token": (401, call(f"Authentication-Token: {'a' * 8000}")),
    "session cookie": (401, call("Cookie: session=.eJwBAAAA; remember_token=1|a")),
    "1,000 cookies": (401, call("Cookie: " + "; ".join(f"a{n}=b" for n in range(1000)))),
    "login in chunks": (422, chunked(in_chunks("{", "}"))),
    "20 KB in a chunk": (413, chunked(in_chunks(" " * 20_000))),
    "20 KB in small chunks": (413, chunked(in_chunks(*" " * 20_000))),
    "60,000 brackets without a token": (401, post("/logout", DEEP)),
    "logout with a refresh token": (
        401,
        post("/logout", refresh("<REFRESH>"), "Authentication-Token: <REFRESH>"),
    ),
    "logout with the token in the body": (401, post("/logout", '{"auth_token": "<ACCESS>"}')),
    "logout across sites": (401, post("/logout", "", "Origin: https://evil.example")),
}

ROUTES = {
    "unknown path": (404, call(GOOD, path="/nowhere")),
    "60,000 brackets to an unknown path": (404, post("/nowhere", DEEP)),
    "parent folder": (404, call(path="/../../etc/passwd")),
    "parent folder, encoded": (404, call(path="/dummy-api/..%2f..%2f.env")),
    "backslashes": (404, call(path="/dummy-api\\..\\.env")),
    "secrets": (404, call(path="/.env")),
    "NUL, encoded": (404, call(GOOD, path="/dummy-api/%00")),
    "broken percent": (404, call(GOOD, path="/dummy-api/%zz%")),
    "not UTF-8": (404, call(GOOD, path="/%ff%fe%c0%af")),
    "newline, encoded": (404, call(GOOD, path="/dummy-api/%0d%0aSet-Cookie:%20a=b")),
    "template": (404, call(GOOD, path="/%7B%7Bconfig%7D%7D")),
    "long path": (404, call(GOOD, path="/" + "a" * 3500)),
    "capitals": (404, call(GOOD, path="/DUMMY-API/")),
    "parameter of the path": (404, call(GOOD, path="/dummy-api/;a=b")),
    "static": (404, call(path="/static/../token_auth_api/security/settings.py")),
    "registration": (404, post("/register", login())),
    "reset": (404, post("/reset", login())),
    "verify": (404, post("/verify", login())),
    "DELETE": (405, call(GOOD, method="DELETE")),
    "PUT": (405, call(GOOD, method="PUT")),
    "TRACE": (405, call(GOOD, method="TRACE")),
    "PROPFIND": (405, call(GOOD, method="PROPFIND")),
    "BREW": (405, call(GOOD, method="BREW")),
    "60,000 brackets by POST": (405, post("/dummy-api/", DEEP, GOOD)),
    "login by GET": (405, call(path="/login?email=<EMAIL>&password=<PASSWORD>")),
    "login by PUT": (405, call(path="/login", method="PUT")),
    "logout by GET": (405, call(GOOD, path="/logout")),
    "refresh by GET": (405, call(path="/refresh-token?refresh_token=<REFRESH>")),
    "login in the query": (422, post("/login?email=<EMAIL>&password=<PASSWORD>", "{}")),
    "method in a header": (
        405,
        call(GOOD, "X-HTTP-Method-Override: GET", method="DELETE"),
    ),
}

WRONG_TYPES = {
    "none": "X-Type: none",
    "empty": "Content-Type:",
    "text": "Content-Type: text/plain",
    "form": "Content-Type: application/x-www-form-urlencoded",
    "form with parts": "Content-Type: multipart/form-data; boundary=a",
    "form without a boundary": "Content-Type: multipart/form-data",
    "XML": "Content-Type: application/xml",
    "almost JSON": "Content-Type: application/jsonp",
    "JSON as a parameter": "Content-Type: text/plain; a=application/json",
    "not ASCII": "Content-Type: \xff\xfe",
}

JSON_TYPES = {
    "unknown charset": "Content-Type: application/json; charset=bogus",
    "charset of zeros": "Content-Type: application/json; charset=utf-32",
    "problem": "Content-Type: application/problem+json",
    "encoded": "Content-Type: application/json\r\nContent-Encoding: gzip",
}


def make_params(table, write=lambda part: part):
    return [pytest.param(status, write(part), id=name) for name, (status, part) in table.items()]


def write_login(content_type):
    return post("/login", login(), content_type=content_type)


HOSTILE_REQUESTS = [
    *make_params(CALLS),
    *make_params(ROUTES),
    *make_params(LOGIN_BODIES, lambda body: post("/login", body)),
    *make_params(REFRESH_BODIES, lambda body: post("/refresh-token", body)),
    *make_params({f"type {name}": (415, t) for name, t in WRONG_TYPES.items()}, write_login),
    *make_params({f"JSON {name}": (401, t) for name, t in JSON_TYPES.items()}, write_login),
]


@pytest.mark.parametrize(("status", "raw"), HOSTILE_REQUESTS)
def test_hostile_request_is_refused_with_a_problem(api, status, raw):
    answer = api.send(raw)
    assert (answer.status, answer.problem["status"]) == (status, status)
    assert answer.problem.keys() - {"errors"} == PROBLEM_FIELDS
    assert "set-cookie" not in answer.headers
    assert "Traceback" not in answer.text
    assert api.still_serves()


# --- Tokens -------------------------------------------------------------------

JWT_NONE = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ1aWQiOiIxIn0."
JWT_HS256 = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1aWQiOiIxIn0.c2lnbmF0dXJl"
JWT_RS256 = "eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHBzOi8vZXZpbC5leGFtcGxlIn0.e30.YQ"


SPOILED = {
    "cut off": lambda token: token[:-1],
    "cut in half": lambda token: token[: len(token) // 2],
    "lengthened": lambda token: f"{token}A",
    "without a signature": lambda token: token.rpartition(".")[0],
    "with an empty signature": lambda token: f"{token.rpartition('.')[0]}.",
    "without a payload": lambda token: "..".join(token.rsplit(".", 2)[1:]),
    "signature first": lambda token: ".".join(reversed(token.split("."))),
    "another case": str.swapcase,
    "another payload": lambda token: f"eyJ1aWQiOiIxIn0.{'.'.join(token.split('.')[-2:])}",
    "another time": lambda token: token.rsplit(".", 2)[0] + ".ZZZZZZ." + token.split(".")[-1],
    "padded": lambda token: f"{token}==",
    "another alphabet": lambda token: f"{token[:-4]}+/+/",
    "twice": lambda token: f"{token},{token}",
    "scheme twice": lambda token: f"Bearer {token}",
    "percent encoding": lambda token: f"%{ord(token[0]):02x}{token[1:]}",
    "JWT without algorithm": lambda token: JWT_NONE,
    "JWT with HS256": lambda token: JWT_HS256,
    "JWT with the URL of a key": lambda token: JWT_RS256,
    "JWT around ours": lambda token: f"{JWT_NONE.split('.')[0]}.{token}",
    "compressed bomb": lambda token: bomb(5_000_000),
    "null": lambda token: "null",
    "undefined": lambda token: "undefined",
    "SQL": lambda token: "' OR 1=1 --",
    "only dots": lambda token: "." * 50,
}

FORGED = [
    "another application",
    "refresh key",
    "key of an email",
    "the secret itself",
    "the library's salt",
    "SHA-1",
    "another secret",
    "empty key",
    "another key derivation",
    "no time",
    "two days old",
    "from the future",
]

TOKEN_HEADERS = {
    "own header": "Authentication-Token: {}",
    "Bearer": "Authorization: Bearer {}",
}


@pytest.mark.parametrize("header", TOKEN_HEADERS.values(), ids=TOKEN_HEADERS)
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_spoiled_token_is_refused_in_every_header(api, spoil, header):
    answer = api.send(call(header.format(spoil(api.values["ACCESS"]))))
    assert (answer.status, answer.problem["status"]) == (401, 401)
    assert api.still_serves()


@pytest.mark.parametrize("name", FORGED)
def test_token_that_this_application_did_not_sign_now_is_refused(api, forged, name):
    assert api.send(call(f"Authentication-Token: {forged['control']}")).status == 200
    answer = api.send(call(f"Authentication-Token: {forged[name]}"))
    assert (answer.status, answer.problem["status"]) == (401, 401)
    assert api.still_serves()


def test_login_with_more_than_the_maximum_after_it_is_refused(api):
    body = login(email=api.values["EMAIL"], password=api.values["PASSWORD"])
    assert api.send(chunked(in_chunks(body, " "))).status == 200
    answer = api.send(chunked(in_chunks(body, " " * 20_000, "}")))
    assert (answer.status, answer.problem["status"]) == (413, 413)


@pytest.mark.parametrize("path", ["/dummy-api/", "/nowhere", "/logout", "/login"])
def test_head_is_refused_like_get(api, path):
    answer = api.send(call(path=path, method="HEAD"))
    assert answer.status in (401, 404, 405)
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.still_serves()


# --- HTTP itself --------------------------------------------------------------


def write(start, *headers, body=b""):
    return "\r\n".join([start, *headers, "", ""]).encode("latin-1") + body


LOGIN_START = ("POST /login HTTP/1.1", HOST, JSON)
CALL_START = ("GET /dummy-api/ HTTP/1.1", HOST, "Connection: close")
CHUNKED = (*LOGIN_START, "Transfer-Encoding: chunked")

MALFORMED = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "text": b"hello\r\n\r\n",
    "no path": write("GET", HOST),
    "path with a space": write("GET /dummy api/ HTTP/1.1", HOST),
    "no protocol": write("GET /dummy-api/ HTTQ/1.1", HOST),
    "HTTP/0.9": b"GET /dummy-api/\r\n\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "header without a colon": write(*CALL_START, "Authentication-Token"),
    "header without a name": write(*CALL_START, ": value"),
    "space in a header's name": write(*CALL_START, "Authentication Token: a"),
    "NUL in a header": write(*CALL_START, "Authentication-Token: a\0b"),
    "folded header": write(*CALL_START, "Authentication-Token: a", " b"),
    "lone CR in a header": write(*CALL_START, "Authentication-Token: a\rSet-Cookie: a=b"),
    "huge header": write(*CALL_START, f"Authentication-Token: {'a' * 100_000}"),
    "huge path": write(f"GET /{'a' * 100_000} HTTP/1.1", HOST),
    "500 headers": write(*CALL_START, *[f"X-{n}: a" for n in range(500)]),
    "length that is no number": write(*LOGIN_START, "Content-Length: a", body=b"{}"),
    "negative length": write(*LOGIN_START, "Content-Length: -1", body=b"{}"),
    "length with a sign": write(*LOGIN_START, "Content-Length: +2", body=b"{}"),
    "length in hexadecimal": write(*LOGIN_START, "Content-Length: 0x2", body=b"{}"),
    "length with an underscore": write(*LOGIN_START, "Content-Length: 1_0", body=b"{}" * 5),
    "length beyond all": write(*LOGIN_START, f"Content-Length: {'9' * 30}", body=b"{}"),
    "length of 200 MB": write(*LOGIN_START, "Content-Length: 200000000", body=b"{}"),
    "length too long": write(*LOGIN_START, "Content-Length: 100", body=b"{}"),
    "length too short": write(*LOGIN_START, "Content-Length: 1", body=b"{}"),
    "two lengths": write(*LOGIN_START, "Content-Length: 2", "Content-Length: 3", body=b"{} "),
    "no length": write(*LOGIN_START, body=b"{}"),
    "length and chunks": write(*CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"),
    "chunks without size": write(*CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunk of negative size": write(*CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "chunk of huge size": write(*CHUNKED, body=b"f" * 40 + b"\r\n{}\r\n"),
    "chunk with a tail": write(*CHUNKED, body=b"2\r\n{}tail\r\n0\r\n\r\n"),
    "chunks without end": write(*CHUNKED, body=b"2\r\n{}\r\n"),
    "two hosts": write(CALL_START[0], HOST, "Host: evil.example", "Connection: close"),
    "broken host": write(CALL_START[0], "Host: [", "Connection: close"),
    "host with a path": write(CALL_START[0], "Host: a/b?c#d", "Connection: close"),
    "no host": write(CALL_START[0], "Connection: close"),
    "expectation": write(*CALL_START, "Expect: 999-nothing"),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_malformed_http_is_refused_or_cut_off(api, raw):
    answer = api.send(raw)
    assert answer.status == NO_ANSWER.status or 400 <= answer.status < 500
    assert "set-cookie" not in answer.headers
    assert "Value1" not in answer.text
    assert api.still_serves()


# --- Unusual, and harmless ----------------------------------------------------

UNUSUAL = {
    "host": call(GOOD, "X-Forwarded-Host: evil.example"),
    "forwarded": call(GOOD, "Forwarded: for=evil;host=evil"),
    "forwarded for": call(GOOD, "X-Forwarded-For: evil"),
    "method in a header": call(GOOD, "X-HTTP-Method-Override: EVIL"),
    "URL in a header": call(GOOD, "X-Original-URL: /evil"),
    "origin": call(GOOD, "Origin: https://evil.example"),
    "cookie": call(GOOD, "Cookie: session=evil; =; ;;; a"),
    "request id": call(GOOD, "X-Request-ID: evil<script>"),
    "long request id": call(GOOD, f"X-Request-ID: {'evil' * 1000}"),
    "language": call(GOOD, "Accept-Language: evil;q=a"),
    "accepts HTML": call(GOOD, "Accept: text/html"),
    "accepts nothing": call(GOOD, "Accept: */*;q=0"),
    "range": call(GOOD, "Range: bytes=0-0,-1,9-1"),
    "condition": call(GOOD, "If-None-Match: *", "If-Modified-Since: evil"),
    "upgrade": call(GOOD, "Upgrade: evil"),
    "query": call(GOOD, path="/dummy-api/?next=evil&%ff=%00&auth_token=evil"),
    "next": call(GOOD, path="/dummy-api/?next=http://["),
    "another token in the query": call(GOOD, path="/dummy-api/?auth_token=x"),
    "60,000 brackets with a token": post("/dummy-api/", DEEP, GOOD).replace(b"POST", b"GET", 1),
    "spaces around the token": call("Authentication-Token:   <ACCESS>   "),
}


@pytest.mark.parametrize("raw", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_request_with_a_good_token_gets_the_items_and_nothing_else(api, raw):
    answer = api.send(raw)
    assert (answer.status, json.loads(answer.body)) == (200, ITEMS)
    assert "evil" not in answer.text
    assert "set-cookie" not in answer.headers
    assert api.still_serves()


# --- Generated requests -------------------------------------------------------


def limit_examples(count):
    """Make so many examples, the same in each run, and write nothing to the disk."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.sampled_from(["email", "password", "refresh_token", "next", "remember"])
ANY_BODY = (
    st.binary(max_size=300)
    | ANY_JSON.map(json.dumps).map(str.encode)
    | st.dictionaries(FIELDS, st.text(max_size=300) | ANY_JSON).map(json.dumps).map(str.encode)
)
# The bytes that a header may contain: a server refuses other bytes itself.
VALUE = st.binary(max_size=200).map(
    lambda raw: bytes(byte for byte in raw if byte > 32 and byte != 127)
)
NAME = st.sampled_from(
    "Authentication-Token Authorization Cookie Accept Origin Range If-None-Match Referer "
    "X-Request-ID X-Forwarded-For X-Forwarded-Host User-Agent Content-Type".split()
) | st.text(string.ascii_letters, min_size=1, max_size=20).map("X-{}".format)
SCHEME = st.sampled_from([b"", b"Bearer ", b"bearer ", b"Basic ", b"Digest "])
METHOD = st.sampled_from("GET POST PUT PATCH DELETE OPTIONS TRACE".split()) | st.text(
    string.ascii_uppercase, min_size=3, max_size=20
)
KNOWN_PATH = st.sampled_from(
    ["login", "refresh-token", "logout", "dummy-api/", "healthz", "readyz"]
)
PATH = KNOWN_PATH | st.binary(max_size=100).map(quote) | st.text(max_size=30).map(quote)


@pytest.fixture(scope="module")
def client():
    """Return a session that keeps its connection, and uses no proxy."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def assert_expected(answer):
    """Assert what is true of every answer: no server error, no cookie, errors as problems."""
    assert answer.status_code < 500
    assert "Set-Cookie" not in answer.headers
    content_type = answer.headers.get("Content-Type")
    assert answer.status_code < 400 or content_type == "application/problem+json", answer.text


@limit_examples(800)
@given(path=st.sampled_from(["login", "refresh-token"]), body=ANY_BODY)
def test_any_body_is_answered_with_a_problem(api, client, path, body):
    headers = {"Content-Type": "application/json"}
    url = f"{api.base}/{path}"
    answer = client.post(url, data=body, headers=headers, timeout=20)
    assert_expected(answer)
    assert answer.status_code in (400, 401, 422)


@limit_examples(800)
@given(headers=st.dictionaries(NAME, VALUE), scheme=SCHEME, token=VALUE)
def test_any_header_is_answered_with_a_problem(api, client, headers, scheme, token):
    headers["Authorization"] = scheme + token
    answer = client.get(f"{api.base}/dummy-api/", headers=headers, timeout=20)
    assert_expected(answer)
    assert answer.status_code == 401


@limit_examples(800)
@given(method=METHOD, path=PATH, query=st.binary(max_size=50).map(quote), body=ANY_BODY)
def test_any_method_and_path_are_answered(api, client, method, path, query, body):
    url = f"{api.base}/{path}?{query}"
    answer = client.request(method, url, data=body, timeout=20, allow_redirects=False)
    assert_expected(answer)
    assert "Value1" not in answer.text


# --- Reading tokens -----------------------------------------------------------

# Reads texts from standard input, each as a JSON string in a line, and prints what they
# are as an access and as a refresh token.
READER = """
import json, sys
from token_auth_api import create_app
from token_auth_api.security.tokens import read_token

with create_app().app_context():
    for line in sys.stdin:
        text = json.loads(line)
        found = [read_token(purpose, text) for purpose in ("access", "refresh")]
        print(json.dumps(found), flush=True)
"""


@pytest.fixture(scope="module")
def read_token(project):
    """Return a function that reads a text as an access token and as a refresh token."""
    with subprocess.Popen(
        [project / ".venv/bin/python", "-c", READER],
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:

        def read_token(text):
            reader.stdin.write(json.dumps(text) + "\n")
            reader.stdin.flush()
            answer = reader.stdout.readline()
            assert answer, f"{text!r} ended the reader"
            return json.loads(answer)

        yield read_token


# Any text, also with surrogates, dots, and parts in the form of a signature.
PART = st.text(st.characters(), max_size=60) | st.from_regex(
    "[A-Za-z0-9_-]{42}[AEQgw]", fullmatch=True
)
TOKEN = st.lists(PART, max_size=5).map(".".join)


@limit_examples(2000)
@given(text=TOKEN)
def test_no_text_breaks_the_reader_of_tokens(read_token, text):
    assert read_token(text) == [None, None]


def test_reader_accepts_our_own_tokens(api, read_token):
    access, refresh = api.values["ACCESS"], api.values["REFRESH"]
    assert [value is not None for value in read_token(access)] == [True, False]
    assert [value is not None for value in read_token(refresh)] == [False, True]


@limit_examples(1000)
@given(data=st.data())
def test_no_change_of_a_token_is_a_token(api, read_token, data):
    token = data.draw(st.sampled_from([api.values["ACCESS"], api.values["REFRESH"]]))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(token))] * 2)))
    changed = token[:start] + data.draw(PART) + token[end:]
    assume(changed != token)
    assert read_token(changed) == [None, None]


# --- The log after all attacks ------------------------------------------------


@pytest.fixture
def without_sessions(project):
    """Rename the table of sessions while the server runs, for one test."""
    database = sqlite3.connect(project / "instance/app.db", isolation_level=None)
    with contextlib.closing(database):
        database.execute("ALTER TABLE auth_session RENAME TO renamed")
        yield
        database.execute("ALTER TABLE renamed RENAME TO auth_session")


def test_log_of_all_this_has_no_secret(api, project, without_sessions):
    user = login(email="<EMAIL>", password="<PASSWORD>")
    for raw in [
        call(GOOD),
        post("/login", user),
        post("/refresh-token", refresh("<REFRESH>")),
    ]:
        assert api.send(raw).status >= 500
    log = api.log.read_text("utf-8", "replace").partition("POST /login")[2]
    assert "no such table: auth_session" in log
    with contextlib.closing(sqlite3.connect(project / "instance/app.db")) as database:
        rows = database.execute("SELECT password, fs_uniquifier FROM auth_user")
        stored = [text for row in rows for text in row]
    env = read_env(project)
    secrets = [*api.values.values(), *stored, env["FLASK_SECRET_KEY"]]

    secrets.append(env["FLASK_SECURITY_PASSWORD_SALT"])
    assert not [secret for secret in secrets if secret in log]
