"""What a resource is made with: a fake one, of items in a list."""

import json

import pytest
from flask.views import MethodView
from marshmallow import RAISE, Schema, fields
from marshmallow.validate import Length

from tests.conftest import PACKAGE, make_apps

EXAMPLE = {"name": "Milk"}


class ItemSchema(Schema):
    class Meta:
        unknown = RAISE

    id = fields.Integer(dump_only=True)
    name = fields.String(required=True, validate=Length(1, 20))


class ItemFilter(Schema):
    name = fields.String(validate=Length(1, 20))


def make_blueprint(items):
    blueprint = PACKAGE.api.Blueprint(
        "items", __name__, url_prefix="/items", description="Your items"
    )

    @blueprint.route("/")
    class Items(MethodView):
        @blueprint.arguments(ItemFilter, location="query")
        @blueprint.response(200, ItemSchema(many=True))
        @blueprint.paginate()
        def get(self, filters, pagination_parameters):
            pagination_parameters.item_count = len(items)
            page = pagination_parameters
            return items[page.first_item : page.last_item + 1]

        @blueprint.etag
        @blueprint.arguments(ItemSchema, example=EXAMPLE)
        @blueprint.response(201, ItemSchema, example={"id": 0, **EXAMPLE})
        def post(self, values):
            items.append({"id": len(items), **values})
            return items[-1]

    @blueprint.route("/<int:item_id>")
    @blueprint.etag
    class OneItem(MethodView):
        @blueprint.response(200, ItemSchema)
        def get(self, item_id):
            return items[item_id]

        @blueprint.arguments(ItemSchema, example=EXAMPLE)
        @blueprint.response(200, ItemSchema)
        def put(self, values, item_id):
            blueprint.check_etag(items[item_id], ItemSchema)
            items[item_id].update(values)
            return items[item_id]

        @blueprint.response(204)
        def delete(self, item_id):
            blueprint.check_etag(items[item_id], ItemSchema)
            items.clear()

    return blueprint


@pytest.fixture(scope="module")
def app_with_items(settings):
    """Return an app that serves a list of items, and the list."""
    items = []
    with make_apps(settings) as make:
        app = make()
        app.extensions["api"].register_blueprint(make_blueprint(items))
        yield app, items


@pytest.fixture
def items(app_with_items):
    """Return the list of the items, empty."""
    _, items = app_with_items
    items.clear()
    return items


@pytest.fixture
def client(app_with_items, items):
    app, _ = app_with_items
    return app.test_client()


@pytest.fixture
def created(client):
    """Return the response to a request that creates an item."""
    return client.post("/items/", json=EXAMPLE)


def test_created_item_has_an_etag(client, created, items):
    assert (created.status_code, created.json) == (201, {"id": 0, "name": "Milk"})
    read = client.get("/items/0")
    assert (read.json, read.headers["ETag"]) == (created.json, created.headers["ETag"])
    assert items == [{"id": 0, "name": "Milk"}]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"name": ["Missing data for required field."]}),
        ({"name": 1}, {"name": ["Not a valid string."]}),
        ({"name": "a" * 21}, {"name": ["Length must be between 1 and 20."]}),
        ({"name": "Milk", "id": 7}, {"id": ["Unknown field."]}),
        ([EXAMPLE], {"_schema": ["Invalid input type."]}),
    ],
    ids=str,
)
def test_invalid_field_is_named(body, client, errors, items):
    response = client.post("/items/", json=body)
    assert (response.status_code, response.mimetype) == (
        422,
        "application/problem+json",
    )
    assert (response.json["detail"], response.json["errors"]) == (
        "Some fields are invalid.",
        errors,
    )
    assert items == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "[" * 60_000, "content_type": "application/json"}, 400),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400),
        ({"data": " " * 2**21, "content_type": "application/json"}, 413),
        ({"data": {"name": "Milk"}}, 415),
        ({"data": '{"name": "Milk"}', "content_type": "text/plain"}, 415),
    ],
    ids=["malformed", "deeply nested", "not UTF-8", "large", "a form", "text"],
)
def test_body_that_is_no_json_is_refused(client, items, options, status):
    response = client.post("/items/", **options)
    assert (response.status_code, response.mimetype) == (
        status,
        "application/problem+json",
    )
    assert items == []


def test_list_is_in_pages(client, items):
    items.extend({"id": n, "name": f"Item {n}"} for n in range(5))
    response = client.get("/items/?page=2&page_size=2")
    assert [item["id"] for item in response.json] == [2, 3]
    pages = json.loads(response.headers["X-Pagination"])
    assert (pages["total"], pages["page"], pages["last_page"]) == (5, 2, 3)


@pytest.mark.parametrize(
    "query", [{"page": 0}, {"page": "a"}, {"page_size": 101}, {"name": ""}], ids=str
)
def test_invalid_parameter_is_named(client, query):
    response = client.get("/items/", query_string=query)
    assert (response.status_code, response.mimetype) == (
        422,
        "application/problem+json",
    )
    assert response.json["errors"].keys() == query.keys()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"), [({}, 428), ({"If-Match": '"another"'}, 412)]
)
def test_change_needs_the_etag(client, created, headers, items, method, status):
    response = client.open("/items/0", method=method, json=EXAMPLE, headers=headers)
    assert (response.status_code, response.mimetype) == (
        status,
        "application/problem+json",
    )
    assert items == [{"id": 0, "name": "Milk"}]


def test_change_with_the_etag_has_a_new_one(client, created):
    old = created.headers["ETag"]
    tea = {"json": {"name": "Tea"}, "headers": {"If-Match": old}}
    replaced = client.put("/items/0", **tea)
    assert (replaced.status_code, replaced.json["name"]) == (200, "Tea")
    assert replaced.headers["ETag"] != old
    assert client.put("/items/0", **tea).status_code == 412


def test_response_is_complete_also_for_who_has_it_already(client, created):
    headers = {"If-None-Match": created.headers["ETag"]}
    response = client.get("/items/0", headers=headers)
    assert (response.status_code, response.json) == (200, created.json)


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/items/", "get", {200, 401, 422, 429, 503}),
        ("/items/", "post", {201, 400, 401, 413, 415, 422, 429, 503}),
        ("/items/{item_id}", "get", {200, 401, 404, 429, 503}),
        ("/items/{item_id}", "delete", {204, 401, 404, 412, 428, 429, 503}),
    ],
)
def test_error_responses_follow_from_what_an_operation_is(
    client, method, path, statuses
):
    document = client.application.extensions["api"].spec.to_dict()
    described = document["paths"][path][method]["responses"]
    assert {int(status) for status in described} == statuses
    references = {f"#/components/responses/{s}" for s in statuses if s >= 400}
    named = {r.get("$ref", "").removesuffix("-query") for r in described.values()}
    assert named - {""} == references


def test_resource_is_described_among_the_others(client):
    document = client.application.extensions["api"].spec.to_dict()
    assert {"name": "items", "description": "Your items"} in document["tags"]
    assert document["paths"].keys() >= {"/items/", "/login", "/healthz"}


@pytest.fixture
def describe(make_app, tmp_path):
    """Return a function that adds an openapi.json, and returns the OpenAPI document."""

    def describe(document, paths=None, **settings):
        app = make_app(**settings)
        (tmp_path / "openapi.json").write_text(json.dumps(document))
        PACKAGE.api.describe(app, tmp_path / "openapi.json", paths)
        return app.extensions["api"].spec.to_dict()

    return describe


FILES = {
    "tags": [{"name": "files", "description": "Your files"}],
    "paths": {"/files": {"get": {}}, "/folders": {"get": {}}},
}


@pytest.mark.parametrize(
    ("paths", "described"),
    [
        (None, {"/files", "/folders"}),
        (["/files"], {"/files"}),
        (["/elsewhere"], set()),
    ],
    ids=["all", "one", "none"],
)
def test_paths_that_are_served_are_described(describe, described, paths):
    document = describe(FILES, paths)
    assert document["paths"].keys() & FILES["paths"].keys() == described
    assert document["paths"].keys() >= {"/login", "/healthz"}
    assert FILES["tags"][0] in document["tags"]


def test_age_in_a_description_is_that_of_the_setting(describe):
    age = {"maximum": {"$seconds": "SECURITY_TOKEN_MAX_AGE"}}
    files = {"components": {"schemas": {"Age": age}}}
    document = describe(files, SECURITY_TOKEN_MAX_AGE=60)
    assert document["components"]["schemas"]["Age"] == {"maximum": 60}


def test_document_is_served_where_that_is_set(client, make_app):
    served = make_app(API_DOCS=True).test_client().get("/openapi.json")
    assert (served.status_code, served.json["openapi"]) == (200, "3.1.0")
    assert client.get("/openapi.json").status_code == 404
