"""roles_required: who may do more than others."""

import pytest

from tests.conftest import EMAIL, PACKAGE

security = PACKAGE.security


@pytest.fixture
def app(new_app):
    """Serve /admin-only, to administrators."""

    @new_app.get("/admin-only")
    @security.token_required
    @security.roles_required("admin")
    def admin_only():
        return {"caller": security.current_user.email}

    @new_app.get("/without-the-other-guard")
    @security.roles_required("admin")
    def without_the_other_guard():
        return {"caller": security.current_user.email}

    @new_app.get("/both")
    @security.token_required
    @security.roles_required("admin", "auditor")
    def both():
        return {"caller": security.current_user.email}

    return new_app


@pytest.fixture
def give_role(flask):
    """Return a function that gives a role to the user."""

    def give_role(name):
        assert flask("roles", "create", name).exit_code == 0
        assert flask("roles", "add", EMAIL, name).exit_code == 0

    return give_role


PATHS = ["/admin-only", "/without-the-other-guard"]


@pytest.mark.parametrize("path", PATHS)
def test_role_opens_what_it_guards(auth, give_role, path):
    headers = auth.headers()
    refused = auth.client.get(path, headers=headers)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")
    assert refused.json["detail"] == (
        "Your account does not have the role that this endpoint requires."
    )
    give_role("admin")
    assert auth.client.get(path, headers=headers).json == {"caller": EMAIL}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"Authentication-Token": "bad"}])
def test_without_a_token_a_role_is_asked_of_nobody(client, headers, path):
    response = client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_every_role_is_required(auth, give_role):
    headers = auth.headers()
    give_role("admin")
    assert auth.client.get("/both", headers=headers).status_code == 403
    give_role("auditor")
    assert auth.client.get("/both", headers=headers).status_code == 200


@pytest.mark.parametrize("role", ["Admin", "administrator", "admi"])
def test_role_of_another_name_opens_nothing(auth, give_role, role):
    give_role(role)
    response = auth.client.get("/admin-only", headers=auth.headers())
    assert response.status_code == 403


def test_role_that_is_taken_away_opens_nothing(auth, flask, give_role):
    give_role("admin")
    headers = auth.headers()
    assert auth.client.get("/admin-only", headers=headers).status_code == 200
    flask("roles", "remove", EMAIL, "admin")
    assert auth.client.get("/admin-only", headers=headers).status_code == 403
