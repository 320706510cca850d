"""`flask auth check`: each weakness by its id, and nothing else."""

import json
import os
import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import maker_of_apps
from flask.testing import FlaskCliRunner

SEED = {
    "SEED_USER_EMAIL": "ada@example.com",
    "SEED_USER_PASSWORD": "the first password",
}


def documented():
    """Return the settings that docs/security.md has for production."""
    page = Path(__file__).parent.parent / "docs/security.md"
    text = page.read_text("utf-8")
    settings = re.findall(r"^ *FLASK_(\w+)='?(.+?)'?$", text, re.MULTILINE)
    assert len(settings) == 4
    return {name: json_or_text(value) for name, value in settings}


def json_or_text(value):
    try:
        return json.loads(value)
    except ValueError:
        return value


@pytest.fixture(scope="module")
def safe_app(settings, real_costs):
    """Return an app with the documented settings, and without those of the tests."""
    as_without_tests = {
        "TESTING": False,
        "RATELIMIT_ENABLED": True,
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": real_costs,
    }
    with maker_of_apps(settings) as make, pytest.MonkeyPatch.context() as patch:
        patch.setattr("logging.config.dictConfig", lambda config: None)
        yield make(**documented(), **as_without_tests)


@pytest.fixture
def check(clean, monkeypatch, safe_app, tmp_path):
    """Return a function that checks the safe app, with some settings changed."""
    monkeypatch.chdir(tmp_path)

    def check(*words, **unsafe):
        safe = {name: safe_app.config[name] for name in unsafe}
        safe_app.config.update(unsafe)
        answer = FlaskCliRunner(safe_app).invoke(args=["auth", "check", *words])
        safe_app.config.update(safe)
        return answer

    return check


def ids(answer):
    return [finding["id"] for finding in json.loads(answer.output)]


def test_documented_settings_have_no_findings(check):
    answer = check("--deploy")
    assert (answer.exit_code, answer.output) == (0, "No findings.\n")
    assert ids(check("--deploy", "--json")) == []


SECRET = "n9-fXq2LkWzR7vT4mYpB8sHcJ3dGuE6a"
UNSAFE = {
    "auth.E001": {"SECRET_KEY": "short"},
    "auth.E002": {"SECURITY_PASSWORD_SALT": "a" * 40},
    "auth.E003": {"SECRET_KEY_FALLBACKS": ["old"]},
    "auth.E004": {"SECRET_KEY": SECRET, "SECURITY_PASSWORD_SALT": SECRET},
    "auth.E005": {"SECURITY_TOKEN_MAX_AGE": timedelta(hours=2)},
    "auth.E006": {"SECURITY_REFRESH_TOKEN_MAX_AGE": timedelta(days=91)},
    "auth.E007": {"SECURITY_REFRESH_TOKEN_MAX_IDLE": timedelta(days=31)},
    "auth.E008": {"SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {}},
    "auth.E012": {"SECURITY_PASSWORD_LENGTH_MIN": 14},
    "auth.E013": {"SECURITY_PASSWORD_SCHEMES": ["argon2", "plaintext"]},
    "auth.E020": {"TESTING": True},
    "auth.E022": {
        "INSTANCES": 2,
        "RATELIMIT_STORAGE_URI": "memory://",
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://db/app",
    },
    "auth.E023": {
        "INSTANCES": 2,
        "SQLALCHEMY_DATABASE_URI": "sqlite:///app.db",
    },
    "auth.E024": {"TRUSTED_HOSTS": None},
    "auth.E025": {"PROXY_COUNT": 0},
    "auth.E026": {"HTTP_BASIC_AUTH": True},
    "auth.E027": {"HSTS_SECONDS": 0},
    "auth.E028": {"CORS_ORIGINS": ["*"]},
    "auth.E029": {"ACCOUNTS": ["reset"], "MAIL_SERVER": "mail.example.com"},
    "auth.E030": {"RATELIMIT_ENABLED": False},
}

# What is wrong elsewhere than in a setting; each has a test of its own, below.
ELSEWHERE = {"auth.W009", "auth.E010", "auth.E011", "auth.W014", "auth.E021"}


def test_every_rule_is_broken_in_a_test(package):
    checks = package.security.checks
    assert checks.LOOKS.keys() == UNSAFE.keys() | ELSEWHERE
    assert checks.LOOKS.keys() == tomllib.loads(checks.WORDS.read_text("utf-8")).keys()


@pytest.mark.parametrize(("id", "unsafe"), UNSAFE.items(), ids=UNSAFE)
def test_unsafe_setting_is_found_by_its_id(check, id, unsafe):
    answer = check("--deploy", "--json", **unsafe)
    assert (ids(answer), answer.exit_code) == ([id], 1)
    silenced = check("--deploy", "--json", CHECKS_SILENCED=[id], **unsafe)
    assert (ids(silenced), silenced.exit_code) == ([], 0)


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("argon2", {"argon2__memory_cost": 19455, "argon2__time_cost": 2}),
        ("argon2", {"argon2__memory_cost": 19456, "argon2__time_cost": 1}),
        ("argon2", {"argon2__memory_cost": 47104, "argon2__type": "i"}),
        ("bcrypt", {"bcrypt__rounds": 11}),
        ("pbkdf2_sha512", {"pbkdf2_sha512__rounds": 209_999}),
        ("plaintext", {}),
    ],
)
def test_cheap_hash_is_an_error(check, scheme, options):
    answer = check(
        "--json",
        SECURITY_PASSWORD_HASH=scheme,
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=options,
    )
    assert ids(answer) == ["auth.E008"]


@pytest.mark.parametrize("scheme", ["argon2", "bcrypt", "pbkdf2_sha512"])
def test_every_scheme_at_its_real_cost_is_safe(check, scheme):
    assert ids(check("--json", SECURITY_PASSWORD_HASH=scheme)) == []


@pytest.mark.parametrize("stored", ["$2b$04$weak", "corrupt"])
def test_stored_hashes_that_are_weaker_are_counted(app, check, stored):
    with app.app_context():
        datastore = app.extensions["security"].datastore
        datastore.find_user(email="ada@example.com").password = stored
        datastore.commit()
    answer = check()
    assert answer.exit_code == 0
    assert "auth.W009 warning: 1 stored hashes are not as the setting says" in (
        answer.output
    )


def test_database_that_is_away_is_a_finding(check, make_app, monkeypatch):
    monkeypatch.setenv("SEED_USER_EMAIL", "ada@example.com")
    app = make_app(SQLALCHEMY_DATABASE_URI="sqlite:////nowhere/at/all.db")
    answer = FlaskCliRunner(app).invoke(args=["auth", "check", "--deploy", "--json"])
    assert "auth.W014" in ids(answer)
    assert "auth.W009" not in ids(answer)


@pytest.mark.parametrize(
    ("password", "found"),
    [("the first password", ["auth.E021"]), ("another password", [])],
)
def test_first_password_of_the_first_user_is_an_error(
    check, make_app, monkeypatch, password, found, real_costs
):
    app = make_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=real_costs)
    FlaskCliRunner(app).invoke(args=["auth", "seed"], env=SEED)
    for name, value in {**SEED, "SEED_USER_PASSWORD": password}.items():
        monkeypatch.setenv(name, value)
    assert ids(check("--deploy", "--json")) == found
    assert ids(check("--json")) == []


def test_first_password_is_found_however_it_is_spelled(check, make_app, monkeypatch):
    letters = {**SEED, "SEED_USER_EMAIL": "zoe@example.com"}
    letters["SEED_USER_PASSWORD"] = "f\u00fcnfzehn Zeichen lang"
    FlaskCliRunner(make_app()).invoke(args=["auth", "seed"], env=letters)
    for name, value in letters.items():
        monkeypatch.setenv(name, value)
    assert "auth.E021" in ids(check("--deploy", "--json"))


@pytest.mark.parametrize(
    "unsafe",
    [{"MAIL_BACKEND": "console"}, {"FRONT_END_URL": "http://app.example.com"}],
)
def test_letters_that_others_can_read_are_an_error(check, unsafe):
    assert ids(check("--deploy", "--json", ACCOUNTS=["reset"], **unsafe)) == [
        "auth.E029"
    ]


def test_mail_server_matters_only_to_those_who_send_letters(check):
    unused = {"ACCOUNTS": [], "MAIL_SERVER": "mail.example.com"}
    assert ids(check("--deploy", "--json", **unused)) == []


@pytest.mark.parametrize(("workers", "found"), [("4", ["auth.E022"]), ("1", [])])
def test_limits_that_workers_do_not_share_are_found(check, monkeypatch, workers, found):
    monkeypatch.setenv("WEB_CONCURRENCY", workers)
    answer = check("--deploy", "--json", RATELIMIT_STORAGE_URI="memory://")
    assert ids(answer) == found


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(("mode", "found"), [(0o600, []), (0o644, ["auth.E010"])])
def test_env_file_is_for_its_owner_alone(check, tmp_path, mode, found):
    (tmp_path / ".env").touch(mode=mode)
    (tmp_path / ".env").chmod(mode)
    (tmp_path / "below").mkdir()
    assert ids(check("--json")) == found
    os.chdir(tmp_path / "below")
    assert ids(check("--json")) == found


def test_library_below_the_last_known_fix_is_an_error(check, monkeypatch, package):
    safe = package.security.weaknesses.SAFE_VERSIONS
    monkeypatch.setitem(safe, "flask", (99, 0, 0))
    monkeypatch.setitem(safe, "not-installed-here", (99, 0, 0))
    assert ids(check("--json")) == ["auth.E011"]
