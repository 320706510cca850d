"""Every error is a problem document, RFC 9457."""

import pytest
from sqlalchemy.exc import OperationalError

LOST = OperationalError("SELECT 1", {}, Exception("connection lost"))


def raising(error):
    def view():
        raise error

    return view


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/dummy-api/", 405), ("POST", "/", 405)],
)
def test_error_of_flask_is_a_problem(client, method, path, status):
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json.keys() == {"type", "title", "status", "detail"}


def test_headers_of_an_error_survive(client):
    assert "GET" in client.delete("/dummy-api/").headers["Allow"]


def test_bug_is_a_problem_that_tells_nothing(make_app):
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/bug", view_func=raising(RuntimeError("secret")))
    answer = app.test_client().get("/bug")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "secret" not in answer.text


def test_large_body_is_refused(make_app):
    client = make_app(MAX_CONTENT_LENGTH=10).test_client()
    assert client.post("/login", json={"a": "long enough"}).status_code == 413


@pytest.mark.parametrize("path", ["/dummy-api/", "/readyz"])
def test_database_that_is_away_is_not_the_callers_fault(app, auth, monkeypatch, path):
    headers = {"Authentication-Token": auth.token()}
    assert auth.client.get(path, headers=headers).status_code == 200
    with app.app_context():
        dialect = app.extensions["sqlalchemy"].engine.dialect
    monkeypatch.setattr(dialect, "do_execute", lambda *_: raising(LOST)())
    answer = auth.client.get(path, headers=headers)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "5"


def test_database_that_goes_away_before_the_commit_is_503(make_app, auth, monkeypatch):
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    monkeypatch.setattr(app.extensions["security"].datastore, "commit", raising(LOST))
    auth.client = app.test_client()
    assert auth.login().status_code == 503


def test_role_that_is_missing_is_a_problem(app, auth):
    security = app.extensions["security"]
    with app.app_context():
        answer = security._unauthz_handler("roles_required", ["admin"])
    assert answer.status_code == 403
