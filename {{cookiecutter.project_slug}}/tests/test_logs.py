"""Logs: a line for each request and each event, and never a secret."""

import json
import logging
import sys

import pytest
from sqlalchemy import text

from tests.conftest import EMAIL, PASSWORD, catch_logging


@pytest.fixture
def events(caplog):
    """Return a function that gives the events that were logged: (event, reason)."""
    caplog.set_level(logging.INFO)
    return lambda: [
        (record.event, getattr(record, "reason", None))
        for record in caplog.records
        if hasattr(record, "event")
    ]


@pytest.fixture
def requests(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [record for record in caplog.records if hasattr(record, "path")]


def test_request_is_one_line(auth, requests):
    token = auth.tokens().access
    auth.client.get("/dummy-api/?secret=1", headers={"Authentication-Token": token})
    login, call = requests()
    assert (login.method, login.path, login.status) == ("POST", "/login", 200)
    assert (call.method, call.path, call.status) == ("GET", "/dummy-api/", 200)
    assert call.user > 0
    assert call.duration_ms > 0


def test_request_stays_one_line_whatever_its_path(client, requests):
    client.get("/a%0d%0aPOST%20/login%20200")
    (line,) = requests()
    assert line.getMessage() == "GET /a%0D%0APOST%20/login%20200 404"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("abc-123", True), ("a b", False), ("x" * 65, False), ("", False)],
)
def test_request_id_is_kept_if_it_is_one(client, requests, sent, kept):
    response = client.get("/healthz", headers={"X-Request-ID": sent})
    (line,) = requests()
    assert response.headers["X-Request-ID"] == line.request_id
    assert (line.request_id == sent) is kept


def test_events_of_authentication_are_logged_with_their_reason(auth, events, flask):
    tokens = auth.tokens()
    auth.login(password="wrong")
    auth.login(email="bob@example.com")
    auth.refresh(tokens.refresh)
    auth.refresh(tokens.refresh)
    auth.refresh("invented")
    auth.logout(auth.tokens().access)
    flask("auth", "revoke", EMAIL)
    flask("users", "deactivate", EMAIL)
    auth.login()
    assert events() == [
        ("login", None),
        ("login refused", "wrong password"),
        ("login refused", "unknown address"),
        ("session refreshed", None),
        ("refresh token reused, session ended", None),
        ("refresh refused", "reused"),
        ("refresh refused", "invalid"),
        ("login", None),
        ("logout", None),
        ("tokens revoked", None),
        ("login refused", "deactivated"),
    ]


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("LOGIN_RATE_LIMIT_PER_NETWORK", "network"),
        ("LOGIN_RATE_LIMIT_PER_ACCOUNT", "account"),
    ],
)
def test_rate_limit_is_logged_with_what_the_attempts_have_in_common(
    auth, events, make_app, limit, reason
):
    settings = {limit: "1 per minute", "RATELIMIT_ENABLED": True}
    auth.client = make_app(**settings).test_client()
    auth.login(password="wrong")
    assert auth.login().status_code == 429
    assert events()[-1] == ("rate limited", reason)


@pytest.fixture
def break_database(migrated):
    """Return a function that takes a table away until the test has ended."""
    database = migrated.extensions["sqlalchemy"]

    def rename(old, new):
        with migrated.app_context():
            database.session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
            database.session.commit()

    yield lambda: rename("auth_session", "elsewhere")
    rename("elsewhere", "auth_session")


def test_no_secret_is_ever_logged(app, auth, break_database, caplog, settings, sql):
    caplog.set_level(logging.DEBUG)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    tokens = auth.tokens()
    auth.call("spoiled" + tokens.access)
    auth.login(password="wrong horse battery")
    new = auth.refresh(tokens.refresh).json["response"]["user"]
    break_database()
    assert auth.login().status_code >= 500
    assert auth.call(new["authentication_token"]).status_code >= 500
    (row,) = sql("SELECT password, fs_uniquifier FROM auth_user")
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    secrets = [
        *(PASSWORD, "wrong horse battery", EMAIL, *row),
        *(tokens.access, tokens.refresh),
        *(new["authentication_token"], new["refresh_token"]),
        *(settings["SECRET_KEY"], settings["SECURITY_PASSWORD_SALT"]),
    ]
    assert "auth_session" in logged
    assert not [secret for secret in secrets if secret in logged]


@pytest.fixture
def logging_of(make_app):
    """Return a function that gives how an app that is no test configures logging."""

    def logging_of(**settings):
        with catch_logging() as caught:
            make_app(TESTING=False, **settings)
        return caught

    return logging_of


@pytest.fixture
def format_line(logging_of):
    """Return a function that formats a record as an app with some settings does."""

    def format_line(record, **settings):
        (handler,) = logging_of(**settings).options["handlers"]
        return handler.format(logging.makeLogRecord(record))

    return format_line


def test_app_logs_to_stderr_from_info_on(logging_of):
    caught = logging_of()
    (handler,) = caught.options["handlers"]
    assert (handler.stream, caught.options["force"]) == (sys.stderr, True)
    assert caught.levels == [logging.INFO]


@pytest.mark.parametrize(
    ("message", "args", "kept"),
    [
        ("Running on http://127.0.0.1:5001", (), True),
        ("%s", ("GET /?secret=1",), False),
    ],
)
def test_development_server_logs_no_request(logging_of, message, args, kept):
    (passes,) = logging_of().filters
    assert passes(logging.makeLogRecord({"msg": message, "args": args})) is kept


LINE = {
    "created": 1782907200,
    "name": "app",
    "levelname": "INFO",
    "msg": "GET /healthz 200",
    "status": 200,
}
OOPS = (ValueError, ValueError("oops"), None)


def test_line_is_json_unless_set_otherwise(format_line):
    assert json.loads(format_line(LINE)) == {
        "time": "2026-07-01T12:00:00+00:00",
        "level": "INFO",
        "name": "app",
        "message": "GET /healthz 200",
        "status": 200,
    }


def test_line_of_an_error_says_where(format_line):
    line = json.loads(format_line({"exc_info": OOPS}))
    assert line["exc_info"].endswith("ValueError: oops")


def test_line_is_text_where_that_is_set(format_line):
    line = format_line(LINE, LOG_JSON=False)
    assert line.endswith(" INFO app GET /healthz 200")
