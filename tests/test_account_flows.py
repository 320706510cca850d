"""Account flows over real SMTP and HTTP: the test takes the link from the email."""

import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urldefrag

import pytest
import requests
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from conftest import free_port, run, seed_user

pytestmark = pytest.mark.full

NEW_PASSWORD = "a better horse and battery"
FRONT_END = "https://app.example.com"
FLOWS = '["register", "reset", "change", "change-email"]'

# The project's own tests are about rate limits. Here they would refuse some requests.
SETTINGS = {
    "FLASK_ACCOUNT_FLOWS": FLOWS,
    "FLASK_FRONT_END_URL": FRONT_END,
    "FLASK_MAIL_DEFAULT_SENDER": "API <api@example.com>",
    "FLASK_MAIL_TIMEOUT": "1",
    "FLASK_RATELIMIT_ENABLED": "false",
    # The queue has room for twelve passwords at the same time.
    "FLASK_MAX_CONCURRENT_HASHES": "4",
}


@dataclass
class Email:
    """An email that the mail server received."""

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
    """Receives emails, and refuses addresses whose name begins with "no"."""

    port: int
    emails: list[Email] = field(default_factory=list)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("no"):
            return "550 No such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content)
        text = message.get_payload(decode=True).decode().replace("\r\n", "\n")
        email = Email(message["From"], envelope.rcpt_tos, message["Subject"], text)
        self.emails.append(email)
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

    def follow_link(self, email: Email, **fields: str) -> requests.Response:
        """Send the token of a link to the API, as the page behind the link does."""
        page, token = urldefrag(email.link)
        path, name = page.removeprefix(FRONT_END), "token="
        assert token.startswith(name)
        return self.post(path, token=token.removeprefix(name), **fields)

    def login(self, email: str = "", password: str = "") -> requests.Response:
        user = self.user
        return self.post(
            "/login", email=email or user["email"], password=password or user["password"]
        )

    def get_token(self) -> str:
        return self.login().json()["response"]["user"]["authentication_token"]

    def call(self, access: str) -> int:
        headers = {"Authorization": f"Bearer {access}"}
        return requests.get(f"{self.base}/dummy-api/", headers=headers, timeout=30).status_code


@pytest.fixture
def start(project: Path, serve):
    """Return a function that serves the API with account flows, for a mail server's port."""

    def start(port: int, **changes: str) -> Api:
        base = serve(project, FLASK_MAIL_PORT=str(port), **{**SETTINGS, **changes})
        return Api(base, seed_user(project))

    return start


@pytest.fixture
def api(mail: MailServer, start) -> Api:
    return start(mail.port)


def test_registration_creates_an_account(api, mail):
    assert api.post("/register", email="grace@example.com").status_code == 202
    (email,) = mail.emails
    assert (email.sender, email.to) == ("API <api@example.com>", ["grace@example.com"])
    assert api.follow_link(email, password="grace").status_code == 422
    assert api.follow_link(email, password=NEW_PASSWORD).status_code == 201
    assert api.follow_link(email, password=NEW_PASSWORD).status_code == 422
    assert api.login("grace@example.com", NEW_PASSWORD).status_code == 200


def test_registration_in_another_form_of_the_address_is_the_same_account(api, mail):
    assert api.post("/register", email="Grace@BÜCHER.example").status_code == 202
    (email,) = mail.emails
    assert email.to == ["grace@xn--bcher-kva.example"]
    assert api.follow_link(email, password=NEW_PASSWORD).status_code == 201
    assert api.login("grace@xn--bcher-kva.example", NEW_PASSWORD).status_code == 200
    answer = api.login("GRACE@bücher.example", NEW_PASSWORD).json()
    assert answer["response"]["user"]["email"] == "grace@bücher.example"


def test_password_reset_ends_the_session_and_sets_the_password(api, mail):
    old_token = api.get_token()
    assert api.post("/reset", email=api.user["email"].upper()).status_code == 202
    assert api.call(old_token) == 200
    assert api.follow_link(mail.emails[0], password=NEW_PASSWORD).status_code == 200
    assert api.follow_link(mail.emails[0], password=NEW_PASSWORD).status_code == 422
    assert (api.call(old_token), api.login().status_code) == (401, 401)
    assert api.login(password=NEW_PASSWORD).status_code == 200
    assert mail.emails[-1].subject == "Your password was changed"


def test_password_change_needs_the_password_and_ends_the_session(api, mail):
    old_token, old = api.get_token(), api.user["password"]
    wrong = {"password": NEW_PASSWORD, "new_password": NEW_PASSWORD}
    assert api.post("/change", old_token, **wrong).status_code == 422
    right = {"password": old, "new_password": NEW_PASSWORD}
    assert api.post("/change", old_token, **right).status_code == 200
    assert (api.call(old_token), api.login().status_code) == (401, 401)
    assert api.login(password=NEW_PASSWORD).status_code == 200
    assert [email.to for email in mail.emails] == [[api.user["email"]]]


def test_change_of_the_address_ends_the_session_and_notifies_the_old_address(api, mail):
    old_token, password = api.get_token(), api.user["password"]
    fields = {"email": "grace@example.com", "password": password}
    assert api.post("/change-email", old_token, **fields).status_code == 202
    assert api.call(old_token) == 200
    assert api.follow_link(mail.emails[0]).status_code == 401
    assert api.follow_link(mail.emails[0], access=old_token).status_code == 200
    assert (api.call(old_token), api.login().status_code) == (401, 401)
    assert api.login("grace@example.com").status_code == 200
    assert [email.to for email in mail.emails] == [["grace@example.com"], [api.user["email"]]]


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
    assert len(mail.emails) == 3
    assert "token" not in mail.emails[-1].text


def test_many_registrations_at_the_same_time_create_one_account(api, mail):
    forms = ["grace@example.com", "Grace@example.com", "GRACE@example.com"] * 4
    with ThreadPoolExecutor(12) as pool:
        requested = list(pool.map(lambda email: api.post("/register", email=email), forms))
        confirmed = list(
            pool.map(lambda email: api.follow_link(email, password=NEW_PASSWORD), mail.emails)
        )
    assert {answer.status_code for answer in requested} == {202}
    counts = Counter(answer.status_code for answer in confirmed)
    # 429: one account, or one network, holds a quarter of the queue of hashes.
    assert (counts[201], counts[422] + counts[429]) == (1, 11)
    assert api.login("grace@example.com", NEW_PASSWORD).status_code == 200


def test_many_uses_of_a_token_at_the_same_time_count_once(api, mail):
    api.post("/reset", email=api.user["email"])
    passwords = [f"{n} {NEW_PASSWORD}" for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        used = list(pool.map(lambda new: api.follow_link(mail.emails[0], password=new), passwords))
    counts = Counter(answer.status_code for answer in used)
    assert (counts[200], counts[422] + counts[429]) == (1, 11)
    (good,) = [p for p, answer in zip(passwords, used, strict=True) if answer.ok]
    assert [p for p in passwords if api.login(password=p).ok] == [good]


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Return the port of a server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closing_server() -> Iterator[int]:
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


@pytest.fixture
def no_server() -> int:
    """Return a port on which nothing listens."""
    return free_port()


@pytest.fixture(params=["no_server", "silent_server", "closing_server"])
def broken_server(request) -> int:
    """Return the port of a mail server that takes no email."""
    return request.getfixturevalue(request.param)


def test_without_a_mail_server_nothing_changes_and_nothing_is_revealed(
    broken_server, project, start
):
    api = start(broken_server)
    access, user = api.get_token(), api.user
    change = {"email": "grace@example.com", "password": user["password"]}
    answers = [
        api.post(path, email=email)
        for path in ("/register", "/reset")
        for email in (user["email"], "unknown@example.com")
    ]
    answers += [api.post("/change-email", access, **change)]
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"30"}
    assert len({answer.content for answer in answers}) == 1
    assert api.call(access) == 200
    assert api.login("grace@example.com").status_code == 401
    logs = "".join(log.read_text("utf-8") for log in project.parent.glob("server-*.log"))
    assert logs.count("email not sent") == 5
    assert "Traceback" not in logs
    assert not [email for email in (user["email"], "unknown@") if email in logs.split("Serving")[1]]


def test_request_succeeds_once_the_mail_server_is_reachable_again(mail, project, start):
    port = free_port()
    api = start(port)
    assert api.post("/reset", email=api.user["email"]).status_code == 503
    controller = Controller(mail, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        assert api.post("/reset", email=api.user["email"]).status_code == 202
    finally:
        controller.stop()
    assert api.follow_link(mail.emails[0], password=NEW_PASSWORD).status_code == 200


def test_mail_server_that_hangs_blocks_no_other_request(silent_server, start):
    api = start(silent_server, FLASK_MAIL_TIMEOUT="3")
    access = api.get_token()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(api.post, "/register", email=f"u{n}@example.com") for n in range(4)]
        assert api.call(access) == 200
        assert not any(request.done() for request in waiting)
    assert {request.result().status_code for request in waiting} == {503}


def test_password_changes_without_a_mail_server(broken_server, start):
    api = start(broken_server)
    fields = {"password": api.user["password"], "new_password": NEW_PASSWORD}
    assert api.post("/change", api.get_token(), **fields).status_code == 200
    assert api.login(password=NEW_PASSWORD).status_code == 200


def test_address_that_the_mail_server_refuses_is_503_for_everyone(api, mail):
    assert api.post("/register", email="no@example.com").status_code == 503
    assert api.post("/register", email="grace@example.com").status_code == 202


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a self-signed certificate for localhost, and its key."""
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    options = ["-addext", "subjectAltName=DNS:localhost", "-out", files[0], "-keyout", files[1]]
    run([*command.split(), *options], tmp_path)
    return files


def authenticate(server, session, envelope, mechanism, login):
    """Accept the one login of these tests, in whatever way it is sent."""
    success = (login.login, login.password) == (b"api", b"a password of the mail server")
    return AuthResult(success=success)


LOGIN = {
    "FLASK_MAIL_USERNAME": "api",
    "FLASK_MAIL_PASSWORD": "a password of the mail server",
}


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(
    ("setting", "trusted", "login", "status"),
    [
        pytest.param("FLASK_MAIL_USE_TLS", True, LOGIN, 202, id="STARTTLS"),
        pytest.param("FLASK_MAIL_USE_SSL", True, LOGIN, 202, id="TLS from the start"),
        pytest.param("FLASK_MAIL_USE_TLS", False, LOGIN, 503, id="STARTTLS, not trusted"),
        pytest.param("FLASK_MAIL_USE_SSL", False, LOGIN, 503, id="TLS, not trusted"),
        pytest.param("FLASK_MAIL_USE_TLS", True, {}, 503, id="no login"),
    ],
)
def test_email_is_sent_with_tls_and_login_to_a_trusted_server_only(
    certificate, setting, trusted, login, status, start
):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server = MailServer(free_port())
    if setting == "FLASK_MAIL_USE_SSL":
        # aiosmtpd does not know that this connection has TLS.
        tls = {"ssl_context": context, "auth_require_tls": False}
    else:
        tls = {"tls_context": context, "require_starttls": True}
    controller = Controller(
        server,
        hostname="localhost",
        port=server.port,
        authenticator=authenticate,
        auth_required=True,
        **tls,
    )
    controller.start()
    trust = {"SSL_CERT_FILE": str(certificate[0])} if trusted else {}
    try:
        api = start(server.port, **{setting: "true"}, **login, **trust)
        assert api.post("/register", email="grace@example.com").status_code == status
    finally:
        controller.stop()
    assert len(server.emails) == (1 if status == 202 else 0)
