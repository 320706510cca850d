"""Pages for people: safe with any name, and made of their own files."""

import re
from html import unescape

import pytest

from tests.conftest import make_apps


@pytest.fixture(scope="module")
def app_with_docs(migrated, settings):
    with make_apps(settings) as make:
        yield make(API_DOCS=True)


@pytest.fixture
def with_docs(app_with_docs):
    return app_with_docs.test_client()


def test_start_page_is_there_for_browsers(client):
    response = client.get("/", headers={"Accept": "text/html"})
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/docs", "/docs/swagger-ui.css", "/openapi.json"])
def test_api_reference_is_shown_where_that_is_set(client, with_docs, path):
    assert client.get(path).status_code == 404
    assert with_docs.get(path, buffered=True).status_code == 200


def test_start_page_leads_to_the_api_reference_where_it_is(client, with_docs):
    assert 'href="docs"' not in client.get("/").text
    assert 'href="docs"' in with_docs.get("/").text


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_page_loads_its_own_files_and_runs_no_other_code(with_docs, path):
    response = with_docs.get(path)
    policy = dict(
        part.strip().split(" ", 1)
        for part in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy.keys().isdisjoint({"script-src", "style-src", "connect-src"})
    assert policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script>", response.text)
    files = re.findall(r'(?:src|href)="([\w./-]+)"', response.text)
    assert len(files) >= 3
    responses = [with_docs.get(f"/{file}", buffered=True) for file in files]
    assert {response.status_code for response in responses} == {200}


@pytest.mark.parametrize("path", ["/", "/docs"])
@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\"'>&<b>", "{{ 7*7 }}", "O'Brien & Zoë 🎉"]
)
def test_name_of_the_api_is_text_and_nothing_else(
    app_with_docs, monkeypatch, name, path, with_docs
):
    monkeypatch.setitem(app_with_docs.config, "API_TITLE", name)
    title = re.search("<title>(.*)</title>", with_docs.get(path).text)[1]
    assert unescape(title).startswith(name)
    assert "<" not in title
