"""Settings: from the environment, and safe, or the app does not start."""

import pytest
from click import ClickException

GOOD = "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e"


@pytest.fixture
def start(create_app, monkeypatch, tmp_path):
    """Return a function that starts an app from the environment alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_TESTING", "true")
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD)
    monkeypatch.setenv("FLASK_SECURITY_PASSWORD_SALT", GOOD[::-1])
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite://")
    return create_app


def test_environment_sets_any_setting(start, monkeypatch):
    monkeypatch.setenv("FLASK_SECURITY_TOKEN_MAX_AGE", "60")
    assert start().config["SECURITY_TOKEN_MAX_AGE"].total_seconds() == 60


def test_environment_wins_over_the_env_file(start, tmp_path):
    (tmp_path / ".env").write_text("FLASK_SECRET_KEY=short\nFLASK_FROM_FILE=yes\n")
    config = start().config
    assert (config["SECRET_KEY"], config["FROM_FILE"]) == (GOOD, "yes")


def test_env_file_is_not_read_when_flask_is_told_to_skip_it(
    start, monkeypatch, tmp_path
):
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    (tmp_path / ".env").write_text("FLASK_SKIPPED=yes\n")
    assert "SKIPPED" not in start().config


def test_secret_of_digits_stays_text(start, monkeypatch):
    digits = "31415926535897932384626433832795"
    monkeypatch.setenv("FLASK_SECRET_KEY", digits)
    assert start().secret_key == digits


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECURITY_PASSWORD_SALT"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("", "is missing", id="empty"),
        pytest.param(GOOD[:31], "has 31 characters, not 32 or more", id="short"),
        pytest.param("a" * 32, "repeats the same few characters", id="all the same"),
        pytest.param("change-me-" + GOOD, "is an example", id="example"),
        pytest.param("this_is_not_a_secret_" + GOOD, "is an example", id="another"),
    ],
)
def test_unsafe_secret_refuses_to_start(start, monkeypatch, name, value, reason):
    monkeypatch.setenv(f"FLASK_{name}", value)
    with pytest.raises(Exception, match=f"FLASK_{name} {reason}") as refusal:
        start()
    assert "secrets.token_urlsafe(32)" in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "reason"), [('"old"', "has 3 characters"), ("1", "is not text")]
)
def test_unsafe_old_key_refuses_to_start(start, monkeypatch, key, reason):
    monkeypatch.setenv("FLASK_SECRET_KEY_FALLBACKS", f'["{GOOD}", {key}]')
    with pytest.raises(Exception, match=f"FLASK_SECRET_KEY_FALLBACKS {reason}"):
        start()


@pytest.mark.parametrize("value", ["false", "False", "true", "True"])
def test_boolean_is_understood_in_either_case(start, monkeypatch, value):
    monkeypatch.setenv("FLASK_HTTP_BASIC_AUTH", value)
    assert start().config["HTTP_BASIC_AUTH"] is (value.lower() == "true")


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("HTTP_BASIC_AUTH", "off", "true or false"),
        ("HTTP_BASIC_AUTH", "0", "true or false"),
        ("ACCOUNTS", "register", "a list, of any of these"),
        ("ACCOUNTS", '["registration"]', "a list, of any of these"),
        ("CORS_ORIGINS", '[".*"]', "a list"),
        ("CORS_ORIGINS", '["https://example.com/"]', "a list"),
        ("HASHES_AT_ONCE", "0", "1 or more"),
        ("HSTS_SECONDS", "-1", "0 or more"),
        ("MAIL_PORT", "smtp", "a whole number"),
        ("MAX_CONTENT_LENGTH", "1MB", "a whole number of bytes"),
        ("MAX_CONTENT_LENGTH", "-1", "1 or more"),
        ("PROXY_COUNT", "-1", "0 or more"),
        ("RATELIMIT_ENABLED", "no", "true or false"),
        ("RATELIMIT_STORAGE_OPTIONS", "db=1", "an object"),
        ("SECRET_KEY_FALLBACKS", GOOD, "a list of old keys"),
        ("SECURITY_PASSWORD_LENGTH_MIN", "15.5", "a whole number"),
        ("SECURITY_PASSWORD_LENGTH_MIN", "11", "12 or more"),
        ("SECURITY_PASSWORD_HASH", "md5", "one of SECURITY_PASSWORD_SCHEMES"),
        ("SECURITY_TOKEN_MAX_AGE", "15m", "a whole number of seconds"),
        ("SECURITY_TOKEN_MAX_AGE", "-1", "1 or more"),
        ("SECURITY_REFRESH_TOKEN_MAX_AGE", "1000000000000", "315360000 or less"),
        ("TRUSTED_HOSTS", "[1]", "a list"),
    ],
)
def test_setting_of_the_wrong_kind_refuses_to_start(
    start, monkeypatch, name, value, rule
):
    monkeypatch.setenv(f"FLASK_{name}", value)
    with pytest.raises(Exception, match=f"FLASK_{name} is .* must be {rule}"):
        start()


@pytest.mark.parametrize("part", ["REGISTERABLE", "PASSWORDLESS", "TWO_FACTOR"])
def test_parts_of_the_library_that_serve_pages_refuse_to_start(
    start, monkeypatch, part
):
    monkeypatch.setenv(f"FLASK_SECURITY_{part}", "true")
    with pytest.raises(Exception, match=f"SECURITY_{part} serves pages"):
        start()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SQLALCHEMY_DATABASE_URI", "nonsense"),
        ("SQLALCHEMY_DATABASE_URI", "oracle+missing://a/b"),
        ("SQLALCHEMY_ENGINE_OPTIONS", '{"bogus": 1}'),
    ],
)
def test_database_that_cannot_be_used_is_named(start, monkeypatch, name, value):
    monkeypatch.setenv(f"FLASK_{name}", value)
    with pytest.raises(ClickException, match=r"FLASK_SQLALCHEMY_.* cannot be used"):
        start()


def test_missing_settings_are_all_named_at_once(start, monkeypatch):
    names = ["SECRET_KEY", "SECURITY_PASSWORD_SALT", "SQLALCHEMY_DATABASE_URI"]
    for name in names:
        monkeypatch.delenv(f"FLASK_{name}")
    with pytest.raises(Exception, match="the settings are not safe") as refusal:
        start()
    for name in names:
        assert f"FLASK_{name} is missing" in str(refusal.value)


def test_secret_that_is_not_text_refuses_to_start(create_app, settings):
    with pytest.raises(Exception, match="FLASK_SECRET_KEY is not text"):
        create_app({**settings, "SECRET_KEY": 31415926535897932384626433832795})
