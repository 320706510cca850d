"""/healthz and /readyz."""

import pytest


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_healthy_app_says_so_to_anyone(client, path):
    response = client.get(path)
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_app_without_its_database_is_alive_and_not_ready(make_app):
    client = make_app(
        SQLALCHEMY_DATABASE_URI="sqlite:////nowhere/at/all.db"
    ).test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_database_that_cannot_store_every_text_is_not_ready(
    client, engine, monkeypatch, package
):
    wrong = {engine.dialect.name: ("SELECT 1", 2, "The encoding is wrong.")}
    monkeypatch.setattr(package.checks.database, "SETUP", wrong)
    response = client.get("/readyz")
    assert (response.status_code, response.json["detail"]) == (
        503,
        "The encoding is wrong.",
    )


def test_readiness_is_one_query(client, queries):
    client.get("/readyz")
    assert len(queries) == 1
