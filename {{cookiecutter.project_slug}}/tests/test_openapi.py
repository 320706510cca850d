"""The OpenAPI document: complete, and each of its examples is sent to the app."""

import re

import pytest
from sqlalchemy.exc import OperationalError

from tests.conftest import EMAIL, PACKAGE, make_apps

SETTINGS = {
    "TESTING": True,
    "SECRET_KEY": "oN5_vT2xWc8LqZ7mRj4KsB1yHd6FgA3e",
    "SECURITY_PASSWORD_SALT": "gD8-kP3wXb6MzY1nQs5JtC2vLf9HrA4u",
    "SQLALCHEMY_DATABASE_URI": "sqlite://",
}
KNOWN = PACKAGE.create_app(SETTINGS).config.keys()


def known(**settings):
    """Return the settings of features that this project has."""
    return {name: value for name, value in settings.items() if name in KNOWN}


EVERYTHING = known(
    ACCOUNT_FLOWS=["register", "reset", "change", "change-email"],
    FRONT_END_URL="https://app.example.com",
    MAIL_BACKEND="memory",
)
APP = PACKAGE.create_app({**SETTINGS, **EVERYTHING})
DOCUMENT = APP.extensions["api"].spec.to_dict()
PATHS = DOCUMENT["paths"]
FIELDS = APP.extensions["request_fields"]
JSON = "application/json"
LOST = OperationalError("SELECT 1", {}, Exception("connection lost"))

# For people, not for programs.
PAGES = {"/", "/static/{filename}"}

# Of these only the type is the same from one time to the next.
CHANGING = {"id", "created_at", "modified_at", "authentication_token", "refresh_token"}


@pytest.mark.parametrize(
    "features",
    [{}, known(ACCOUNT_FLOWS=["reset"]), EVERYTHING],
    ids=["-", "one", "all"],
)
def test_every_endpoint_is_in_the_document(features):
    app = PACKAGE.create_app({**SETTINGS, **features})
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    paths = {re.sub(r"<(?:[^:<>]*:)?(\w+)>", r"{\1}", rule) for rule in rules}
    assert paths - PAGES == app.extensions["api"].spec.to_dict()["paths"].keys()


@pytest.mark.parametrize("endpoint", FIELDS)
def test_document_has_the_bounds_that_are_checked(endpoint):
    (rule,) = APP.url_map.iter_rules(endpoint)
    body = PATHS[rule.rule]["post"]["requestBody"]["content"][JSON]["schema"]
    bounds = {name: field["maxLength"] for name, field in body["properties"].items()}
    assert bounds == FIELDS[endpoint]
    assert (body["required"], body["additionalProperties"]) == (list(bounds), False)


def test_tag_of_every_operation_is_described():
    described = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
    operations = [
        item[method]
        for item in PATHS.values()
        for method in item.keys() - {"parameters"}
    ]
    assert {tag for operation in operations for tag in operation["tags"]} == {
        name for name, description in described.items() if description
    }


def test_command_prints_the_document(flask):
    assert '"openapi": "3.1.0"' in flask("openapi", "print").output


# --- The examples -------------------------------------------------------------


def find_responses():
    """Give each response in the OpenAPI document: to which call, and its status."""
    for path, item in PATHS.items():
        for method in sorted(item.keys() - {"parameters"}):
            for status in item[method]["responses"]:
                name = f"{method} {path} {status}"
                yield pytest.param(method, path, int(status), id=name)


def get_example(method, path):
    """Return the body in the OpenAPI document, if there is one."""
    body = PATHS.get(path, {}).get(method, {}).get("requestBody")
    return body and body["content"][JSON]["example"]


def describe(method, path, status):
    """Return what the OpenAPI document says of a response, wherever it does."""
    response = PATHS[path][method]["responses"][str(status)]
    reference = response.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["responses"].get(reference, response)


def mask(value):
    """Put its type in the place of each value that is another every time."""
    if isinstance(value, list):
        return [mask(item) for item in value]
    if isinstance(value, dict):
        types = {name: type(value[name]) for name in value.keys() & CHANGING}
        return {name: mask(item) for name, item in value.items()} | types
    return value


def spoil(call, status, other):
    """Return a good call, changed so that it is refused with a status."""
    fields, headers = call["json"] or {}, call["headers"]
    wrong = {name: f"{value}-wrong" for name, value in fields.items()} or None
    asks_for_email = fields.keys() == {"email"}
    as_json = {"json": None, "content_type": JSON}
    changes = {
        400: {**as_json, "data": "{"},
        401: {"json": wrong, "headers": {}},
        403: {"headers": other},
        404: {"path": re.sub(r"\d+$", "0", call["path"])},
        412: {"headers": {**headers, "If-Match": '"of another"'}},
        413: {**as_json, "data": " " * 2**21},
        415: {**as_json, "data": "{}", "content_type": "text/plain"},
        422: {"json": {**fields, "colour": "red"}, "query_string": "page=0"},
        428: {"headers": {**headers, "If-Match": ""}},
        429: {
            "json": fields if asks_for_email else wrong,
            "headers": {},
            "auth": (EMAIL, "wrong"),
        },
    }
    return {**call, **changes.get(status, {})}


STRICT = {
    "RATELIMIT_ENABLED": True,
    "LOGIN_RATE_LIMIT_PER_NETWORK": "1 per minute",
    **known(EMAIL_RATE_LIMIT_PER_NETWORK="1 per minute"),
}


@pytest.fixture(scope="module")
def shared_app(migrated, settings):
    """Return an app with every feature, for these tests."""
    with make_apps({**settings, **EVERYTHING}) as make:
        yield make()


@pytest.fixture(scope="module")
def strict(migrated, settings):
    """Return a client of an app that allows one attempt a minute."""
    with make_apps({**settings, **EVERYTHING}) as make:
        app = make(**STRICT)
        # A kind of credential that is limited, as features add them.
        limited = PACKAGE.security.Credential(
            lambda r: r.authorization, lambda _: count_attempt()
        )
        app.extensions["extension_points"].credentials.append(limited)
        yield app.test_client()


def count_attempt():
    PACKAGE.security.rate_limits.check_rate_limit("attempt")(False)


@pytest.fixture
def admin(app, in_app):
    """Make the user an administrator."""
    datastore = app.extensions["security"].datastore

    def add_role():
        user = datastore.find_user(email=EMAIL)
        datastore.add_role_to_user(user, datastore.create_role(name="admin"))
        datastore.commit()

    in_app(add_role)


@pytest.fixture
def respond(app, admin, auth, engine, monkeypatch, request, strict):
    """Return a function that has an operation respond with a status."""
    client, headers = auth.client, auth.headers()

    def get_emailed_token(path):
        fields = get_example("post", path)
        if path == "/reset":
            fields = {"email": EMAIL}
        client.post(path, json=fields, headers=headers)
        content = app.extensions["outbox"][-1].get_content()
        return re.search(r"#token=(\S+)", content)[1]

    def make_good_call(method, path):
        body = get_example(method, path)
        if body and "refresh_token" in body:
            body = {"refresh_token": auth.tokens().refresh}
        if body and "token" in body:
            body = {**body, "token": get_emailed_token(path.removesuffix("/confirm"))}
        collection = f"/{path.split('/')[1]}/"
        if example := get_example("post", collection):
            created = client.post(collection, json=example, headers=headers)
            path = re.sub("{.*}", str(created.json["id"]), path)
            headers["If-Match"] = created.headers["ETag"]
        return {"method": method, "path": path, "json": body, "headers": headers}

    def respond(method, path, status):
        other = {}
        if status == 403:
            other = auth.headers(request.getfixturevalue("grace"))
        call = spoil(make_good_call(method, path), status, other)
        if status == 429:
            strict.open(**call)
            return strict.open(**call)
        if status == 503:
            monkeypatch.setattr(engine.dialect, "do_execute", lose)
        return client.open(**call)

    return respond


def lose(*args, **options):
    raise LOST


@pytest.mark.parametrize(("method", "path", "status"), list(find_responses()))
def test_example_is_true(respond, method, path, status):
    described = describe(method, path, status)
    examples = {kind: c["example"] for kind, c in described.get("content", {}).items()}
    response = respond(method, path, status)
    assert response.status_code == status
    assert described.get("headers", {}).keys() <= set(response.headers.keys())
    sent = {response.mimetype: response.json} if response.data else {}
    assert mask(sent) == mask(examples)
