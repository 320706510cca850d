"""`flask auth check`: each finding by its id, and nothing else."""

import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner

from tests.conftest import EMAIL, catch_logging, make_apps

SEED = {"SEED_USER_EMAIL": EMAIL, "SEED_USER_PASSWORD": "the first password"}


def read_documented_settings():
    """Return the settings that docs/security.md has for production."""
    page = Path(__file__).parents[2] / "docs/security.md"
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
    as_in_production = {
        "TESTING": False,
        "RATELIMIT_ENABLED": True,
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": real_costs,
    }
    with make_apps(settings) as make, catch_logging():
        yield make(**read_documented_settings(), **as_in_production)


@pytest.fixture
def check(clean, monkeypatch, safe_app, tmp_path):
    """Return a function that checks the safe app, with some settings changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(safe_app, "instance_path", str(tmp_path / "instance"))

    def check(*words, **unsafe):
        safe = {name: safe_app.config[name] for name in unsafe}
        safe_app.config.update(unsafe)
        result = FlaskCliRunner(safe_app).invoke(args=["auth", "check", *words])
        safe_app.config.update(safe)
        return result

    return check


def ids(result):
    return [finding["id"] for finding in json.loads(result.output)]


def test_documented_settings_have_no_findings(check):
    result = check("--deploy")
    assert (result.exit_code, result.output) == (0, "No findings.\n")
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
    "auth.E024": {"TRUSTED_HOSTS": []},
    "auth.E025": {"PROXY_COUNT": 0},
    "auth.E026": {"HTTP_BASIC_AUTH": True},
    "auth.E027": {"HSTS_SECONDS": 0},
    "auth.E028": {"CORS_ORIGINS": ["*"]},
    "auth.E030": {"RATELIMIT_ENABLED": False},
}

# What is wrong elsewhere than in a setting; each has a test of its own, below.
ELSEWHERE = {
    *("auth.W009", "auth.E010", "auth.E011", "auth.W014", "auth.E021", "auth.E034"),
}


def test_every_check_finds_something_in_a_test(package):
    parts = package.checks
    names = ("secrets", "files", "passwords", "deployment", "dependencies")
    found = [check.id for name in names for check in getattr(parts, name).CHECKS]
    assert sorted(found) == sorted([*UNSAFE, *ELSEWHERE])


def test_ids_of_checks_are_unique_and_name_their_severity(app, package):
    checks = package.security.get_extension_points(app).checks
    ids = [check.id for check in checks]
    assert len(set(ids)) == len(ids) >= len(UNSAFE)
    assert all(re.fullmatch(r"[a-z_]+\.[EW]\d{3}", id) for id in ids)


def test_finding_is_printed_with_its_reason_and_fix(check):
    assert check("--deploy", PROXY_COUNT=0).output == (
        "auth.E025 error: PROXY_COUNT is 0.\n"
        "  Behind a proxy every client has the proxy's address (ASVS 4.1.3).\n"
        "  Fix: Set FLASK_PROXY_COUNT=1.\n"
    )


@pytest.mark.parametrize(("id", "unsafe"), UNSAFE.items(), ids=UNSAFE)
def test_unsafe_setting_is_found_by_its_id(check, id, unsafe):
    result = check("--deploy", "--json", **unsafe)
    assert (ids(result), result.exit_code) == ([id], 1)
    silenced = check("--deploy", "--json", SILENCED_CHECKS=[id], **unsafe)
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
    result = check(
        "--json",
        SECURITY_PASSWORD_HASH=scheme,
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=options,
    )
    assert ids(result) == ["auth.E008"]


@pytest.mark.parametrize("scheme", ["argon2", "bcrypt", "pbkdf2_sha512"])
def test_every_scheme_at_its_real_cost_is_safe(check, scheme):
    assert ids(check("--json", SECURITY_PASSWORD_HASH=scheme)) == []


@pytest.mark.parametrize("stored", ["$2b$04$weak", "corrupt"])
def test_stored_hashes_that_are_weaker_are_counted(check, sql, stored):
    sql("UPDATE auth_user SET password = :stored", stored=stored)
    result = check()
    assert result.exit_code == 0
    assert result.output.startswith(
        "auth.W009 warning: 1 stored hashes do not have the parameters of the settings."
    )


def test_unreachable_database_is_a_finding(check, make_app, monkeypatch):
    monkeypatch.setenv("SEED_USER_EMAIL", EMAIL)
    app = make_app(SQLALCHEMY_DATABASE_URI="sqlite:////nowhere/at/all.db")
    result = FlaskCliRunner(app).invoke(args=["auth", "check", "--deploy", "--json"])
    assert "auth.W014" in ids(result)
    assert "auth.W009" not in ids(result)


@pytest.mark.parametrize(
    ("password", "found"),
    [("the first password", ["auth.E021"]), ("another password", [])],
)
def test_first_password_of_the_seed_user_is_an_error(
    check, make_app, monkeypatch, password, found, real_costs
):
    app = make_app(SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=real_costs)
    FlaskCliRunner(app).invoke(args=["auth", "seed"], env=SEED)
    for name, value in {**SEED, "SEED_USER_PASSWORD": password}.items():
        monkeypatch.setenv(name, value)
    assert ids(check("--deploy", "--json")) == found
    assert ids(check("--json")) == []


def test_first_password_is_found_in_any_unicode_form(check, make_app, monkeypatch):
    password = "f\u00fcnfzehn Zeichen lang"
    seed = {"SEED_USER_EMAIL": "zoe@example.com", "SEED_USER_PASSWORD": password}
    FlaskCliRunner(make_app()).invoke(args=["auth", "seed"], env=seed)
    for name, value in seed.items():
        monkeypatch.setenv(name, value)
    assert "auth.E021" in ids(check("--deploy", "--json"))


@pytest.mark.parametrize(("workers", "found"), [("4", ["auth.E022"]), ("1", [])])
def test_limits_that_workers_do_not_share_are_found(check, monkeypatch, workers, found):
    monkeypatch.setenv("WEB_CONCURRENCY", workers)
    result = check("--deploy", "--json", RATELIMIT_STORAGE_URI="memory://")
    assert ids(result) == found


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(("mode", "found"), [(0o600, []), (0o644, ["auth.E010"])])
def test_env_file_is_for_its_owner_alone(check, tmp_path, mode, found):
    (tmp_path / ".env").touch(mode=mode)
    (tmp_path / ".env").chmod(mode)
    (tmp_path / "below").mkdir()
    assert ids(check("--json")) == found
    os.chdir(tmp_path / "below")
    assert ids(check("--json")) == found


DATA = [".", "app.db", "app.db-wal", "app.db-shm", "backup-2026.db", "old.db.gz"]


@pytest.fixture
def instance(tmp_path):
    """Return a folder with a database and its backups, for its owner only."""
    folder = tmp_path / "instance"
    folder.mkdir(0o700)
    for name in DATA[1:]:
        (folder / name).touch(0o600)
    return folder


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("bits", [0o040, 0o004, 0o020, 0o010])
def test_data_that_others_can_read_is_found(check, instance, name, bits):
    assert ids(check("--json")) == []
    path = instance / name
    path.chmod(path.stat().st_mode | bits)
    (finding,) = json.loads(check("--json").output)
    assert finding["id"] == "auth.E034"
    assert finding["problem"] == f"Other users can read: {path}."


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("uri", ["sqlite:///{}", "sqlite:///file:{}?uri=true"])
def test_database_elsewhere_is_checked_too(check, make_app, tmp_path, uri):
    file = tmp_path / "elsewhere" / "data.sqlite3"
    file.parent.mkdir(0o700)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (id INTEGER)")
    file.chmod(0o644)
    app = make_app(SQLALCHEMY_DATABASE_URI=uri.format(file))
    app.instance_path = str(tmp_path / "instance")
    result = FlaskCliRunner(app).invoke(args=["auth", "check", "--json"])
    problems = {f["id"]: f["problem"] for f in json.loads(result.output)}
    assert f"{file}, {file}-shm, {file}-wal." in problems["auth.E034"]


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_database_in_memory_has_no_file_to_check(make_app, package, uri):
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    app.instance_path = "/nowhere"
    with app.app_context():
        assert package.checks.files.find_readable_data(app.config) is None


def test_library_below_the_last_known_fix_is_an_error(check, monkeypatch, package):
    safe = package.checks.dependencies.SAFE_VERSIONS
    monkeypatch.setitem(safe, "flask", (99, 0, 0))
    monkeypatch.setitem(safe, "not-installed-here", (99, 0, 0))
    assert ids(check("--json")) == ["auth.E011"]
