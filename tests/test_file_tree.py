"""Exactly which files a project has, and which option owns which files and lines."""

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
    "docs/features.md",
    "docs/resources.md",
    "docs/security.md",
    "examples/client.py",
    "examples/curl.sh",
    "examples/httpie.sh",
    "examples/postman_collection.json",
    "first_run.py",
    "gunicorn.conf.py",
    "migrations/alembic.ini",
    "migrations/drafts.py",
    "migrations/env.py",
    "migrations/script.py.mako",
    "migrations/versions/0001_users_and_roles.py",
    "migrations/versions/0002_sessions.py",
    "migrations/versions/0003_notes.py",
    "pyproject.toml",
    "requirements-build.txt",
    "requirements-dev.txt",
    "requirements.txt",
    "tests/checks/test_checks.py",
    "tests/checks/test_database_checks.py",
    "tests/checks/test_unknown_settings.py",
    "tests/conftest.py",
    "tests/notes/test_views.py",
    "tests/pages/test_pages.py",
    "tests/security/test_access.py",
    "tests/security/test_clock_skew.py",
    "tests/security/test_cli.py",
    "tests/security/test_email_addresses.py",
    "tests/security/test_extension_points.py",
    "tests/security/test_hash_queue.py",
    "tests/security/test_library.py",
    "tests/security/test_login.py",
    "tests/security/test_login_timing.py",
    "tests/security/test_passwords.py",
    "tests/security/test_rate_limits.py",
    "tests/security/test_request_attacks.py",
    "tests/security/test_request_isolation.py",
    "tests/security/test_request_validation.py",
    "tests/security/test_roles.py",
    "tests/security/test_sessions.py",
    "tests/security/test_tokens.py",
    "tests/security/test_user_data.py",
    "tests/security/test_users.py",
    "tests/settings/test_settings.py",
    "tests/test_api.py",
    "tests/test_database.py",
    "tests/test_errors.py",
    "tests/test_first_run.py",
    "tests/test_headers.py",
    "tests/test_health.py",
    "tests/test_import_layers.py",
    "tests/test_logs.py",
    "tests/test_openapi.py",
    f"{PACKAGE}/__init__.py",
    f"{PACKAGE}/api.py",
    f"{PACKAGE}/checks/__init__.py",
    f"{PACKAGE}/checks/cli.py",
    f"{PACKAGE}/checks/dependencies.py",
    f"{PACKAGE}/checks/connections.py",
    f"{PACKAGE}/checks/database.py",
    f"{PACKAGE}/checks/deployment.py",
    f"{PACKAGE}/checks/exposure.py",
    f"{PACKAGE}/checks/library_settings.py",
    f"{PACKAGE}/checks/ranges.py",
    f"{PACKAGE}/checks/unknown_settings.py",
    f"{PACKAGE}/settings/frequent_pairs.txt",
    f"{PACKAGE}/checks/files.py",
    f"{PACKAGE}/checks/passwords.py",
    f"{PACKAGE}/checks/secrets.py",
    f"{PACKAGE}/checks/settings.py",
    f"{PACKAGE}/database.py",
    f"{PACKAGE}/dummy/__init__.py",
    f"{PACKAGE}/dummy/openapi.json",
    f"{PACKAGE}/dummy/views.py",
    f"{PACKAGE}/errors.py",
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
    f"{PACKAGE}/security/__init__.py",
    f"{PACKAGE}/security/access.py",
    f"{PACKAGE}/security/cli.py",
    f"{PACKAGE}/security/email_addresses.py",
    f"{PACKAGE}/security/extension_points.py",
    f"{PACKAGE}/security/hash_queue.py",
    f"{PACKAGE}/security/library.py",
    f"{PACKAGE}/security/login.py",
    f"{PACKAGE}/security/models.py",
    f"{PACKAGE}/security/openapi.json",
    f"{PACKAGE}/security/passwords.py",
    f"{PACKAGE}/security/rate_limits.py",
    f"{PACKAGE}/security/request_validation.py",
    f"{PACKAGE}/security/sessions.py",
    f"{PACKAGE}/security/settings.py",
    f"{PACKAGE}/security/stateless.py",
    f"{PACKAGE}/security/tokens.py",
    f"{PACKAGE}/security/user_data.py",
    f"{PACKAGE}/security/users.py",
    f"{PACKAGE}/settings/__init__.py",
    f"{PACKAGE}/settings/general.py",
    f"{PACKAGE}/settings/rules.py",
    f"{PACKAGE}/settings/secrets.py",
}
DOCKER = {"Dockerfile", ".dockerignore", "compose.yaml"}
GITHUB = {".github/workflows/ci.yml"}
GITLAB = {".gitlab-ci.yml"}
FULL = {
    "docs/accounts.md",
    "tests/accounts/conftest.py",
    "tests/accounts/test_checks.py",
    "tests/accounts/test_views.py",
    "tests/basic_auth/test_basic_auth.py",
    "tests/breached_passwords/test_breached_passwords.py",
    "tests/emails/conftest.py",
    "tests/emails/test_emails.py",
    "tests/import_users/test_cli.py",
    "tests/import_users/test_hashes.py",
    "tests/test_backup.py",
    "tests/copy_data/test_cli.py",
    "tests/copy_data/test_rows.py",
    f"{PACKAGE}/accounts/__init__.py",
    f"{PACKAGE}/accounts/checks.py",
    f"{PACKAGE}/accounts/openapi.json",
    f"{PACKAGE}/accounts/settings.py",
    f"{PACKAGE}/accounts/views.py",
    f"{PACKAGE}/basic_auth/__init__.py",
    f"{PACKAGE}/basic_auth/checks.py",
    f"{PACKAGE}/basic_auth/openapi.json",
    f"{PACKAGE}/basic_auth/settings.py",
    f"{PACKAGE}/breached_passwords/__init__.py",
    f"{PACKAGE}/breached_passwords/checks.py",
    f"{PACKAGE}/breached_passwords/settings.py",
    f"{PACKAGE}/backup.py",
    f"{PACKAGE}/copy_data/__init__.py",
    f"{PACKAGE}/copy_data/cli.py",
    f"{PACKAGE}/copy_data/problems.py",
    f"{PACKAGE}/copy_data/rows.py",
    f"{PACKAGE}/import_users/__init__.py",
    f"{PACKAGE}/import_users/cli.py",
    f"{PACKAGE}/import_users/hashes.py",
    f"{PACKAGE}/emails/__init__.py",
    f"{PACKAGE}/emails/settings.py",
    f"{PACKAGE}/emails/templates.toml",
}

# The files that belong to an answer: (option, answer) -> files.
OWNED = {
    ("use_docker", True): DOCKER,
    ("ci_provider", "github"): GITHUB,
    ("ci_provider", "gitlab"): GITLAB,
    ("features", "full"): FULL,
}


def list_files(project):
    return {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    ("answers", "owned"),
    [
        pytest.param({}, DOCKER | GITHUB | FULL, id="default"),
        pytest.param({"use_docker": False}, GITHUB | FULL, id="no Docker"),
        pytest.param({"ci_provider": "gitlab"}, DOCKER | GITLAB | FULL, id="GitLab"),
        pytest.param({"ci_provider": "none"}, DOCKER | FULL, id="no CI"),
        pytest.param({"features": "core"}, DOCKER | GITHUB, id="core"),
        pytest.param(
            {"use_docker": False, "ci_provider": "none", "features": "core"}, set(), id="least"
        ),
        pytest.param({"database": "postgresql"}, DOCKER | GITHUB | FULL, id="PostgreSQL"),
        pytest.param({"database": "mariadb"}, DOCKER | GITHUB | FULL, id="MariaDB"),
        pytest.param({"password_hash": "bcrypt"}, DOCKER | GITHUB | FULL, id="bcrypt"),
        pytest.param({"license": "Proprietary"}, DOCKER | GITHUB | FULL, id="Proprietary"),
    ],
)
def test_option_owns_exactly_its_files(bake, answers, owned):
    assert list_files(bake(**answers)) == ALWAYS | owned


def test_no_folder_is_left_empty(bake):
    project = bake(use_docker=False, ci_provider="none", features="core")
    assert all(any(path.iterdir()) for path in project.rglob("*") if path.is_dir())


def find_new_lines(before, after, name):
    """Return the lines of a file that another project's file does not have."""
    old, new = ((p / name).read_text("utf-8").splitlines() for p in (before, after))
    return [line for line in new if line not in old]


@pytest.mark.parametrize(
    ("answers", "name", "lines"),
    [
        (
            {"password_hash": "bcrypt"},
            f"{PACKAGE}/security/settings.py",
            ['chosen = "bcrypt"'],
        ),
        (
            {"access_token_minutes": "60"},
            f"{PACKAGE}/security/settings.py",
            ["access_token_age = timedelta(minutes=60)"],
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
    assert find_new_lines(default_project, bake(**answers), name) == lines


def test_create_app_of_core_lacks_two_lines_for_each_feature_of_full(bake, default_project):
    core, name = bake(features="core"), f"{PACKAGE}/__init__.py"
    assert find_new_lines(core, default_project, name) == [
        "    accounts,",
        "    backup,",
        "    basic_auth,",
        "    breached_passwords,",
        "    copy_data,",
        "    emails,",
        "    import_users,",
        "    copy_data.init_app(app)",
        "    backup.init_app(app)",
        "    import_users.init_app(app)",
        "    emails.init_app(app)",
        "    accounts.init_app(app)",
        "    basic_auth.init_app(app)",
        "    breached_passwords.init_app(app)",
    ]
    assert find_new_lines(default_project, core, name) == []
