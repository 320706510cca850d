"""roles_required: who may do more than others."""

import pytest
from conftest import PACKAGE

security = PACKAGE.security


@pytest.fixture
def app(new_app):
    return new_app


@pytest.fixture
def admin_only(app):
    """Serve /admin-only, to administrators."""

    @app.get("/admin-only")
    @security.token_required
    @security.roles_required("admin")
    def view():
        return {"caller": security.current_user.email}


def test_role_opens_what_it_guards(admin_only, auth, flask):
    headers = {"Authentication-Token": auth.token()}
    refused = auth.client.get("/admin-only", headers=headers)
    assert (refused.status_code, refused.mimetype) == (403, "application/problem+json")

    flask("roles", "create", "admin")
    flask("roles", "add", "ada@example.com", "admin")
    assert auth.client.get("/admin-only", headers=headers).json == {
        "caller": "ada@example.com"
    }


def test_role_is_asked_for_without_the_other_guard_too(app, auth, flask):
    @app.get("/admin-only")
    @security.roles_required("admin")
    def view():
        return {}

    token = auth.token()
    headers = {"Authentication-Token": token}
    assert auth.client.get("/admin-only", headers=headers).status_code == 403
    flask("roles", "create", "admin")
    flask("roles", "add", "ada@example.com", "admin")
    assert auth.client.get("/admin-only", headers=headers).status_code == 200
    assert auth.client.get("/admin-only").status_code == 403


@pytest.mark.parametrize("guard", [security.token_required, lambda view: view])
def test_current_user_is_the_account_guarded_or_not(app, auth, guard):
    @app.post("/rename")
    @guard
    def view():
        security.current_user.first_name = "Ada"
        app.extensions["sqlalchemy"].session.commit()
        return {"id": security.current_user.id}

    headers = {"Authentication-Token": auth.token()}
    answer = auth.client.post("/rename", headers=headers)
    with app.app_context():
        user = security.users.find("ada@example.com")
        assert (user.first_name, {"id": user.id}) == ("Ada", answer.json)


def test_current_user_is_nobody_without_a_token(app, client):
    @app.get("/who")
    def view():
        return {"anonymous": security.current_user.is_anonymous}

    assert client.get("/who").json == {"anonymous": True}
