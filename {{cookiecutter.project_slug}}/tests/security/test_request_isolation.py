"""Each request stands for itself, also in an app context that is held open.

A common fixture of tests holds one open around several calls. What one call leaves in
it must not let the next one in.
"""

import pytest
from flask import json

from tests.conftest import EMAIL, OTHER_EMAIL, PACKAGE

security = PACKAGE.security
KEY = {"X-Key": "right"}


@pytest.fixture
def app(new_app, sql_id):
    """Return an app with two kinds of credentials, in a context that is held open."""
    new_app.get("/who")(who)
    new_app.get("/read", endpoint="read")(security.scope_required("read")(who))
    points = security.get_extension_points(new_app)
    points.scopes["read"] = "Read."
    points.credentials.append(security.Credential(read_key, lambda _: sql_id(new_app)))
    with new_app.app_context():
        yield new_app


@pytest.fixture
def sql_id(package):
    """Return a function that makes a caller of Ada."""

    def find_caller(app):
        user = package.security.users.find_user_by_email(EMAIL)
        return security.Caller(user.id, user.fs_uniquifier)

    return find_caller


def read_key(request):
    return request.headers.get("X-Key")


def who():
    return {"caller": getattr(security.current_user, "email", None)}


@pytest.mark.parametrize("kind", ["token", "key"])
@pytest.mark.parametrize("path", ["/dummy-api/", "/read"])
def test_call_without_credentials_is_refused_after_one_with_them(auth, kind, path):
    headers = auth.headers() if kind == "token" else KEY
    calls = [headers, {}, headers, {"Authorization": "Bearer x"}]
    responses = [auth.client.get(path, headers=sent) for sent in calls]
    assert [response.status_code for response in responses] == [200, 401, 200, 401]


def test_user_is_that_of_the_request(auth, grace):
    calls = [auth.headers(), auth.headers(grace), {}, auth.headers()]
    callers = [auth.client.get("/who", headers=sent).json["caller"] for sent in calls]
    assert callers == [EMAIL, OTHER_EMAIL, None, EMAIL]


def test_call_without_a_token_is_refused_after_a_login(auth):
    assert auth.login().status_code == 200
    assert auth.client.get("/dummy-api/").status_code == 401


def test_each_login_opens_a_session_of_its_own(auth, sql):
    tokens = [auth.tokens(), auth.tokens()]
    assert auth.refresh(tokens[0].refresh).status_code == 200
    assert auth.logout(tokens[1].access).status_code == 200
    ended = sql("SELECT revoked_at IS NOT NULL FROM auth_session ORDER BY id")
    assert [bool(row[0]) for row in ended] == [False, True]


def test_log_names_the_caller_of_the_request(auth, caplog):
    caplog.set_level("INFO")
    auth.client.get("/who", headers=auth.headers())
    auth.client.get("/healthz")
    users = [record.user for record in caplog.records if hasattr(record, "path")]
    assert [user is None for user in users] == [False, True]


def test_request_inside_of_a_request_stands_for_itself(app, auth):
    headers = auth.headers()
    with app.test_request_context("/who", headers=headers):
        assert security.current_user.email == EMAIL
        assert auth.client.get("/dummy-api/").status_code == 401
        assert json.loads(auth.client.get("/who").data) == {"caller": None}
