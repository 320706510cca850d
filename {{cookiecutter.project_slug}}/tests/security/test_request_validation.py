"""Request validation, of the endpoint of a feature: limit_fields."""

import pytest
from flask import request

from tests.conftest import PACKAGE


@pytest.fixture
def client(make_app):
    """Return a client of an app whose endpoint takes a name of five characters."""
    app = make_app()

    @app.post("/files")
    def create_file():
        return {"created": request.get_json()}

    fields = {"create_file": {"name": 5}}
    PACKAGE.security.request_validation.limit_fields(app, fields)
    return app.test_client()


@pytest.mark.parametrize("name", ["a", "abcde", "Zo\u00eb \U0001f389"])
def test_valid_request_passes(client, name):
    response = client.post("/files", json={"name": name})
    assert (response.status_code, response.json) == (200, {"created": {"name": name}})


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["Required."]}),
        ({"name": ""}, {"name": ["Required."]}),
        ({"name": None}, {"name": ["Required."]}),
        ({"name": 1}, {"name": ["Must be a string."]}),
        ({"name": "abcdef"}, {"name": ["Must have at most 5 characters."]}),
        ({"name": "\ud800"}, {"name": ["Must be valid Unicode."]}),
        (
            {"Name": "a", "size": 1},
            {
                "Name": ["Unknown field."],
                "size": ["Unknown field."],
                "name": ["Required."],
            },
        ),
    ],
)
def test_every_invalid_field_is_named(body, client, errors):
    response = client.post("/files", json=body)
    assert (response.status_code, response.mimetype) == (
        422,
        "application/problem+json",
    )
    assert response.json["detail"] == "Some fields are invalid."
    assert response.json["errors"] == errors


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": ["name"]}, 400),
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": " " * 17_000, "content_type": "application/json"}, 413),
        ({"data": {"name": "a"}}, 415),
    ],
    ids=["no object", "malformed", "large", "a form"],
)
def test_request_that_is_no_json_object_is_refused(client, options, status):
    assert client.post("/files", **options).status_code == status


def test_method_that_does_not_exist_is_405_and_options_names_those_that_do(client):
    assert client.get("/files").status_code == 405
    response = client.options("/files")
    assert response.status_code == 200
    assert {*response.headers["Allow"].split(", ")} == {"OPTIONS", "POST"}
