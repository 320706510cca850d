"""`flask auth check`: each finding by its id, and nothing else."""

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskCliRunner
from limits.storage import RedisStorage

from tests.conftest import EMAIL, PACKAGE, catch_logging, make_apps

ASKED = PACKAGE.checks.connections.PRIVILEGES_SQL
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
    monkeypatch.setattr(PACKAGE.checks.connections, "PRIVILEGES_SQL", {})
    monkeypatch.setattr(RedisStorage, "check", lambda storage: True)
    monkeypatch.setattr(safe_app, "instance_path", str(tmp_path / "instance"))

    def check(*words, **unsafe):
        safe = {name: safe_app.config.get(name) for name in unsafe}
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
POSTGRESQL = "postgresql+psycopg://app@db.example.com/app"
MARIADB = "mysql+pymysql://app@db.example.com/app"

# One change of the documented settings, and what it is found by.
UNSAFE_SETTINGS = [
    ("SECRET_KEY", "short", "auth.E001"),
    ("SECRET_KEY", "password" * 4, "auth.E001"),
    ("SECURITY_PASSWORD_SALT", "abcdefghijklmnopqrstuvwxyz0123456789", "auth.E002"),
    ("SECURITY_PASSWORD_SALT", "this is not a secret, change me soon", "auth.E002"),
    ("SECRET_KEY_FALLBACKS", ["old"], "auth.E003"),
    ("SECURITY_TOKEN_MAX_AGE", 2 * 60 * 60, "auth.E005"),
    ("SECURITY_TOKEN_MAX_AGE", 1, "auth.E005"),
    ("SECURITY_REFRESH_TOKEN_MAX_AGE", 91 * 24 * 60 * 60, "auth.E006"),
    ("SECURITY_REFRESH_TOKEN_MAX_AGE", 60, "auth.E006"),
    ("SECURITY_REFRESH_TOKEN_MAX_IDLE", 31 * 24 * 60 * 60, "auth.E007"),
    ("SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS", {}, "auth.E008"),
    ("SECURITY_PASSWORD_LENGTH_MIN", 14, "auth.E012"),
    ("SECURITY_PASSWORD_SCHEMES", ["argon2", "plaintext"], "auth.E013"),
    ("TESTING", True, "auth.E020"),
    ("PROPAGATE_EXCEPTIONS", True, "auth.E020"),
    ("TRAP_HTTP_EXCEPTIONS", True, "auth.E020"),
    ("SQLALCHEMY_ECHO", True, "auth.E020"),
    ("RATELIMIT_STORAGE_URI", "memory://", "auth.E022"),
    ("TRUSTED_HOSTS", [], "auth.E024"),
    ("PROXY_COUNT", 0, "auth.E025"),
    ("HSTS_SECONDS", 0, "auth.E027"),
    ("HSTS_SECONDS", 1, "auth.E027"),
    ("CORS_ORIGINS", ["*"], "auth.E028"),
    ("RATELIMIT_ENABLED", False, "auth.E030"),
    ("LOGIN_RATE_LIMIT_PER_NETWORK", "1000000 per second", "auth.E040"),
    ("LOGIN_RATE_LIMIT_PER_ACCOUNT", "1000000 per second", "auth.E040"),
    ("LOGIN_RATE_LIMIT_PER_ACCOUNT", "100 per minute", "auth.E040"),
    ("LOGIN_RATE_LIMIT_PER_ACCOUNT", "1 per day", "auth.E040"),
    ("HASH_RATE_LIMIT_PER_NETWORK", "1000 per second", "auth.E040"),
    ("HASH_RATE_LIMIT_PER_ACCOUNT", "1000 per second", "auth.E040"),
    ("WRITE_RATE_LIMIT_PER_USER", "1000 per second", "auth.E040"),
    ("CLOCK_SKEW", 3600, "auth.E042"),
    ("MAX_CONTENT_LENGTH", 10 * 1024**3, "auth.E041"),
    ("MAX_CONTENT_LENGTH", 1, "auth.E041"),
    ("MAX_CONCURRENT_HASHES", 1000, "auth.E041"),
    ("PROXY_COUNT", 100, "auth.E041"),
    ("SECURITY_PASSWORD_LENGTH_MIN", 1000, "auth.E041"),
    ("SQLALCHEMY_DATABASE_URI", POSTGRESQL, "auth.E044"),
    ("SQLALCHEMY_DATABASE_URI", f"{POSTGRESQL}?sslmode=prefer", "auth.E044"),
    ("SQLALCHEMY_DATABASE_URI", MARIADB, "auth.E044"),
    ("RATELIMIT_STORAGE_URI", "redis://redis.example.com:6379", "auth.E045"),
    (
        "RATELIMIT_STORAGE_URI",
        "rediss://redis.example.com?ssl_cert_reqs=none",
        "auth.E045",
    ),
    ("RATELIMIT_STORAGE_OPTIONS", {"ssl_cert_reqs": None}, "auth.E045"),
    ("TRUSTED_HOSTS", [".com"], "auth.E047"),
    ("TRUSTED_HOSTS", ["api.example.com", "*"], "auth.E047"),
    ("TRUSTED_HOSTS", [".co.uk"], "auth.E047"),
    ("TRUSTED_HOSTS", ["*.example.com"], "auth.E047"),
    ("TRUSTED_HOSTS", [".herokuapp.com"], "auth.E047"),
    ("API_DOCS", True, "auth.E048"),
    ("SQLALCHEMY_ENGINE_OPTIONS", {"hide_parameters": False}, "auth.E051"),
    ("SQLALCHEMY_DATABASE_URI", "sqlite://", "auth.E052"),
    ("SQLALCHEMY_DATABASE_URI", "sqlite:///:memory:", "auth.E052"),
    ("CORS_ORIGINS", ["http://app.example.com"], "auth.E053"),
]
UNSAFE_TOGETHER = {
    "auth.E004": {"SECRET_KEY": SECRET, "SECURITY_PASSWORD_SALT": SECRET},
    "auth.E022": {
        "INSTANCES": 2,
        "RATELIMIT_STORAGE_URI": "memory://",
        "SQLALCHEMY_DATABASE_URI": f"{POSTGRESQL}?sslmode=verify-full",
    },
    "auth.E023": {"INSTANCES": 2, "SQLALCHEMY_DATABASE_URI": "sqlite:///app.db"},
}

# What is wrong elsewhere than in a setting; each has a test of its own, below.
ELSEWHERE = {
    *("auth.W009", "auth.E010", "auth.E011", "auth.W014", "auth.E021", "auth.E034"),
    *("auth.E043", "auth.E049", "auth.E050", "auth.E054", "auth.E056", "auth.E057"),
}


def test_every_check_finds_something_in_a_test(package):
    found = [check.id for module in package.checks.MODULES for check in module.CHECKS]
    tested = {id for *_, id in UNSAFE_SETTINGS} | {*UNSAFE_TOGETHER} | ELSEWHERE
    assert sorted(found) == sorted(tested)


@pytest.mark.parametrize(("name", "value", "id"), UNSAFE_SETTINGS)
def test_unsafe_setting_is_found_by_its_id(check, package, name, value, id):
    rule = package.settings.find_settings(package.__name__).get(name)
    unsafe = {name: getattr(rule, "convert", lambda v: v)(value)}
    result = check("--deploy", "--json", **unsafe)
    assert (ids(result), result.exit_code) == ([id], 1)


def test_finding_that_is_intended_is_silenced(check):
    unsafe = {"PROXY_COUNT": 0, "SILENCED_CHECKS": ["auth.E025"]}
    result = check("--deploy", "--json", **unsafe)
    assert (ids(result), result.exit_code) == ([], 0)


@pytest.mark.parametrize(
    ("env_file", "environment", "found"),
    [
        ("", "A=1\0", []),
        ("FLASK_API_DOCS=true", "A=1\0", ["auth.E048"]),
        ("", "A=1\0FLASK_API_DOCS=true\0", ["auth.E048"]),
    ],
    ids=["not set", "by .env", "by the environment"],
)
def test_api_reference_of_flaskenv_is_for_development(
    check, monkeypatch, package, tmp_path, env_file, environment, found
):
    first = tmp_path / "environ"
    monkeypatch.setattr(package.checks.exposure, "FIRST_ENVIRONMENT", first)
    first.write_text(environment)
    (tmp_path / ".flaskenv").write_text("FLASK_API_DOCS=true")
    (tmp_path / ".env").write_text(env_file)
    (tmp_path / ".env").chmod(0o600)
    assert ids(check("--deploy", "--json", API_DOCS=True)) == found


def test_no_environment_is_read_where_there_is_no_proc(monkeypatch, package, tmp_path):
    exposure = package.checks.exposure
    monkeypatch.setattr(exposure, "FIRST_ENVIRONMENT", tmp_path / "missing")
    assert exposure.read_first_environment() == {}


def test_debug_mode_is_an_error(check, monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert ids(check("--deploy", "--json")) == ["auth.E020"]


@pytest.mark.parametrize(("id", "unsafe"), UNSAFE_TOGETHER.items(), ids=UNSAFE_TOGETHER)
def test_unsafe_settings_are_found_by_their_id(check, id, unsafe):
    assert ids(check("--deploy", "--json", **unsafe)) == [id]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SQLALCHEMY_DATABASE_URI", f"{POSTGRESQL}?sslmode=require"),
        ("SQLALCHEMY_DATABASE_URI", f"{MARIADB}?ssl_ca=/etc/ssl/ca.pem"),
        ("SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://app@localhost/app"),
        ("SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://app@127.0.0.1/app"),
        ("SQLALCHEMY_DATABASE_URI", "postgresql+psycopg:///app?host=/var/run/db"),
        ("SQLALCHEMY_DATABASE_URI", "mysql+pymysql://app@/app?unix_socket=/run/db"),
        ("RATELIMIT_STORAGE_URI", "redis://localhost:6379"),
        ("RATELIMIT_STORAGE_URI", "redis://:PASSWORD@[::1]:6379"),
        ("TRUSTED_HOSTS", [".example.com", "api.example.co.uk", "127.0.0.1"]),
        ("CORS_ORIGINS", ["https://app.example.com", "http://localhost:3000"]),
        ("MAX_CONTENT_LENGTH", 16 * 1024 * 1024),
    ],
)
def test_safe_setting_is_no_finding(check, name, value):
    assert ids(check("--deploy", "--json", **{name: value})) == []


def test_ids_of_checks_are_unique_and_name_their_severity(app, package):
    checks = package.security.get_extension_points(app).checks
    ids = [check.id for check in checks]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z_]+\.[EW]\d{3}", id) for id in ids)


def test_every_id_is_in_the_documentation(app, package, project):
    page = (project / "docs/security.md").read_text("utf-8")
    documented = set(re.findall(r"`(\w+\.[EW]\d{3})`", page))
    ids = {check.id for check in package.security.get_extension_points(app).checks}
    assert ids - documented == set()


def test_finding_is_printed_with_its_reason_and_fix(check):
    assert check("--deploy", PROXY_COUNT=0).output == (
        "auth.E025 error: PROXY_COUNT is 0.\n"
        "  Behind a proxy every client has the proxy's address (ASVS 4.1.3).\n"
        "  Fix: Set FLASK_PROXY_COUNT=1.\n"
    )


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


@pytest.fixture
def seeded(make_app):
    """Return an app with the seed user."""
    app = make_app()
    assert FlaskCliRunner(app).invoke(args=["auth", "seed"], env=SEED).exit_code == 0
    return app


def test_first_password_of_the_seed_user_is_an_error(check, seeded):
    found = ids(check("--deploy", "--json"))
    assert "auth.E021" in found
    assert "auth.E021" not in ids(check("--json"))


@pytest.mark.parametrize(
    "words",
    [
        ["users", "change_password", EMAIL, "--password", "the second password"],
        ["users", "deactivate", EMAIL],
    ],
    ids=["a new password", "deactivated"],
)
def test_seed_user_who_has_no_first_password_is_no_finding(check, seeded, words):
    assert FlaskCliRunner(seeded).invoke(args=words).exit_code == 0
    assert "auth.E021" not in ids(check("--deploy", "--json"))


def test_other_changes_of_the_seed_user_leave_the_finding(check, seeded):
    seeded.test_client().post(
        "/login", json={"email": EMAIL, "password": SEED["SEED_USER_PASSWORD"]}
    )
    FlaskCliRunner(seeded).invoke(args=["auth", "revoke", EMAIL])
    assert "auth.E021" in ids(check("--deploy", "--json"))


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"WEB_CONCURRENCY": "4"}, ["auth.E022"]),
        ({"WEB_CONCURRENCY": "1"}, []),
        ({"GUNICORN_CMD_ARGS": "--bind=0.0.0.0 -w 4"}, ["auth.E022"]),
        ({"GUNICORN_CMD_ARGS": "-w4"}, ["auth.E022"]),
        ({"GUNICORN_CMD_ARGS": "--workers=4", "WEB_CONCURRENCY": "1"}, ["auth.E022"]),
        ({"GUNICORN_CMD_ARGS": "--workers 1", "WEB_CONCURRENCY": "4"}, []),
        ({"GUNICORN_CMD_ARGS": "--worker-class gthread"}, ["auth.E022"]),
    ],
)
def test_limits_that_workers_do_not_share_are_found(
    check, monkeypatch, variables, found
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = check("--deploy", "--json", RATELIMIT_STORAGE_URI="memory://")
    assert ids(result) == found


@pytest.mark.parametrize(
    ("uri", "answers", "found"),
    [
        (POSTGRESQL, [True], True),
        (POSTGRESQL, [False], False),
        (MARIADB, ["GRANT USAGE ON *.* TO a", "GRANT ALL PRIVILEGES ON app.* TO a"], 0),
        (MARIADB, ["GRANT ALL PRIVILEGES ON *.* TO root WITH GRANT OPTION"], True),
        (MARIADB, ["GRANT SELECT, SUPER ON *.* TO a"], True),
    ],
)
def test_database_is_asked_for_a_superuser(
    check, monkeypatch, package, uri, answers, found
):
    checks = package.checks.connections
    monkeypatch.setattr(checks, "PRIVILEGES_SQL", ASKED)
    monkeypatch.setattr(checks.db.session, "scalars", lambda sql: answers)
    result = check("--deploy", "--json", SQLALCHEMY_DATABASE_URI=uri)
    assert ("auth.E043" in ids(result)) is bool(found)


@pytest.mark.parametrize(("user", "found"), [("postgres", True), ("app", False)])
def test_superuser_of_an_unreachable_database_is_known_by_its_name(
    make_app, monkeypatch, package, user, found
):
    monkeypatch.setattr(package.checks.connections, "PRIVILEGES_SQL", ASKED)
    uri = f"sqlite+pysqlite:////nowhere/{user}.db"
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    app.config["SQLALCHEMY_DATABASE_URI"] = POSTGRESQL.replace("//app@", f"//{user}@")
    result = FlaskCliRunner(app).invoke(args=["auth", "check", "--deploy", "--json"])
    assert ("auth.E043" in ids(result)) is found


def test_database_of_the_tests_answers_who_is_superuser(app, in_app, package):
    find = package.checks.connections.find_superuser
    assert in_app(find, app.config) in (
        None,
        "The user of the database is a superuser.",
    )


@pytest.mark.parametrize(
    "storage",
    [
        {"RATELIMIT_STORAGE_URI": "redis://:s3cret@127.0.0.1:1"},
        {"RATELIMIT_STORAGE_OPTIONS": {"socket_timeout": "s3cret"}},
        {"RATELIMIT_STORAGE_OPTIONS": {"bogus": "s3cret"}},
    ],
    ids=["unreachable", "wrong option", "unknown option"],
)
def test_redis_that_does_not_answer_is_an_error(check, monkeypatch, package, storage):
    monkeypatch.undo()
    uri = {"RATELIMIT_STORAGE_URI": "redis://127.0.0.1:1"}
    result = check("--deploy", "--json", **{**uri, **storage})
    assert "auth.E049" in ids(result)
    assert "s3cret" not in result.output


def test_check_that_fails_is_a_finding_without_the_reason(check):
    result = check("--json", SECURITY_PASSWORD_LENGTH_MIN="s3cret")
    assert "This cannot be checked: TypeError." in result.output
    assert "s3cret" not in result.output


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
