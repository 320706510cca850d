"""Extension points: each with a fake in the place of a feature."""

import copy
import json
import sys

import pytest

from tests.conftest import EMAIL, PACKAGE, PASSWORD, make_apps

security = PACKAGE.security


@pytest.fixture(scope="module")
def shared_app(migrated, settings):
    """Return an app with views to guard, and a command that changes the user."""
    with make_apps(settings) as make:
        app = make(LOGIN_RATE_LIMIT_PER_ACCOUNT="1 per hour")
        add_views(app)
        yield app


def add_views(app):
    @app.get("/who")
    @security.token_required
    @security.roles_required()
    def who():
        return {"caller": security.current_user.email}

    @app.get("/read")
    @security.scope_required("read")
    def read():
        return {"caller": security.current_user.email}

    @app.get("/write")
    @security.token_required
    @security.scope_required("write")
    def write():
        return {"caller": security.current_user.email}

    @app.get("/all")
    @security.scope_required("all")
    def undeclared():
        return {}

    @app.cli.command("change-user")
    def change_user():
        user = security.users.find_user_by_email(EMAIL)
        security.users.change_user(user.id, user.fs_uniquifier, first_name="Grace")


@pytest.fixture
def points(app):
    """Return the extension points. What a test adds to them is removed."""
    before = security.get_extension_points(app)
    copies = {name: copy.copy(value) for name, value in vars(before).items()}
    points = app.extensions["extension_points"] = type(before)(**copies)
    yield points
    app.extensions["extension_points"] = before


@pytest.fixture
def user(sql):
    """Return the user's id and uniquifier."""
    return sql("SELECT id, fs_uniquifier FROM auth_user")[0]


# --- Credentials --------------------------------------------------------------


@pytest.fixture
def read_keys(points, user):
    """Add a kind of credential, the header X-Key; return the keys that were read."""
    keys = []

    def find_caller(key):
        keys.append(key)
        scopes = {"read", "all"} if key == "limited" else None
        return None if key == "wrong" else security.access.Caller(*user, scopes)

    kind = security.Credential(lambda r: r.headers.get("X-Key"), find_caller)
    points.credentials.append(kind)
    return keys


@pytest.fixture
def call(client):
    """Return a function that asks who calls, with some headers."""
    return lambda **headers: client.get("/who", headers=headers)


def test_credential_stands_for_a_user(call, read_keys):
    assert call(X_Key="right").json == {"caller": EMAIL}
    assert call(X_Key="wrong").status_code == 401
    assert call().status_code == 401


def test_credential_may_ask_for_itself(call, points):
    asking = security.Credential(lambda r: None, lambda _: None, 'Key realm="API"')
    points.credentials.append(asking)
    challenges = call().headers.getlist("WWW-Authenticate")
    assert challenges == ['Key realm="API"', "Bearer"]


def test_password_rule_refuses_a_new_password(flask, points):
    points.password_rules.append(lambda password: f"Is {len(password)} long.")
    words = ["users", "change_password", EMAIL, "--password", PASSWORD]
    assert "Is 21 long." in flask(*words).output


def test_credential_is_asked_once_in_a_request(call, read_keys):
    call(X_Key="right")
    assert read_keys == ["right"]


def test_login_asks_no_credential(client, read_keys):
    login = {"email": EMAIL, "password": PASSWORD}
    client.post("/login", json=login, headers={"X-Key": "wrong"})
    assert read_keys == []


@pytest.mark.parametrize(
    ("place", "key", "token", "status"),
    [
        (0, "wrong", "good", 401),
        (0, "right", "bad", 200),
        (0, None, "good", 200),
        (1, "wrong", "good", 200),
        (1, "right", "bad", 401),
        (1, "right", None, 200),
    ],
)
def test_first_kind_that_a_request_carries_decides(
    auth, call, points, read_keys, place, key, token, status
):
    points.credentials.insert(place, points.credentials.pop())
    tokens = {"good": auth.token(), "bad": "bad", None: None}
    headers = {"X_Key": key, "Authentication_Token": tokens[token]}
    assert call(**{n: v for n, v in headers.items() if v}).status_code == status


# --- Login steps --------------------------------------------------------------


@pytest.fixture
def asked(points):
    """Add a step that every login is missing; return whom it was asked about."""
    asked = []

    def find_missing(user):
        asked.append(user.email)
        return PACKAGE.errors.problem(401, "The code is missing.")

    points.login_steps.append(find_missing)
    return asked


def test_missing_step_is_the_response_and_nobody_is_logged_in(asked, auth, caplog, sql):
    caplog.set_level("INFO")
    response = auth.login()
    assert (response.status_code, response.json["detail"]) == (
        401,
        "The code is missing.",
    )
    assert asked == [EMAIL]
    assert sql("SELECT count(*) FROM auth_session") == [(0,)]
    tracked = "SELECT login_count, current_login_at, last_login_at FROM auth_user"
    assert sql(tracked) == [(0, None, None)]
    events = [record.event for record in caplog.records if hasattr(record, "event")]
    assert events == ["login incomplete"]


def test_step_that_is_done_lets_the_login_pass(auth, points):
    points.login_steps.append(lambda user: None)
    assert auth.login().status_code == 200


@pytest.mark.parametrize(
    "login", [(EMAIL, "wrong horse battery"), ("bob@example.com", PASSWORD)]
)
def test_step_is_asked_after_the_right_password_only(asked, auth, login):
    response = auth.login(*login)
    assert response.json["detail"] == "The e-mail address or the password is wrong."
    assert asked == []


def test_step_is_asked_after_the_one_before_it(asked, auth, points):
    points.login_steps.append(lambda user: asked.append("second"))
    auth.login()
    assert asked == [EMAIL]


def test_missing_step_is_no_refused_attempt(app, asked, auth):
    app.config["RATELIMIT_ENABLED"] = True
    details = [auth.login().json["detail"] for _ in range(3)]
    assert details == ["The code is missing."] * 3


def test_session_of_before_is_refreshed_without_the_step(auth, points):
    tokens = auth.tokens()
    points.login_steps.append(lambda user: PACKAGE.errors.problem(401, "No."))
    assert auth.refresh(tokens.refresh).status_code == 200


# --- End of access ------------------------------------------------------------


COMMANDS = {
    "revoked": f"auth revoke {EMAIL}",
    "access reset": f"users reset_access {EMAIL}",
    "password changed": f"users change_password {EMAIL} --password a-better-password",
    "deactivated": f"users deactivate {EMAIL}",
    "changed": "change-user",
    "deleted": f"auth delete-user {EMAIL} --yes",
}
all_commands = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture
def run(flask, user):
    """Return a function that runs a command, which ends the access of the user."""
    flask("roles", "create", "admin")
    return lambda command: flask(*command.split())


def delete_roles(connection, user_id):
    connection.exec_driver_sql("DELETE FROM auth_role")


def fail(connection, user_id):
    raise RuntimeError("hook")


@all_commands
def test_end_of_access_is_told_once_whose_it_is(command, points, run, user):
    ended = []
    points.access_ends.append(lambda connection, user_id: ended.append(user_id))
    assert run(command).exit_code == 0
    assert ended == [user.id]


@all_commands
def test_end_of_access_is_in_the_transaction(command, points, run, sql):
    points.access_ends.append(delete_roles)
    run(command)
    assert sql("SELECT count(*) FROM auth_role") == [(0,)]


@all_commands
def test_if_an_end_fails_nothing_is_changed(auth, command, points, run, sql):
    token = auth.token()
    before = sql("SELECT * FROM auth_user"), sql("SELECT * FROM auth_session")
    points.access_ends.extend([delete_roles, fail])
    assert str(run(command).exception) == "hook"
    assert (sql("SELECT * FROM auth_user"), sql("SELECT * FROM auth_session")) == before
    assert sql("SELECT count(*) FROM auth_role") == [(1,)]
    assert auth.call(token).status_code == 200


def test_login_and_logout_end_nothing_else(auth, points):
    points.access_ends.append(fail)
    tokens = auth.tokens()
    assert auth.refresh(tokens.refresh).status_code == 200
    assert auth.logout(tokens.access).status_code == 200


# --- Export and erasure -------------------------------------------------------


def test_export_has_what_a_feature_adds(flask, points, user):
    points.exports["files"] = lambda user_id: [{"owner": user_id}]
    exported = json.loads(flask("auth", "export-user", EMAIL).output)
    assert list(exported)[:2] == ["user", "sessions"]
    assert exported["files"] == [{"owner": user.id}]


def test_erasure_is_in_the_transaction_and_before_the_user_is_gone(
    points, run, sql, user
):
    seen = []

    def erase(connection, user_id):
        row = "SELECT id FROM auth_user"
        seen.append((user_id, connection.exec_driver_sql(row).scalar()))

    points.erasures.extend([erase, delete_roles])
    assert run(COMMANDS["deleted"]).exit_code == 0
    assert seen == [(user.id, user.id)]
    assert sql("SELECT count(*) FROM auth_role") == [(0,)]
    assert sql("SELECT count(*) FROM auth_user") == [(0,)]


def test_if_an_erasure_fails_nobody_is_deleted(auth, points, run, sql):
    token = auth.token()
    points.erasures.extend([delete_roles, fail])
    assert str(run(COMMANDS["deleted"]).exception) == "hook"
    assert sql("SELECT count(*) FROM auth_role") == [(1,)]
    assert auth.call(token).status_code == 200


# --- Cleanup ------------------------------------------------------------------


def test_cleanup_deletes_what_a_feature_adds(flask, points):
    points.cleanups["old files"] = lambda: 3
    assert flask("auth", "cleanup").output == (
        "Deleted 0 ended sessions.\nDeleted 3 old files.\n"
    )


# --- Checks -------------------------------------------------------------------


@pytest.fixture
def find(app, flask, points):
    """Return a function that adds a check and gives its findings, and the exit code."""

    def find(id, *options, problem="Files are public.", deploy=False):
        check = security.Check(id, lambda c: problem, "Why.", "Fix it.", deploy)
        points.checks[:] = [check]
        result = flask("auth", "check", "--json", *options)
        return json.loads(result.output), result.exit_code

    return find


@pytest.mark.parametrize(
    ("id", "severity", "exit_code"),
    [("files.E001", "error", 1), ("files.W001", "warning", 0)],
)
def test_check_of_a_feature_is_a_finding(find, flask, id, severity, exit_code):
    finding = {
        "id": id,
        "severity": severity,
        "problem": "Files are public.",
        "why": "Why.",
        "fix": "Fix it.",
    }
    assert find(id) == ([finding], exit_code)
    assert flask("auth", "check").output == (
        f"{id} {severity}: Files are public.\n  Why.\n  Fix: Fix it.\n"
    )


def test_check_without_a_problem_finds_nothing(find, flask):
    assert find("files.E001", problem=None) == ([], 0)
    assert flask("auth", "check").output == "No findings.\n"


def test_check_for_production_is_for_deploy_only(find):
    assert find("files.E001", deploy=True) == ([], 0)
    findings, exit_code = find("files.E001", "--deploy", deploy=True)
    assert ([finding["id"] for finding in findings], exit_code) == (["files.E001"], 1)


def test_check_that_is_silenced_finds_nothing(app, find):
    app.config["SILENCED_CHECKS"] = ["files.E001"]
    assert find("files.E001") == ([], 0)
    assert find("files.E002")[1] == 1


# --- Scopes -------------------------------------------------------------------


@pytest.fixture
def scoped(client, points, read_keys):
    """Return a function that calls a view which requires a scope."""
    points.scopes.update(read="Read files.", write="Write files.")
    return lambda path, **headers: client.get(path, headers=headers)


def test_scope_opens_what_it_guards_and_nothing_else(scoped):
    assert scoped("/read", X_Key="limited").json == {"caller": EMAIL}
    response = scoped("/write", X_Key="limited")
    assert (response.status_code, response.mimetype) == (
        403,
        "application/problem+json",
    )
    assert response.json["detail"] == "The token does not have the scope write."
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", scope="write"'
    )


@pytest.mark.parametrize("path", ["/read", "/write"])
def test_login_has_every_scope(auth, path, scoped):
    token = auth.tokens().access
    assert scoped(path, Authentication_Token=token).json == {"caller": EMAIL}


@pytest.mark.parametrize("path", ["/read", "/write"])
@pytest.mark.parametrize("headers", [{}, {"X_Key": "wrong"}])
def test_without_a_credential_a_scope_is_401(headers, path, scoped):
    response = scoped(path, **headers)
    assert response.status_code == 401
    assert "insufficient_scope" not in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("key", ["limited", "right"])
def test_scope_that_nobody_declared_is_an_error(key, scoped):
    with pytest.raises(LookupError, match="'all' is not declared"):
        scoped("/all", X_Key=key)


# --- Settings -----------------------------------------------------------------


@pytest.fixture
def fake_package(monkeypatch, tmp_path):
    """Make a package with a feature, files, that states a setting."""
    files = {
        "__init__.py": "",
        "settings.py": "OF_NO_FEATURE = 1",
        "files/__init__.py": "",
        "files/settings.py": "FILES_MAX = 5\nhelper = 6",
        "bare/__init__.py": "",
    }
    for name, source in files.items():
        path = tmp_path / "fake_package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    yield "fake_package"
    for name in [name for name in sys.modules if name.startswith("fake_package")]:
        del sys.modules[name]


def test_settings_of_a_feature_are_found_by_its_file(fake_package):
    found = PACKAGE.settings.find_settings(fake_package)
    general = {n for n in vars(PACKAGE.settings.general) if n.isupper()}
    assert found.keys() - general == {"FILES_MAX"}
    assert found["FILES_MAX"] == 5
    assert general <= found.keys()


def test_every_subpackage_states_its_settings():
    found = PACKAGE.settings.find_settings(PACKAGE.__name__)
    assert found.keys() >= {"SECRET_KEY", "SECURITY_PASSWORD_SALT", "SILENCED_CHECKS"}


@pytest.mark.parametrize(("password", "status"), [("theirs", 200), ("wrong", 401)])
def test_feature_verifies_hashes_of_its_own(app, auth, password, sql, status):
    points = security.get_extension_points(app)
    points.password_hashes["none:"] = pytest.fail
    points.password_hashes["their:"] = lambda given, stored: f"their:{given}" == stored
    sql("UPDATE auth_user SET password = 'their:theirs'")
    result = auth.login(password=password)
    del points.password_hashes["none:"], points.password_hashes["their:"]
    assert result.status_code == status
    (stored,) = sql("SELECT password FROM auth_user")[0]
    assert stored.startswith("their:") == (status == 401)
