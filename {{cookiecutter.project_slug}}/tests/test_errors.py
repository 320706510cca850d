"""Every error is a problem document, RFC 9457."""

import pytest
from sqlalchemy.exc import (
    DataError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    TimeoutError,
)
from sqlalchemy.orm.exc import StaleDataError

LOST = OperationalError("SELECT 1", {}, Exception("connection lost"))
PROBLEM = "application/problem+json"


def raising(error):
    def view():
        raise error

    return view


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/dummy-api/", 405),
        ("POST", "/healthz", 405),
        ("GET", "/login", 405),
    ],
)
def test_error_of_flask_is_a_problem(client, method, path, status):
    response = client.open(path, method=method)
    assert (response.status_code, response.mimetype) == (status, PROBLEM)
    assert response.json.keys() == {"type", "title", "status", "detail"}
    assert (response.json["type"], response.json["status"]) == ("about:blank", status)


def test_headers_of_an_error_survive(client):
    assert "GET" in client.delete("/dummy-api/").headers["Allow"]


def test_bug_is_a_problem_that_tells_nothing(make_app):
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/bug", view_func=raising(RuntimeError("secret")))
    response = app.test_client().get("/bug")
    assert (response.status_code, response.mimetype) == (500, PROBLEM)
    assert "secret" not in response.text


MANY = {f"field {n}": ["Unknown field."] for n in range(1000)}


@pytest.mark.parametrize(
    ("errors", "count"),
    [
        pytest.param({"title": ["Required."]}, 1, id="one"),
        pytest.param(MANY, 20, id="many fields"),
        pytest.param({"tags": MANY}, 20, id="many items"),
        pytest.param({"a": {"b": MANY}, "c": MANY}, 20, id="many items of two fields"),
        pytest.param({n: {"name": ["Required."]} for n in range(1000)}, 20, id="rows"),
        pytest.param({"a" * 100_000: ["Unknown field."]}, 1, id="long name"),
    ],
)
def test_answer_to_invalid_fields_is_bounded(app, count, errors, package):
    with app.app_context():
        response = package.errors.invalid_fields(errors)
    assert response.get_data(as_text=True).count(".") == 1 + count
    assert len(response.data) < 4000


def test_large_body_is_refused(make_app):
    client = make_app(MAX_CONTENT_LENGTH=10).test_client()
    assert client.post("/login", json={"a": "long enough"}).status_code == 413


@pytest.mark.parametrize("path", ["/dummy-api/", "/readyz"])
def test_unreachable_database_is_not_the_callers_fault(auth, engine, monkeypatch, path):
    headers = {"Authentication-Token": auth.token()}
    assert auth.client.get(path, headers=headers).status_code == 200
    monkeypatch.setattr(engine.dialect, "do_execute", lambda *_: raising(LOST)())
    response = auth.client.get(path, headers=headers)
    assert (response.status_code, response.mimetype) == (503, PROBLEM)
    assert response.headers["Retry-After"] == "5"


def test_database_that_is_lost_before_the_commit_is_503(make_app, auth, monkeypatch):
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    session = app.extensions["sqlalchemy"].session
    monkeypatch.setattr(session, "commit", raising(LOST))
    auth.client = app.test_client()
    assert auth.login().status_code == 503


def test_database_that_is_lost_after_the_view_is_503(make_app):
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    app.after_request(lambda response: raising(LOST)())
    assert app.test_client().get("/healthz").status_code == 503


UNREACHABLE = "The database is unreachable. Try again in a moment."
UNSTORABLE = "A value cannot be stored in the database."
STALE = "The precondition on the request for the URL failed positive evaluation."


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (LOST, 503, UNREACHABLE),
        (InterfaceError("SELECT 1", {}, Exception("closed")), 503, UNREACHABLE),
        (PendingRollbackError("invalid"), 503, UNREACHABLE),
        (TimeoutError("no connection left"), 503, UNREACHABLE),
        (DataError("INSERT", {}, Exception("NUL")), 422, UNSTORABLE),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate"), 422, UNSTORABLE),
        (StaleDataError("0 rows matched"), 412, STALE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_of_the_database_is_a_problem(make_app, error, status, detail):
    app = make_app()
    app.add_url_rule("/error", view_func=raising(error))
    response = app.test_client().get("/error")
    assert (response.status_code, response.mimetype) == (status, PROBLEM)
    assert response.json["detail"] == detail
    assert response.headers.get("Retry-After") == {503: "5"}.get(status)
