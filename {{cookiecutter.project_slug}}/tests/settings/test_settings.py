"""Settings: from the environment, and safe, or the app does not start."""

import base64
import logging
import os
import runpy
import secrets
from datetime import timedelta
from uuid import uuid4

import pytest
from click import ClickException
from flask import Flask
from flask.helpers import get_debug_flag

from tests.conftest import PACKAGE

GOOD = "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e"

RULES = {
    name: setting
    for name, setting in PACKAGE.settings.find_settings(PACKAGE.__name__).items()
    if isinstance(setting, PACKAGE.settings.rules.Setting)
}


@pytest.fixture
def start(create_app, monkeypatch, tmp_path):
    """Return a function that starts an app from the environment alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLASK_TESTING", "true")
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD)
    monkeypatch.setenv("FLASK_SECURITY_PASSWORD_SALT", GOOD[::-1])
    monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", "sqlite://")
    environment = dict(os.environ)
    yield create_app
    # Without what .env has added.
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture
def refuse(start, monkeypatch):
    """Return a function that gives the refusal to start with a setting."""

    def refuse(name, value):
        monkeypatch.setenv(f"FLASK_{name}", value)
        with pytest.raises(ClickException) as refusal:
            start()
        return refusal.value.message

    return refuse


def test_environment_sets_any_setting(start, monkeypatch):
    monkeypatch.setenv("FLASK_SECURITY_TOKEN_MAX_AGE", "60")
    assert start().config["SECURITY_TOKEN_MAX_AGE"] == timedelta(seconds=60)


def test_environment_wins_over_the_env_file(start, tmp_path):
    (tmp_path / ".env").write_text("FLASK_SECRET_KEY=short\nFLASK_FROM_FILE=text\n")
    config = start().config
    assert (config["SECRET_KEY"], config["FROM_FILE"]) == (GOOD, "text")


def test_env_file_is_not_read_when_flask_is_told_to_skip_it(
    start, monkeypatch, tmp_path
):
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    (tmp_path / ".env").write_text("FLASK_SKIPPED=yes\n")
    assert "SKIPPED" not in start().config


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SECRET_KEY", "31415926535897932384626433832795"),
        ("RATELIMIT_STORAGE_URI", "memory://0"),
        ("RATELIMIT_STORAGE_URI", "memory://"),
    ],
)
def test_text_stays_text_also_if_it_looks_like_a_number(start, monkeypatch, name, text):
    monkeypatch.setenv(f"FLASK_{name}", text)
    assert start().config[name] == text


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECURITY_PASSWORD_SALT"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("", "is missing", id="empty"),
        pytest.param(GOOD[:31], "has 31 characters, not 32 or more", id="short"),
        pytest.param("a" * 32, "is not random", id="all the same"),
        pytest.param("change-me-" * 4, "is not random", id="example"),
    ],
)
def test_unsafe_secret_refuses_to_start(refuse, name, value, reason):
    refusal = refuse(name, value)
    assert f"FLASK_{name} {reason}" in refusal
    assert "secrets.token_urlsafe(32)" in refusal
    assert value == "" or value not in refusal


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        (f'["{GOOD}", "old"]', 'must be a list: ["..."]. Item 2 has 3 characters'),
        (f'["{GOOD}", 1]', 'must be a list: ["..."]. Item 2 is not text'),
        (GOOD, 'must be a list: ["..."]'),
        (f'{{"old": "{GOOD}"}}', 'must be a list: ["..."]'),
    ],
)
def test_unsafe_old_key_refuses_to_start(refuse, keys, reason):
    refusal = refuse("SECRET_KEY_FALLBACKS", keys)
    assert f"FLASK_SECRET_KEY_FALLBACKS {reason}" in refusal
    assert GOOD not in refusal


SEVERAL_AT = "has several @: in a password write %40 instead"
SECONDS = "must be a whole number of seconds, from 1 to 315360000"
ORIGINS = 'must be a list: ["https://app.example.com"]'
SCHEMES = "must be one of: argon2, bcrypt, pbkdf2_sha512"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CORS_ORIGINS", '[".*"]', f"{ORIGINS}. Item 1 is invalid"),
        ("CORS_ORIGINS", '["https://example.com/"]', f"{ORIGINS}. Item 1 is invalid"),
        ("CORS_ORIGINS", '["https://a.example", 1]', f"{ORIGINS}. Item 2 is invalid"),
        ("CORS_ORIGINS", "https://example.com", ORIGINS),
        (
            "MAX_CONCURRENT_HASHES",
            "0",
            "must be a whole number, 1 or more",
        ),
        ("HSTS_SECONDS", "-1", "must be a whole number, 0 or more"),
        ("HSTS_SECONDS", "true", "must be a whole number, 0 or more"),
        ("MAX_CONTENT_LENGTH", "1MB", "must be a whole number, 1 or more"),
        ("MAX_CONTENT_LENGTH", "-1", "must be a whole number, 1 or more"),
        ("PROXY_COUNT", "-1", "must be a whole number, 0 or more"),
        ("PROXY_COUNT", "1.5", "must be a whole number, 0 or more"),
        ("RATELIMIT_STORAGE_OPTIONS", "db=1", 'must be an object: {"db": 1}'),
        (
            "SECURITY_PASSWORD_LENGTH_MIN",
            "15.5",
            "must be a whole number, 12 or more",
        ),
        (
            "SECURITY_PASSWORD_LENGTH_MIN",
            "11",
            "must be a whole number, 12 or more",
        ),
        ("SECURITY_PASSWORD_HASH", "md5", SCHEMES),
        ("SECURITY_TOKEN_MAX_AGE", "15m", SECONDS),
        ("SECURITY_TOKEN_MAX_AGE", "-1", SECONDS),
        ("SECURITY_TOKEN_MAX_AGE", "0", SECONDS),
        (
            "SECURITY_REFRESH_TOKEN_MAX_AGE",
            "1000000000000",
            SECONDS,
        ),
        ("SQLALCHEMY_ENGINE_OPTIONS", "[]", 'must be an object: {"pool_size": 10}'),
        ("SQLALCHEMY_DATABASE_URI", "mysql://user@s3cret@h/d", SEVERAL_AT),
        ("SQLALCHEMY_DATABASE_URI", "mysql://user@a/s3cret@h/d", SEVERAL_AT),
        ("TRUSTED_HOSTS", "null", 'must be a list: ["api.example.com"]'),
        (
            "TRUSTED_HOSTS",
            "[1]",
            'must be a list: ["api.example.com"]. Item 1 is invalid',
        ),
        ("TRUSTED_HOSTS", "example.com", 'must be a list: ["api.example.com"]'),
        ("LOGIN_RATE_LIMIT_PER_ACCOUNT", "often", "must be a rate: 10 per minute"),
        ("LOGIN_RATE_LIMIT_PER_NETWORK", "", "must be a rate: 30 per minute"),
        ("LOGIN_RATE_LIMIT_PER_NETWORK", "30", "must be a rate: 30 per minute"),
    ],
)
def test_setting_of_the_wrong_kind_refuses_to_start(refuse, name, value, problem):
    lines = refuse(name, value).splitlines()
    assert lines == ["Invalid configuration:", f"  FLASK_{name} {problem}."]


@pytest.mark.parametrize("feature", ["REGISTERABLE", "PASSWORDLESS", "TWO_FACTOR"])
def test_features_of_the_library_that_serve_pages_refuse_to_start(refuse, feature):
    assert refuse(f"SECURITY_{feature}", "true").endswith(
        f"  FLASK_SECURITY_{feature} is fixed: "
        "it serves HTML pages without rate limits."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SQLALCHEMY_DATABASE_URI", "nonsense"),
        ("SQLALCHEMY_DATABASE_URI", "oracle+missing://a/b"),
        ("SQLALCHEMY_DATABASE_URI", "s3cret://host/db"),
        ("SQLALCHEMY_DATABASE_URI", "mysql+pymysql://user:s3cret/db"),
        ("SQLALCHEMY_ENGINE_OPTIONS", '{"bogus": 1}'),
        ("SQLALCHEMY_ENGINE_OPTIONS", '{"s3cret": 1}'),
        ("SQLALCHEMY_ENGINE_OPTIONS", '{"connect_args": "s3cret"}'),
    ],
)
def test_database_that_cannot_be_used_is_named(refuse, name, value):
    refusal = refuse(name, value)
    assert refusal.startswith("FLASK_SQLALCHEMY_DATABASE_URI or FLASK_SQLALCHEMY_")
    assert "cannot be used" in refusal
    assert "s3cret" not in refusal


# Where a secret can be in a value, wanted or not.
MARKER = "s3cret8431902"
SHAPES = {
    "text": MARKER,
    "number": "8431902",
    "negative number": "-8431902.5",
    "list": f'["{MARKER}"]',
    "list of numbers": "[8431902]",
    "nested list": f'[["{MARKER}"], [8431902]]',
    "object": f'{{"key": "{MARKER}"}}',
    "key of an object": f'{{"{MARKER}": 1}}',
    "nested object": f'{{"connect_args": {{"{MARKER}": 8431902}}}}',
    "malformed JSON": f'["{MARKER}',
    "malformed object": f'{{"password": "{MARKER}"',
    "deep JSON": "[" * 5000 + MARKER,
    "URL": f"redis+tls://:{MARKER}@host:6379",
    "URL with @": f"postgresql+psycopg://user@{MARKER}@host/db",
    "URL with /": f"mysql+pymysql://user:{MARKER}/{MARKER}",
    "URL with a password in its query": f"nothing://host/db?password={MARKER}",
    "rate": f"10 per {MARKER}",
}
KNOWN = sorted({*RULES, "DEBUG", "TESTING", "SKIP_DOTENV", "SECURITY_PASSWORD_SCHEMES"})


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
def test_no_refusal_repeats_a_value_of_any_setting(refuse, value, monkeypatch):
    for name in KNOWN:
        monkeypatch.setenv(f"FLASK_{name}", value)
    refusal = refuse("SECRET_KEY", value)
    assert refusal.count("FLASK_") > 20
    assert "8431902" not in refusal


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    "name",
    [
        "SQLALCHEMY_DATABASE_URI",
        "SQLALCHEMY_ENGINE_OPTIONS",
        "RATELIMIT_STORAGE_URI",
        "RATELIMIT_STORAGE_OPTIONS",
    ],
)
def test_no_refusal_of_a_library_repeats_a_value(start, monkeypatch, name, value):
    monkeypatch.setenv("FLASK_RATELIMIT_STORAGE_URI", "redis://127.0.0.1:1")
    monkeypatch.setenv(f"FLASK_{name}", value)
    refusal = ""
    try:
        start()
    except ClickException as error:
        refusal = error.message
    assert "8431902" not in refusal


BOOLEANS = {
    "DEBUG",
    "SKIP_DOTENV",
    *(n for n, value in Flask.default_config.items() if isinstance(value, bool)),
    *(n for n, rule in RULES.items() if isinstance(rule.default, bool)),
}
# Those that are fixed; and of two kinds of TLS one is used.
BOOLEANS -= {
    name for name, rule in RULES.items() if rule.find_problem(not rule.default)
}
BOOLEANS -= {"MAIL_USE_SSL"}


@pytest.mark.parametrize(
    ("words", "value"),
    [(["true", "YES", "on", "1"], True), (["false", "No", "OFF", "0"], False)],
    ids=["true", "false"],
)
def test_every_boolean_takes_the_same_words(start, monkeypatch, tmp_path, words, value):
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    for word in words:
        for name in BOOLEANS:
            monkeypatch.setenv(f"FLASK_{name}", word)
        config = start().config
        assert {name: config[name] for name in BOOLEANS} == dict.fromkeys(
            BOOLEANS, value
        )
        assert get_debug_flag() is value


@pytest.mark.parametrize(
    "value", ["", "maybe", "2", "1.0", "null", "[]", "t", "enabled", '"1"']
)
def test_another_word_is_no_boolean(refuse, monkeypatch, value):
    for name in BOOLEANS:
        monkeypatch.setenv(f"FLASK_{name}", value)
    lines = refuse("TESTING", value).splitlines()[1:]
    expected = {f"  FLASK_{name} must be true or false." for name in BOOLEANS}
    assert set(lines) == expected


@pytest.mark.parametrize(
    "secret",
    [
        "this is not a secret, change me soon",
        "passwordpasswordpasswordpassword",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "1q2w3e4r5t6y7u8i9o0p1q2w3e4r5t6y",
        "P4ssw0rd!P4ssw0rd!P4ssw0rd!P4ssw0rd!",
        "n0t-4-r34l-s3cr3t-pl34s3-ch4ng3-m3-n0w",
        "ThisIsMyVerySecretKeyForTheFlaskApp2024!",
        "your-secret-key-goes-here-please-replace",
        "0123456789abcdef0123456789abcdef",
        "AAAAbbbbCCCCddddEEEEffffGGGGhhhh",
        "2024-01-01-2024-02-02-2024-03-03-2024",
        "Dies ist kein Geheimnis, bitte bald aendern",
        "admin@example.com/admin@example.com/admin",
    ],
)
def test_secret_that_a_person_makes_up_is_refused(package, secret):
    assert "is not random" in package.settings.secrets.find_weakness(secret)


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_hex(32),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: uuid4().hex + uuid4().hex,
    ],
    ids=["token_urlsafe", "token_hex", "openssl rand -base64 32", "two UUIDs"],
)
def test_random_secret_is_accepted(package, make):
    reasons = {package.settings.secrets.find_weakness(make()) for _ in range(200)}
    assert reasons == {None}


def test_variables_that_kubernetes_sets_for_a_service_are_left_alone(
    start, monkeypatch
):
    link = {
        "FLASK_PORT": "tcp://10.0.0.1:5001",
        "FLASK_SERVICE_HOST": "10.0.0.1",
        "FLASK_SERVICE_PORT": "5001",
        "FLASK_SERVICE_PORT_HTTP": "5001",
        "FLASK_PORT_5001_TCP": "tcp://10.0.0.1:5001",
        "FLASK_PORT_5001_TCP_ADDR": "10.0.0.1",
        "FLASK_MAIL_PORT": "tcp://10.0.0.1:25",
        "FLASK_MAIL_SERVICE_HOST": "10.0.0.1",
    }
    for name, value in link.items():
        monkeypatch.setenv(name, value)
    config = start().config
    assert config.get("MAIL_PORT", 25) == 25
    assert "PORT" not in config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECURITY_REFRESH_TOKEN_COOKIE_NAME", "refresh"),
        ("SECURITY_PASSWORD_SINGLE_HASH", "true"),
        ("SECURITY_PASSWORD_SCHEMES", '["plaintext"]'),
        ("SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS", '{"argon2__time_cost": "1"}'),
        ("SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN", "yes"),
        ("SECURITY_RETURN_GENERIC_RESPONSES", "on"),
        ("SECURITY_TRACKABLE", "1"),
        ("SECURITY_CACHE_CONTROL", '{"public": true}'),
        ("WTF_CSRF_ENABLED", "true"),
        ("SECURITY_CONFIRMABLE", "true"),
        ("SECURITY_TOKEN_AUTHENTICATION_KEY", "token"),
        ("SECURITY_TOKEN_AUTHENTICATION_HEADER", "X-Token"),
        ("SECURITY_CSRF_COOKIE_NAME", "csrf"),
        ("SECURITY_DEFAULT_REMEMBER_ME", "true"),
        ("SECURITY_JOIN_USER_ROLES", "false"),
        ("SECURITY_PASSWORD_NORMALIZE_FORM", "null"),
        ("SECURITY_LOGIN_URL", "/signin"),
    ],
)
def test_setting_of_the_library_that_breaks_a_promise_refuses_to_start(
    refuse, name, value
):
    lines = refuse(name, value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "Invalid configuration",
        f"  FLASK_{name} is fixed",
    ]


def test_boolean_of_the_library_refuses_another_word(refuse):
    refusal = refuse("SECURITY_LOGIN_WITHOUT_CONFIRMATION", "maybe")
    assert "FLASK_SECURITY_LOGIN_WITHOUT_CONFIRMATION must be true or false." in refusal


def test_option_that_the_redis_client_does_not_know_refuses_to_start(
    refuse, monkeypatch
):
    monkeypatch.setenv("FLASK_RATELIMIT_STORAGE_URI", "redis://127.0.0.1:1")
    assert refuse("RATELIMIT_STORAGE_OPTIONS", '{"s3cret": "s3cret"}') == (
        "FLASK_RATELIMIT_STORAGE_OPTIONS has an option that cannot be used."
    )


def test_missing_settings_are_all_named_at_once(refuse, monkeypatch):
    monkeypatch.delenv("FLASK_SECURITY_PASSWORD_SALT")
    monkeypatch.delenv("FLASK_SQLALCHEMY_DATABASE_URI")
    refusal = refuse("SECRET_KEY", "")
    assert "FLASK_SECRET_KEY is missing" in refusal
    assert "FLASK_SECURITY_PASSWORD_SALT is missing" in refusal
    assert "FLASK_SQLALCHEMY_DATABASE_URI is missing. Example: sqlite:///app.db" in (
        refusal
    )


@pytest.mark.parametrize("name", ["SECRET_KEY", "SECURITY_PASSWORD_SALT"])
def test_secret_that_is_not_text_refuses_to_start(create_app, settings, name):
    with pytest.raises(ClickException, match=f"FLASK_{name} is not text"):
        create_app({**settings, name: 31415926535897932384626433832795})


@pytest.mark.parametrize("minutes", [15, 60])
def test_age_may_be_a_timedelta_or_seconds(create_app, settings, minutes):
    age = timedelta(minutes=minutes)
    ages = [
        create_app({**settings, "SECURITY_TOKEN_MAX_AGE": value}).config[
            "SECURITY_TOKEN_MAX_AGE"
        ]
        for value in (age, minutes * 60)
    ]
    assert ages == [age, age]


def test_every_default_obeys_its_rule(create_app, settings):
    required = {"TESTING", "SECRET_KEY", "SECURITY_PASSWORD_SALT"}
    given = {name: settings[name] for name in required}
    assert create_app({**given, "SQLALCHEMY_DATABASE_URI": "sqlite://"})


@pytest.mark.parametrize("name", ["WEB_CONCURRENCY", "WEB_THREADS"])
@pytest.mark.parametrize("value", ["s3cret", "0", "-1", "1.5", ""])
def test_server_refuses_a_number_of_workers_that_is_none(
    start, monkeypatch, project, name, value
):
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "on")
    monkeypatch.setenv("FLASK_APP", "app")
    monkeypatch.setenv("FLASK_RUN_HOST", "127.0.0.1")
    monkeypatch.setenv("FLASK_RUN_PORT", "5001")
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"^{name} must be a whole number, 1 or more"):
        runpy.run_path(str(project / "gunicorn.conf.py"))


@pytest.mark.parametrize("word", ["off", "No", "0", "FALSE"])
def test_server_reads_the_env_file_where_that_is_not_skipped(
    start, monkeypatch, project, tmp_path, word
):
    lines = "FLASK_APP=of_the_file\nFLASK_RUN_HOST=127.0.0.1\nFLASK_RUN_PORT=1\n"
    (tmp_path / ".env").write_text(lines)
    for name in ("FLASK_APP", "FLASK_RUN_HOST", "FLASK_RUN_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLASK_SKIP_DOTENV", word)
    configuration = runpy.run_path(str(project / "gunicorn.conf.py"))
    assert configuration["wsgi_app"] == "of_the_file:create_app()"
