"""Accounts over real SMTP and real HTTP: the link is taken from the mail."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urldefrag

import pytest
import requests
from aiosmtpd.controller import Controller
from conftest import free_port, run, seed_user

pytestmark = pytest.mark.full

NEW = "a better horse and battery"
FRONT_END = "https://app.example.com"
PARTS = '["register", "reset", "change", "change-email"]'

# Limits are for test_accounts.py of the project; here they would stop the many requests.
ON = {
    "FLASK_ACCOUNTS": PARTS,
    "FLASK_FRONT_END_URL": FRONT_END,
    "FLASK_MAIL_DEFAULT_SENDER": "API <api@example.com>",
    "FLASK_MAIL_TIMEOUT": "1",
    "FLASK_RATELIMIT_ENABLED": "false",
    # Of twelve at once none is told to come back.
    "FLASK_HASHES_AT_ONCE": "4",
}


@dataclass
class Letter:
    """What a mail server was given."""

    sender: str
    to: list[str]
    subject: str
    text: str

    @property
    def link(self) -> str:
        (link,) = re.findall(r"^https:\S+$", self.text, re.MULTILINE)
        return link


@dataclass
class MailServer:
    """Takes letters; an address whose name begins with "no" is refused."""

    port: int
    letters: list[Letter] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("no"):
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content)
        text = message.get_payload(decode=True).decode().replace("\r\n", "\n")
        letter = Letter(message["From"], envelope.rcpt_tos, message["Subject"], text)
        self.letters.append(letter)
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer(free_port())
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    yield server
    controller.stop()


@dataclass
class Api:
    """What users do over HTTP."""

    base: str
    user: dict[str, str]

    def post(self, path: str, access: str = "", **fields: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        return requests.post(f"{self.base}{path}", json=fields, headers=headers, timeout=30)

    def follow(self, letter: Letter, **fields: str) -> requests.Response:
        """Do as the page does that the link leads to."""
        page, token = urldefrag(letter.link)
        path, name = page.removeprefix(FRONT_END), "token="
        assert token.startswith(name)
        return self.post(path, token=token.removeprefix(name), **fields)

    def login(self, email: str = "", password: str = "") -> requests.Response:
        user = self.user
        return self.post(
            "/login", email=email or user["email"], password=password or user["password"]
        )

    def access(self) -> str:
        return self.login().json()["response"]["user"]["authentication_token"]

    def call(self, access: str) -> int:
        headers = {"Authorization": f"Bearer {access}"}
        return requests.get(f"{self.base}/dummy-api/", headers=headers, timeout=30).status_code


@pytest.fixture
def start(project: Path, serve):
    """Return a function that serves the API with accounts, and a mail server's port."""

    def start(port: int, **settings: str) -> Api:
        base = serve(project, FLASK_MAIL_PORT=str(port), **{**ON, **settings})
        return Api(base, seed_user(project))

    return start


@pytest.fixture
def api(mail: MailServer, start) -> Api:
    return start(mail.port)


def test_registration(api, mail):
    assert api.post("/register", email="grace@example.com").status_code == 202
    (letter,) = mail.letters
    assert (letter.sender, letter.to) == ("API <api@example.com>", ["grace@example.com"])
    assert api.follow(letter, password="grace").status_code == 422
    assert api.follow(letter, password=NEW).status_code == 201
    assert api.follow(letter, password=NEW).status_code == 422
    assert api.login("grace@example.com", NEW).status_code == 200


def test_password_reset(api, mail):
    before = api.access()
    assert api.post("/reset", email=api.user["email"].upper()).status_code == 202
    assert api.call(before) == 200
    assert api.follow(mail.letters[0], password=NEW).status_code == 200
    assert api.follow(mail.letters[0], password=NEW).status_code == 422
    assert (api.call(before), api.login().status_code) == (401, 401)
    assert api.login(password=NEW).status_code == 200
    assert mail.letters[-1].subject == "Your password was changed"


def test_password_change(api, mail):
    before, old = api.access(), api.user["password"]
    assert api.post("/change", before, password=NEW, new_password=NEW).status_code == 422
    assert api.post("/change", before, password=old, new_password=NEW).status_code == 200
    assert (api.call(before), api.login().status_code) == (401, 401)
    assert api.login(password=NEW).status_code == 200
    assert [letter.to for letter in mail.letters] == [[api.user["email"]]]


def test_change_of_address(api, mail):
    before, password = api.access(), api.user["password"]
    fields = {"email": "grace@example.com", "password": password}
    assert api.post("/change-email", before, **fields).status_code == 202
    assert api.call(before) == 200
    assert api.follow(mail.letters[0]).status_code == 200
    assert (api.call(before), api.login().status_code) == (401, 401)
    assert api.login("grace@example.com").status_code == 200
    assert [letter.to for letter in mail.letters] == [["grace@example.com"], [api.user["email"]]]


@pytest.mark.parametrize("path", ["/register", "/reset"])
def test_answer_is_the_same_for_every_address(api, mail, path, project):
    emails = [api.user["email"], "unknown@example.com"]
    answers = [api.post(path, email=email) for email in emails]
    run([".venv/bin/flask", "users", "deactivate", api.user["email"]], project)
    answers.append(api.post(path, email=api.user["email"]))
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (202, b'{"meta":{"code":202},"response":{}}\n')
    }
    assert len({tuple(answer.headers.keys()) for answer in answers}) == 1
    assert len(mail.letters) == 3
    assert "token" not in mail.letters[-1].text


def test_many_registrations_at_once_make_one_account(api, mail):
    spellings = ["grace@example.com", "Grace@example.com", "GRACE@example.com"] * 4
    with ThreadPoolExecutor(12) as pool:
        asked = list(pool.map(lambda email: api.post("/register", email=email), spellings))
        made = list(pool.map(lambda letter: api.follow(letter, password=NEW), mail.letters))
    assert {answer.status_code for answer in asked} == {202}
    assert sorted(answer.status_code for answer in made) == [201] + [422] * 11
    assert api.login("grace@example.com", NEW).status_code == 200


def test_many_uses_of_a_token_at_once_count_once(api, mail):
    api.post("/reset", email=api.user["email"])
    passwords = [f"{n} {NEW}" for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        used = list(pool.map(lambda new: api.follow(mail.letters[0], password=new), passwords))
    assert sorted(answer.status_code for answer in used) == [200] + [422] * 11
    (good,) = [p for p, answer in zip(passwords, used, strict=True) if answer.ok]
    assert [p for p in passwords if api.login(password=p).ok] == [good]


@pytest.fixture
def hanging() -> Iterator[int]:
    """Return the port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def rude() -> Iterator[int]:
    """Return the port of a server that closes every connection at once."""
    server = socket.create_server(("127.0.0.1", 0))

    def close_all() -> None:
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=close_all, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture(params=["away", "hanging", "rude"])
def broken(request) -> int:
    """Return the port of a mail server that is of no use."""
    return free_port() if request.param == "away" else request.getfixturevalue(request.param)


def test_without_a_mail_server_nothing_changes_and_nothing_is_told(broken, project, start):
    api = start(broken)
    access, user = api.access(), api.user
    move = {"email": "grace@example.com", "password": user["password"]}
    answers = [
        api.post(path, email=email)
        for path in ("/register", "/reset")
        for email in (user["email"], "unknown@example.com")
    ]
    answers += [api.post("/change-email", access, **move)]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"30"}
    assert len({answer.content for answer in answers}) == 1
    assert api.call(access) == 200
    assert api.login("grace@example.com").status_code == 401
    logs = "".join(log.read_text("utf-8") for log in project.parent.glob("server-*.log"))
    assert logs.count("letter not sent") == 5
    assert "Traceback" not in logs
    assert not [email for email in (user["email"], "unknown@") if email in logs.split("Serving")[1]]


def test_request_is_good_once_the_mail_server_is_back(mail, project, start):
    port = free_port()
    api = start(port)
    assert api.post("/reset", email=api.user["email"]).status_code == 503
    controller = Controller(mail, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert api.post("/reset", email=api.user["email"]).status_code == 202
    finally:
        controller.stop()
    assert api.follow(mail.letters[0], password=NEW).status_code == 200


def test_mail_server_that_hangs_stops_nobody_else(hanging, start):
    api = start(hanging, FLASK_MAIL_TIMEOUT="3")
    access = api.access()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(api.post, "/register", email=f"u{n}@example.com") for n in range(4)]
        assert api.call(access) == 200
        assert not any(request.done() for request in waiting)
    assert {request.result().status_code for request in waiting} == {503}


def test_password_changes_without_a_mail_server(broken, start):
    api = start(broken)
    fields = {"password": api.user["password"], "new_password": NEW}
    assert api.post("/change", api.access(), **fields).status_code == 200
    assert api.login(password=NEW).status_code == 200


def test_address_that_the_mail_server_refuses_is_503_for_everyone(api, mail):
    assert api.post("/register", email="no@example.com").status_code == 503
    assert api.post("/register", email="grace@example.com").status_code == 202


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate for localhost that nobody else vouches for, and its key."""
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-out", files[0], "-keyout", files[1]]
    run([*words.split(), *names], tmp_path)
    return files


@pytest.mark.parametrize(("trusted", "status"), [(True, 202), (False, 503)])
def test_mail_server_with_tls_is_believed_by_its_certificate(certificate, trusted, status, start):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server = MailServer(free_port())
    tls = {"tls_context": context, "require_starttls": True}
    controller = Controller(server, hostname="localhost", port=server.port, **tls)
    controller.start()
    trust = {"SSL_CERT_FILE": str(certificate[0])} if trusted else {}
    try:
        api = start(server.port, FLASK_MAIL_USE_TLS="true", **trust)
        assert api.post("/register", email="grace@example.com").status_code == status
    finally:
        controller.stop()
    assert len(server.letters) == int(trusted)
