"""Variables that nothing reads: a warning at start, and a finding."""

import json

import pytest
from flask.testing import FlaskCliRunner

GOOD = "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e"


@pytest.fixture
def start(create_app, monkeypatch, tmp_path):
    """Return a function that starts an app with one more variable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_TESTING", "true")
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD)
    monkeypatch.setenv("FLASK_SECURITY_PASSWORD_SALT", GOOD[::-1])
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite://")

    def start(name, value="60"):
        monkeypatch.setenv(name, value)
        return create_app()

    return start


def find(app):
    result = FlaskCliRunner(app).invoke(args=["auth", "check", "--json"])
    findings = json.loads(result.output)
    return [f["problem"] for f in findings if f["id"] == "auth.E050"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SECURTY_TOKEN_MAX_AGE", " Did you mean FLASK_SECURITY_TOKEN_MAX_AGE?"),
        ("PROXY_COUNTS", " Did you mean FLASK_PROXY_COUNT?"),
        ("TRUSTED_HOST", " Did you mean FLASK_TRUSTED_HOSTS?"),
        ("SQLALCHEMY_DATABASE_URL", " Did you mean FLASK_SQLALCHEMY_DATABASE_URI?"),
        ("SECURITY_LOGIN_ERRORVIEW", " Did you mean FLASK_SECURITY_LOGIN_ERROR_VIEW?"),
        ("RUN_PROT", " Did you mean FLASK_RUN_PORT?"),
        ("API_DOC", " Did you mean FLASK_API_DOCS?"),
        ("XYZZY", ""),
    ],
)
def test_unknown_name_is_a_warning_and_a_finding(start, caplog, name, meant):
    app = start(f"FLASK_{name}", "s3cret")
    sentence = f"FLASK_{name} is not a known setting."
    (warning,) = [r for r in caplog.records if r.levelname == "WARNING"]
    assert find(app) == [warning.getMessage()]
    assert warning.getMessage() == f"{sentence}{meant}"


NAMES_OF_OTHERS = {
    "FLASK_APP": "app",
    "FLASK_ENV": "production",
    "FLASK_DEBUG": "0",
    "FLASK_RUN_HOST": "127.0.0.1",
    "FLASK_RUN_PORT": "5001",
    "FLASK_RUN_FROM_CLI": "true",
    "FLASK_SKIP_DOTENV": "1",
    "FLASK_ENV_FILE": ".env",
    "FLASK_AUTH_CHECK_DEPLOY": "1",
    "FLASK_DB_DIRECTORY": "migrations",
    "FLASK_SESSION_COOKIE_NAME": "session",
    "FLASK_SECURITY_EMAIL_SENDER": "a@example.com",
    "FLASK_SECURITY_MSG_LOGIN": '["Hello", "info"]',
    "FLASK_SQLALCHEMY_ECHO": "false",
    "FLASK_OPENAPI_SWAGGER_UI_PATH": "/",
    "FLASK_API_TITLE": "API",
    "FLASK_CORS_MAX_AGE": "60",
    "FLASK_PORT": "tcp://10.0.0.1:5001",
    "FLASK_PORT_5001_TCP_ADDR": "10.0.0.1",
    "FLASK_PORT_5001_TCP": "tcp://10.0.0.1:5001",
    "FLASK_SERVICE_HOST": "10.0.0.1",
    "FLASK_SERVICE_PORT_HTTP": "5001",
    "FLASK_MAIL_PORT": "tcp://10.0.0.1:25",
    "FLASK_MAIL_SERVICE_HOST": "10.0.0.1",
}


def test_names_of_others_are_known(start, caplog, monkeypatch):
    for name, value in NAMES_OF_OTHERS.items():
        monkeypatch.setenv(name, value)
    app = start("FLASK_ENV", "production")
    assert [r for r in caplog.records if r.levelname == "WARNING"] == []
    assert find(app) == []


def test_environment_counts_only_where_it_is_read(make_app, monkeypatch, caplog):
    monkeypatch.setenv("FLASK_XYZZY", "1")
    assert find(make_app()) == []
    assert caplog.records == []
