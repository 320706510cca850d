"""Logs: a line a request, a line an event, and never a secret."""

import json
import logging
import logging.config

import pytest
from sqlalchemy import text


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
    answer = client.get("/healthz", headers={"X-Request-ID": sent})
    (line,) = requests()
    assert answer.headers["X-Request-ID"] == line.request_id
    assert (line.request_id == sent) is kept


def test_events_of_authentication_are_logged_with_their_reason(auth, events, flask):
    tokens = auth.tokens()
    auth.login(password="wrong")
    auth.login(email="bob@example.com")
    auth.refresh(tokens.refresh)
    auth.refresh(tokens.refresh)
    auth.refresh("guessed")
    auth.logout(auth.tokens().access)
    flask("auth", "revoke", "ada@example.com")
    flask("users", "deactivate", "ada@example.com")
    auth.login()
    assert events() == [
        ("login", None),
        ("login refused", "wrong password"),
        ("login refused", "unknown address"),
        ("session renewed", None),
        ("refresh refused", "GEN_MISMATCH"),
        ("refresh token reused, session ended", None),
        ("refresh refused", "INVALID"),
        ("login", None),
        ("logout", None),
        ("tokens revoked", None),
        ("login refused", "deactivated"),
    ]


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ("LOGIN_LIMIT_PER_ADDRESS", "network"),
        ("LOGIN_LIMIT_PER_ACCOUNT", "account"),
    ],
)
def test_too_many_attempts_are_logged_with_what_they_have_in_common(
    auth, events, make_app, limit, reason
):
    settings = {limit: "1 per minute", "RATELIMIT_ENABLED": True}
    auth.client = make_app(**settings).test_client()
    auth.login(password="wrong")
    assert auth.login().status_code == 429
    assert events()[-1] == ("too many attempts", reason)


@pytest.fixture
def break_database(migrated):
    """Return a function that takes a table away until the test has ended."""
    database = migrated.extensions["sqlalchemy"]

    def rename(old, new):
        with migrated.app_context():
            database.session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))
            database.session.commit()

    yield lambda: rename("auth_refresh_tracker", "elsewhere")
    rename("elsewhere", "auth_refresh_tracker")


def test_no_secret_is_ever_logged(app, auth, break_database, caplog, settings):
    caplog.set_level(logging.DEBUG)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    tokens = auth.tokens()
    auth.call("spoiled" + tokens.access)
    auth.login(password="wrong horse battery")
    renewed = auth.refresh(tokens.refresh).json["response"]["user"]
    break_database()
    assert auth.login().status_code >= 500
    assert auth.call(renewed["authentication_token"]).status_code >= 500
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        query = text("SELECT password, fs_uniquifier FROM auth_user")
        row = database.session.execute(query).one()
    logged = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    secrets = [
        *("correct horse battery", "wrong horse battery", "ada@example.com", *row),
        *(tokens.access, tokens.refresh),
        *(renewed["authentication_token"], renewed["refresh_token"]),
        *(settings["SECRET_KEY"], settings["SECURITY_PASSWORD_SALT"]),
    ]
    assert "auth_refresh_tracker" in logged
    assert not [secret for secret in secrets if secret in logged]


@pytest.fixture
def config(make_app, monkeypatch):
    """Return a function that gives the logging of an app that is no test."""

    def config(**settings):
        configs = []
        with monkeypatch.context() as patch:
            patch.setattr("logging.config.dictConfig", configs.append)
            make_app(TESTING=False, **settings)
        return logging.config.DictConfigurator(configs[0])

    return config


@pytest.fixture
def formatter(config):
    def formatter(**settings):
        logs = config(**settings)
        return logs.configure_formatter(logs.config["formatters"]["line"])

    return formatter


@pytest.mark.parametrize(
    ("message", "args", "kept"),
    [
        ("Running on http://127.0.0.1:5001", (), True),
        ("%s", ("GET /?secret=1",), False),
    ],
)
def test_development_server_logs_no_request(config, message, args, kept):
    logs = config()
    (name,) = logs.config["loggers"]["werkzeug"]["filters"]
    passes = logs.configure_filter(logs.config["filters"][name])
    assert passes(logging.makeLogRecord({"msg": message, "args": args})) is kept


LINE = {
    "created": 1782907200,
    "name": "app",
    "levelname": "INFO",
    "msg": "GET /healthz 200",
    "status": 200,
}
OOPS = (ValueError, ValueError("oops"), None)


def test_line_is_json_unless_set_otherwise(formatter):
    line = json.loads(formatter().format(logging.makeLogRecord(LINE)))
    assert line == {
        "time": "2026-07-01T12:00:00+00:00",
        "level": "INFO",
        "name": "app",
        "message": "GET /healthz 200",
        "status": 200,
    }


def test_line_of_an_error_says_where(formatter):
    line = json.loads(formatter().format(logging.makeLogRecord({"exc_info": OOPS})))
    assert line["exc_info"].endswith("ValueError: oops")


def test_line_is_text_where_that_is_set(formatter):
    line = formatter(LOG_JSON=False).format(logging.makeLogRecord(LINE))
    assert line.endswith(" INFO app GET /healthz 200")
