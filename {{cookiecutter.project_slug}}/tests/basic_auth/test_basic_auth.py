"""HTTP Basic, for as long as HTTP_BASIC_AUTH is on."""

from base64 import b64encode

import pytest

from tests.conftest import EMAIL, PASSWORD, make_apps


@pytest.fixture(scope="module")
def app_with_basic(migrated, settings):
    with make_apps(settings) as make:
        yield make(HTTP_BASIC_AUTH=True)


@pytest.mark.parametrize("basic", [True, False])
def test_basic_is_described_where_it_is_on(basic, create_app, settings):
    app = create_app({**settings, "HTTP_BASIC_AUTH": basic})
    document = app.extensions["api"].spec.to_dict()
    assert ("basic" in document["components"]["securitySchemes"]) is basic
    assert ({"basic": []} in document["security"]) is basic


@pytest.fixture
def basic(app, app_with_basic):
    """Return a client of an app with HTTP Basic, on the same database."""
    return app_with_basic.test_client()


def test_basic_is_off_unless_set(client):
    response = client.get("/dummy-api/", auth=(EMAIL, PASSWORD))
    assert response.status_code == 401
    assert response.headers.getlist("WWW-Authenticate") == ["Bearer"]


def test_browser_is_asked_for_a_password(basic):
    response = basic.get("/dummy-api/")
    assert response.status_code == 401
    assert response.headers.getlist("WWW-Authenticate") == [
        'Basic realm="Login Required"',
        "Bearer",
    ]


def test_address_and_password_open_the_endpoint(basic):
    response = basic.get("/dummy-api/", auth=(EMAIL, PASSWORD))
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    ("written", "status"),
    [("stra\u00dfe.de", 200), ("STRA\u1e9eE.de", 200), ("strasse.de", 401)],
)
def test_address_is_the_one_of_idna_2008(basic, in_app, package, written, status):
    in_app(package.security.users.create_user, "ada@xn--strae-oqa.de", PASSWORD)
    response = basic.get("/dummy-api/", auth=(f"Ada@{written}", PASSWORD))
    assert response.status_code == status


def test_token_opens_the_endpoint_as_well(basic, auth):
    assert basic.get("/dummy-api/", headers=auth.headers()).status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [
        pytest.param(EMAIL, "wrong horse battery", id="wrong password"),
        pytest.param("bob@example.com", PASSWORD, id="unknown"),
        pytest.param("", "", id="empty"),
        pytest.param(EMAIL, "", id="no password"),
        pytest.param(EMAIL, "a" * 257, id="long password"),
        pytest.param("'; DROP TABLE auth_user; --", PASSWORD, id="no address"),
    ],
)
def test_other_credentials_are_refused(basic, email, password):
    assert basic.get("/dummy-api/", auth=(email, password)).status_code == 401


@pytest.mark.parametrize("value", ["Basic", "Basic \xff", "Basic YTpi=", "Basic YQ=="])
def test_malformed_credentials_are_refused(basic, value):
    response = basic.get("/dummy-api/", headers={"Authorization": value})
    assert response.status_code == 401


def test_query_does_not_matter_to_credentials(basic):
    response = basic.get("/dummy-api/?next=http://[", auth=(EMAIL, PASSWORD))
    assert response.status_code == 200


def test_deactivated_user_is_refused(basic, flask):
    flask("users", "deactivate", EMAIL)
    assert basic.get("/dummy-api/", auth=(EMAIL, PASSWORD)).status_code == 401


@pytest.mark.parametrize("scheme", ["Digest", "Token", "Basi"])
def test_another_scheme_with_the_right_credentials_is_refused(basic, scheme):
    value = f"{scheme} {b64encode(f'{EMAIL}:{PASSWORD}'.encode()).decode()}"
    response = basic.get("/dummy-api/", headers={"Authorization": value})
    assert response.status_code == 401


def test_basic_counts_like_a_login(app, make_app):
    rates = {"LOGIN_RATE_LIMIT_PER_ACCOUNT": "2 per minute", "RATELIMIT_ENABLED": True}
    client = make_app(HTTP_BASIC_AUTH=True, **rates).test_client()
    calls = [("/dummy-api/", "x"), ("/healthz", "x"), ("/dummy-api/", "x")]
    calls += [("/dummy-api/", PASSWORD)]
    responses = [client.get(path, auth=(EMAIL, word)) for path, word in calls]
    assert [response.status_code for response in responses] == [401, 200, 401, 429]


def test_missing_login_step_refuses_the_request(app_with_basic, basic, package):
    points = package.security.get_extension_points(app_with_basic)
    points.login_steps.append(lambda _: package.errors.problem(401, "Not yet."))
    response = basic.get("/dummy-api/", auth=(EMAIL, PASSWORD))
    points.login_steps.clear()
    assert (response.status_code, response.json["detail"]) == (401, "Not yet.")


def test_user_who_is_revoked_meanwhile_is_refused(
    app_with_basic, basic, flask, monkeypatch
):
    context = app_with_basic.extensions["security"].pwd_context
    verify = context.verify

    def revoke_and_verify(*words):
        flask("auth", "revoke", EMAIL)
        return verify(*words)

    monkeypatch.setitem(vars(context), "verify", revoke_and_verify)
    assert basic.get("/dummy-api/", auth=(EMAIL, PASSWORD)).status_code == 401


def test_request_without_credentials_is_refused_after_one_with_them(
    app_with_basic, basic
):
    calls = [(EMAIL, PASSWORD), None, (EMAIL, PASSWORD), (EMAIL, "wrong")]
    with app_with_basic.app_context():
        responses = [basic.get("/dummy-api/", auth=auth) for auth in calls]
    assert [response.status_code for response in responses] == [200, 401, 200, 401]


def test_basic_is_found_in_production(package):
    (check,) = package.basic_auth.CHECKS
    found = [check.find_problem({"HTTP_BASIC_AUTH": on}) for on in (True, False)]
    assert (check.id, found) == ("auth.E026", ["HTTP_BASIC_AUTH is on.", None])
