"""Headers: which are sent, and which are trusted."""

import pytest

ORIGIN = {"Origin": "https://app.example.com"}


@pytest.mark.parametrize("path", ["/healthz", "/dummy-api/", "/nowhere", "/login"])
def test_every_answer_has_the_safe_headers(client, path):
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Strict-Transport-Security" not in headers


def test_hsts_is_sent_when_it_is_set(make_app):
    response = make_app(HSTS_SECONDS=31536000).test_client().get("/healthz")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_other_origin_is_let_in(client):
    response = client.get("/healthz", headers=ORIGIN)
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://app.example.com", True), ("https://app.example.com.evil.org", False)],
)
def test_listed_origins_alone_are_let_in(make_app, origin, allowed):
    client = make_app(CORS_ORIGINS=["https://app.example.com"]).test_client()
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "Authorization",
    }
    headers = client.options("/dummy-api/", headers=preflight).headers
    assert ("Access-Control-Allow-Origin" in headers) is allowed
    assert "Access-Control-Allow-Credentials" not in headers


def test_listed_origin_can_read_what_pages_and_changes_need(make_app):
    client = make_app(CORS_ORIGINS=["https://app.example.com"]).test_client()
    headers = client.get("/healthz", headers=ORIGIN).headers
    assert headers["Access-Control-Expose-Headers"] == "ETag, X-Pagination"


def test_host_that_is_not_trusted_is_refused(make_app):
    client = make_app(TRUSTED_HOSTS=["api.example.com"]).test_client()
    good = client.get("/healthz", headers={"Host": "api.example.com"})
    bad = client.get("/healthz", headers={"Host": "evil.example.org"})
    assert (good.status_code, bad.status_code) == (200, 400)


def test_header_that_a_view_sets_is_kept(make_app):
    app = make_app()

    @app.get("/kept")
    def view():
        return {}, {"cache-control": "max-age=60"}

    headers = app.test_client().get("/kept").headers
    assert headers.getlist("Cache-Control") == ["max-age=60"]
