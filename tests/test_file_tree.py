"""Exactly which files there are, and which option owns which."""

import pytest

PACKAGE = "token_auth_api"

ALWAYS = {
    ".env.example",
    ".flaskenv",
    ".gitattributes",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs/accounts.md",
    "docs/resources.md",
    "docs/security.md",
    "examples/client.py",
    "examples/curl.sh",
    "examples/httpie.sh",
    "examples/postman_collection.json",
    "gunicorn.conf.py",
    "tests/test_moving.py",
    f"{PACKAGE}/moving.py",
    "migrations/alembic.ini",
    "migrations/env.py",
    "migrations/script.py.mako",
    "migrations/versions/0001_users_and_roles.py",
    "migrations/versions/0002_sessions.py",
    "migrations/versions/0003_notes.py",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "tests/conftest.py",
    "tests/test_accounts.py",
    "tests/test_attacks.py",
    "tests/test_basic.py",
    "tests/test_borders.py",
    "tests/test_checks.py",
    "tests/test_cli.py",
    "tests/test_config.py",
    "tests/test_database.py",
    "tests/test_document.py",
    "tests/test_errors.py",
    "tests/test_first_run.py",
    "tests/test_guessing.py",
    "tests/test_headers.py",
    "tests/test_health.py",
    "tests/test_limits.py",
    "tests/test_login.py",
    "tests/test_logs.py",
    "tests/test_notes.py",
    "tests/test_pages.py",
    "tests/test_passwords.py",
    "tests/test_roles.py",
    "tests/test_sessions.py",
    "tests/test_tokens.py",
    "tests/test_users.py",
    f"{PACKAGE}/__init__.py",
    f"{PACKAGE}/api.py",
    f"{PACKAGE}/config.py",
    f"{PACKAGE}/database.py",
    f"{PACKAGE}/dummy/__init__.py",
    f"{PACKAGE}/dummy/views.py",
    f"{PACKAGE}/errors.py",
    f"{PACKAGE}/first_run.py",
    f"{PACKAGE}/headers.py",
    f"{PACKAGE}/health.py",
    f"{PACKAGE}/logs.py",
    f"{PACKAGE}/notes/__init__.py",
    f"{PACKAGE}/notes/models.py",
    f"{PACKAGE}/notes/schemas.py",
    f"{PACKAGE}/notes/views.py",
    f"{PACKAGE}/openapi.json",
    f"{PACKAGE}/pages/__init__.py",
    f"{PACKAGE}/pages/static/docs.js",
    f"{PACKAGE}/pages/static/start.css",
    f"{PACKAGE}/pages/static/start.js",
    f"{PACKAGE}/pages/templates/docs.html",
    f"{PACKAGE}/pages/templates/start.html",
    f"{PACKAGE}/secret_rules.py",
    f"{PACKAGE}/setting_rules.py",
    f"{PACKAGE}/security/__init__.py",
    f"{PACKAGE}/security/access.py",
    f"{PACKAGE}/security/accounts.py",
    f"{PACKAGE}/security/checks.py",
    f"{PACKAGE}/security/checks.toml",
    f"{PACKAGE}/security/cli.py",
    f"{PACKAGE}/security/cookies.py",
    f"{PACKAGE}/security/credentials.py",
    f"{PACKAGE}/security/letters.py",
    f"{PACKAGE}/security/letters.toml",
    f"{PACKAGE}/security/limits.py",
    f"{PACKAGE}/security/mail.py",
    f"{PACKAGE}/security/models.py",
    f"{PACKAGE}/security/passwords.py",
    f"{PACKAGE}/security/request_checks.py",
    f"{PACKAGE}/security/responses.py",
    f"{PACKAGE}/security/roles.py",
    f"{PACKAGE}/security/sessions.py",
    f"{PACKAGE}/security/settings.py",
    f"{PACKAGE}/security/tokens.py",
    f"{PACKAGE}/security/users.py",
    f"{PACKAGE}/security/weaknesses.py",
}
DOCKER = {"Dockerfile", ".dockerignore", "compose.yaml"}
GITHUB = {".github/workflows/ci.yml"}
GITLAB = {".gitlab-ci.yml"}

# Whoever wants files: (option, answer) -> its files.
OWNED = {
    ("use_docker", True): DOCKER,
    ("ci_provider", "github"): GITHUB,
    ("ci_provider", "gitlab"): GITLAB,
}


def tree(project):
    return {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("answers", "owned"),
    [
        pytest.param({}, DOCKER | GITHUB, id="default"),
        pytest.param({"use_docker": False}, GITHUB, id="no Docker"),
        pytest.param({"ci_provider": "gitlab"}, DOCKER | GITLAB, id="GitLab"),
        pytest.param({"ci_provider": "none"}, DOCKER, id="no CI"),
        pytest.param({"use_docker": False, "ci_provider": "none"}, set(), id="least"),
        pytest.param({"database": "postgresql"}, DOCKER | GITHUB, id="PostgreSQL"),
        pytest.param({"database": "mariadb"}, DOCKER | GITHUB, id="MariaDB"),
        pytest.param({"password_hash": "bcrypt"}, DOCKER | GITHUB, id="bcrypt"),
        pytest.param({"license": "Proprietary"}, DOCKER | GITHUB, id="Proprietary"),
    ],
)
def test_option_owns_exactly_its_files(bake, answers, owned):
    assert tree(bake(**answers)) == ALWAYS | owned


def test_no_folder_is_left_empty(bake):
    project = bake(use_docker=False, ci_provider="none")
    assert all(any(path.iterdir()) for path in project.rglob("*") if path.is_dir())


def changed_lines(before, after, name):
    old, new = ((p / name).read_text("utf-8").splitlines() for p in (before, after))
    return [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("answers", "name", "lines"),
    [
        (
            {"password_hash": "bcrypt"},
            f"{PACKAGE}/security/settings.py",
            ['SECURITY_PASSWORD_HASH = "bcrypt"'],
        ),
        (
            {"access_token_minutes": "60"},
            f"{PACKAGE}/security/settings.py",
            ["SECURITY_TOKEN_MAX_AGE = timedelta(minutes=60)"],
        ),
        ({"database": "postgresql"}, "pyproject.toml", ['    "psycopg[binary]>=3.2,<4",']),
        ({"database": "mariadb"}, "pyproject.toml", ['    "pymysql>=1.1,<2",']),
        ({"license": "Proprietary"}, "pyproject.toml", ['license = "LicenseRef-Proprietary"']),
        (
            {"seed_user_email": "me@example.org"},
            ".env.example",
            ["SEED_USER_EMAIL=me@example.org"],
        ),
    ],
    ids=str,
)
def test_option_changes_exactly_its_lines(bake, default_project, answers, name, lines):
    assert changed_lines(default_project, bake(**answers), name) == lines
