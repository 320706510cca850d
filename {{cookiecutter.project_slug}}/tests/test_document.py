"""The API's document: complete, and each of its examples sent to the app."""

import re

import pytest
from conftest import EMAIL, PACKAGE, PASSWORD, maker_of_apps
from sqlalchemy.exc import OperationalError

PARTS = PACKAGE.security.accounts.PARTS
SETTINGS = {
    "TESTING": True,
    "SECRET_KEY": "oN5_vT2xWc8LqZ7mRj4KsB1yHd6FgA3e",
    "SECURITY_PASSWORD_SALT": "gD8-kP3wXb6MzY1nQs5JtC2vLf9HrA4u",
    "SQLALCHEMY_DATABASE_URI": "sqlite://",
    "ACCOUNTS": [*PARTS],
}
APP = PACKAGE.create_app(SETTINGS)
DOCUMENT = APP.extensions["api"].spec.to_dict()
PATHS = DOCUMENT["paths"]
FIELDS = PACKAGE.security.request_checks.FIELDS
JSON = "application/json"
LOST = OperationalError("SELECT 1", {}, Exception("connection lost"))

# For people, not for programs.
PAGES = {"/", "/static/{filename}"}

# Of these only the kind is the same from one time to the next.
CHANGING = {"id", "created_at", "modified_at", "authentication_token", "refresh_token"}


@pytest.mark.parametrize("parts", [[], ["reset"], [*PARTS]])
def test_every_endpoint_is_in_the_document(parts):
    app = PACKAGE.create_app({**SETTINGS, "ACCOUNTS": parts})
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


@pytest.mark.parametrize("basic", [True, False])
def test_basic_is_a_way_in_where_it_is_on(basic):
    app = PACKAGE.create_app({**SETTINGS, "HTTP_BASIC_AUTH": basic})
    document = app.extensions["api"].spec.to_dict()
    assert ("basic" in document["components"]["securitySchemes"]) is basic
    assert ({"basic": []} in document["security"]) is basic


def test_command_prints_the_document(flask):
    assert '"openapi": "3.1.0"' in flask("openapi", "print").output


# --- The examples -------------------------------------------------------------


def answers():
    """Give each answer that the document knows: to which call, and its status."""
    for path, item in PATHS.items():
        for method in sorted(item.keys() - {"parameters"}):
            for status in item[method]["responses"]:
                name = f"{method} {path} {status}"
                yield pytest.param(method, path, int(status), id=name)


def example_of_body(method, path):
    body = PATHS.get(path, {}).get(method, {}).get("requestBody")
    return body and body["content"][JSON]["example"]


def documented(method, path, status):
    """Return what the document says of an answer, wherever it does."""
    answer = PATHS[path][method]["responses"][str(status)]
    reference = answer.get("$ref", "").rpartition("/")[2]
    return DOCUMENT["components"]["responses"].get(reference, answer)


def lasting(value):
    """Put its kind in the place of each value that is another every time."""
    if isinstance(value, list):
        return [lasting(one) for one in value]
    if isinstance(value, dict):
        kinds = {name: type(value[name]) for name in value.keys() & CHANGING}
        return {name: lasting(one) for name, one in value.items()} | kinds
    return value


def spoiled(call, status, other):
    """Return a good call, changed so that it is refused with a status."""
    fields, headers = call["json"] or {}, call["headers"]
    wrong = {name: f"{value}-wrong" for name, value in fields.items()} or None
    letter = fields.keys() == {"email"} and fields
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
        429: {"json": letter or wrong, "headers": {}, "auth": (EMAIL, "wrong")},
    }
    return {**call, **changes.get(status, {})}


STRICT = {
    "RATELIMIT_ENABLED": True,
    "HTTP_BASIC_AUTH": True,
    "LOGIN_LIMIT_PER_ADDRESS": "1 per minute",
    "LETTER_LIMIT_PER_ADDRESS": "1 per minute",
}


@pytest.fixture(scope="module")
def strict(migrated, settings):
    """Return a client of an app that is strict with guessers."""
    with maker_of_apps(settings) as make:
        yield make(**STRICT).test_client()


@pytest.fixture
def engine(app):
    """Return the engine of a database whose user is an administrator."""
    datastore = app.extensions["security"].datastore
    with app.app_context():
        user = datastore.find_user(email=EMAIL)
        datastore.add_role_to_user(user, datastore.create_role(name="admin"))
        datastore.commit()
        return app.extensions["sqlalchemy"].engine


@pytest.fixture
def answer(app, auth, engine, letters, monkeypatch, strict):
    """Return a function that has an operation answer with a status."""
    client = auth.client
    headers = {"Authorization": f"Bearer {auth.token()}"}

    def token_of_letter(path):
        fields = example_of_body("post", path)
        if path == "/reset":
            fields = {"email": EMAIL}
        client.post(path, json=fields, headers=headers)
        return re.search(r"#token=(\S+)", letters[-1].body)[1]

    def good_call(method, path):
        body = example_of_body(method, path)
        if body and "refresh_token" in body:
            body = {"refresh_token": auth.tokens().refresh}
        if body and "token" in body:
            body = {**body, "token": token_of_letter(path.removesuffix("/confirm"))}
        collection = f"/{path.split('/')[1]}/"
        if example := example_of_body("post", collection):
            made = client.post(collection, json=example, headers=headers)
            path = re.sub("{.*}", str(made.json["id"]), path)
            headers["If-Match"] = made.headers["ETag"]
        return {"method": method, "path": path, "json": body, "headers": headers}

    def bearer_of_another():
        other = f"other-{EMAIL}"
        with app.app_context():
            PACKAGE.security.users.create(other, PASSWORD)
        return {"Authorization": f"Bearer {auth.token(other)}"}

    def answer(method, path, status):
        other = bearer_of_another() if status == 403 else {}
        call = spoiled(good_call(method, path), status, other)
        if status == 429:
            strict.open(**call)
            return strict.open(**call)
        if status == 503:
            monkeypatch.setattr(engine.dialect, "do_execute", lose)
        return client.open(**call)

    return answer


def lose(*args, **options):
    raise LOST


@pytest.mark.parametrize(("method", "path", "status"), list(answers()))
def test_example_is_true(answer, method, path, status):
    described = documented(method, path, status)
    examples = {kind: c["example"] for kind, c in described.get("content", {}).items()}
    given = answer(method, path, status)
    assert given.status_code == status
    assert described.get("headers", {}).keys() <= set(given.headers.keys())
    said = {given.mimetype: given.json} if given.data else {}
    assert lasting(said) == lasting(examples)
