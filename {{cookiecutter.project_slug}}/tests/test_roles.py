"""roles_required: who may do more than others."""

import pytest
from werkzeug.utils import import_string

security = import_string("{{ cookiecutter.__package }}.security")


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
