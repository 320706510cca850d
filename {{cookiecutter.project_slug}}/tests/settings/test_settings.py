"""Settings: from the environment, and safe, or the app does not start."""

from datetime import timedelta

import pytest
from click import ClickException

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
    return create_app


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
    (tmp_path / ".env").write_text("FLASK_SECRET_KEY=short\nFLASK_FROM_FILE=yes\n")
    config = start().config
    assert (config["SECRET_KEY"], config["FROM_FILE"]) == (GOOD, "yes")


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
        ("PASSWORD_BREACH_URL", "0"),
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
        pytest.param("a" * 32, "repeats the same few characters", id="all the same"),
        pytest.param("change-me-" + GOOD, "is an example", id="example"),
        pytest.param("this_is_not_a_secret_" + GOOD, "is an example", id="another"),
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
        (f'["{GOOD}", "old"]', "has 3 characters"),
        (f'["{GOOD}", 1]', "is not text"),
        (GOOD, 'must be a list of old keys: ["..."]'),
        (f'{{"old": "{GOOD}"}}', 'must be a list of old keys: ["..."]'),
    ],
)
def test_unsafe_old_key_refuses_to_start(refuse, keys, reason):
    refusal = refuse("SECRET_KEY_FALLBACKS", keys)
    assert f"FLASK_SECRET_KEY_FALLBACKS {reason}" in refusal
    assert GOOD not in refusal


@pytest.mark.parametrize("value", ["false", "False", "true", "True"])
def test_boolean_is_understood_in_either_case(start, monkeypatch, value):
    monkeypatch.setenv("FLASK_HTTP_BASIC_AUTH", value)
    assert start().config["HTTP_BASIC_AUTH"] is (value.lower() == "true")


SECONDS = "must be a whole number of seconds, from 1 to 315360000"
ORIGINS = 'must be a list: ["https://app.example.com"]'
SCHEMES = "must be one of: argon2, bcrypt, pbkdf2_sha512"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("API_DOCS", "1", "is 1, and must be true or false"),
        ("HTTP_BASIC_AUTH", "off", "must be true or false"),
        ("HTTP_BASIC_AUTH", "0", "is 0, and must be true or false"),
        ("HTTP_BASIC_AUTH", "null", "must be true or false"),
        ("CORS_ORIGINS", '[".*"]', ORIGINS),
        ("CORS_ORIGINS", '["https://example.com/"]', ORIGINS),
        ("CORS_ORIGINS", '["https://example.com", 1]', ORIGINS),
        ("CORS_ORIGINS", "https://example.com", ORIGINS),
        (
            "MAX_CONCURRENT_HASHES",
            "0",
            "is 0, and must be a whole number, 1 or more",
        ),
        ("HSTS_SECONDS", "-1", "is -1, and must be a whole number, 0 or more"),
        ("HSTS_SECONDS", "true", "is True, and must be a whole number, 0 or more"),
        ("MAX_CONTENT_LENGTH", "1MB", "must be a whole number, 1 or more"),
        ("MAX_CONTENT_LENGTH", "-1", "is -1, and must be a whole number, 1 or more"),
        ("PROXY_COUNT", "-1", "is -1, and must be a whole number, 0 or more"),
        ("PROXY_COUNT", "1.5", "is 1.5, and must be a whole number, 0 or more"),
        ("RATELIMIT_ENABLED", "no", "must be true or false"),
        ("RATELIMIT_STORAGE_OPTIONS", "db=1", 'must be an object: {"db": 1}'),
        (
            "SECURITY_PASSWORD_LENGTH_MIN",
            "15.5",
            "is 15.5, and must be a whole number, 12 or more",
        ),
        (
            "SECURITY_PASSWORD_LENGTH_MIN",
            "11",
            "is 11, and must be a whole number, 12 or more",
        ),
        ("SECURITY_PASSWORD_HASH", "md5", SCHEMES),
        ("SECURITY_TOKEN_MAX_AGE", "15m", SECONDS),
        ("SECURITY_TOKEN_MAX_AGE", "-1", f"is -1, and {SECONDS}"),
        ("SECURITY_TOKEN_MAX_AGE", "0", f"is 0, and {SECONDS}"),
        (
            "SECURITY_REFRESH_TOKEN_MAX_AGE",
            "1000000000000",
            f"is 1000000000000, and {SECONDS}",
        ),
        ("SQLALCHEMY_ENGINE_OPTIONS", "[]", 'must be an object: {"pool_size": 10}'),
        ("TRUSTED_HOSTS", "[1]", 'must be a list: ["api.example.com"]'),
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
        f"  FLASK_SECURITY_{feature} is True, and must be false: "
        "it serves HTML pages without rate limits."
    )


ADD_A_RULE = "must be false: add a rule to the extension point password_rules."


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CHECK_BREACHED", "strict", ADD_A_RULE),
        ("COMPLEXITY_CHECKER", "zxcvbn", ADD_A_RULE),
        ("SINGLE_HASH", "true", "must be false: bcrypt reads 72 bytes only."),
    ],
)
def test_password_rules_of_the_library_refuse_to_start(refuse, name, value, problem):
    assert refuse(f"SECURITY_PASSWORD_{name}", value).endswith(problem)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SQLALCHEMY_DATABASE_URI", "nonsense"),
        ("SQLALCHEMY_DATABASE_URI", "oracle+missing://a/b"),
        ("SQLALCHEMY_DATABASE_URI", "sqlite://user:@s3cret:s3cret@host/db"),
        ("SQLALCHEMY_ENGINE_OPTIONS", '{"bogus": 1}'),
        ("SQLALCHEMY_ENGINE_OPTIONS", '{"connect_args": "s3cret"}'),
    ],
)
def test_database_that_cannot_be_used_is_named(refuse, name, value):
    refusal = refuse(name, value)
    assert refusal.startswith("FLASK_SQLALCHEMY_DATABASE_URI or FLASK_SQLALCHEMY_")
    assert "cannot be used" in refusal
    assert "s3cret" not in refusal


TEXT = "s3cret text"


@pytest.mark.parametrize(
    "value", [TEXT, [TEXT], [[TEXT]], {"key": TEXT}, {TEXT: 1}], ids=str
)
def test_no_refusal_repeats_a_text(value):
    problems = {name: rule.find_problem(value) for name, rule in RULES.items()}
    assert len([*filter(None, problems.values())]) > 20
    assert "s3cret" not in f"{problems}"


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
