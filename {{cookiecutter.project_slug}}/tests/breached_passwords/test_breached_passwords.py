"""Breached passwords: a service is asked, which learns next to nothing."""

import re
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from tests.conftest import EMAIL, PASSWORD


@pytest.fixture
def range_service():
    """Return the address of a service of breached passwords, and what it was asked.

    It knows PASSWORD; "padding horse battery" is padding. It is silent when told to.
    """
    asked = []

    class Service(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Add-Padding"]))
            released.wait()
            self.send_response(200)
            self.end_headers()
            known = {PASSWORD: 3, "padding horse battery": 0}
            for password, count in known.items():
                digest = sha1(password.encode(), usedforsecurity=False).hexdigest()
                self.wfile.write(f"{digest[5:].upper()}:{count}\r\n".encode())

        def log_message(self, *words):
            """Say nothing."""

    released = Event()
    released.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    base = f"http://127.0.0.1:{server.server_port}/range"
    yield SimpleNamespace(base=base, asked=asked, released=released)
    released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def is_breached(app, package, range_service):
    """Return a function that asks the service, or another one."""

    def is_breached(password, base=range_service.base, timeout=5):
        app.config.update(PASSWORD_BREACH_URL=base, PASSWORD_BREACH_TIMEOUT=timeout)
        with app.test_request_context():
            return package.breached_passwords.is_breached(password)

    return is_breached


def test_breached_password_is_known_and_never_told(is_breached, range_service):
    assert is_breached(PASSWORD)
    assert not is_breached("another horse battery")
    assert not is_breached("padding horse battery")
    paths, paddings = zip(*range_service.asked, strict=True)
    assert all(re.fullmatch(r"/range/[0-9A-F]{5}", path) for path in paths)
    assert paddings == ("true",) * 3


def test_breached_password_is_refused_with_a_reason(app, flask, range_service):
    app.config["PASSWORD_BREACH_URL"] = range_service.base
    result = flask("users", "change_password", EMAIL, "--password", PASSWORD)
    assert "Is known from a data breach" in result.output


def test_service_that_is_silent_refuses_nobody(is_breached, range_service, caplog):
    caplog.set_level("INFO")
    range_service.released.clear()
    assert not is_breached(PASSWORD, timeout=0.01)
    assert not is_breached(PASSWORD, base="http://127.0.0.1:1/range")
    assert [record.message for record in caplog.records] == ["breach check failed"] * 2


def test_nobody_is_asked_unless_a_setting_says_so(app, is_breached, range_service):
    assert app.config["PASSWORD_BREACH_URL"] == ""
    assert not is_breached(PASSWORD, base="")
    assert range_service.asked == []


@pytest.mark.parametrize(
    ("url", "timeout", "ids"),
    [
        pytest.param("", 2, [], id="off"),
        pytest.param("https://api.pwnedpasswords.com/range", 2, [], id="TLS"),
        pytest.param("http://127.0.0.1:8000/range", 2, [], id="this machine"),
        pytest.param("http://breaches.example.com", 2, ["auth.E046"], id="no TLS"),
        pytest.param("", 600, ["auth.E055"], id="long timeout"),
    ],
)
def test_unsafe_service_is_found_in_production(ids, package, timeout, url):
    config = {"PASSWORD_BREACH_URL": url, "PASSWORD_BREACH_TIMEOUT": timeout}
    checks = package.breached_passwords.CHECKS
    assert [check.id for check in checks if check.find_problem(config)] == ids
