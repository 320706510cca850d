"""current_user, and the guards: who a request stands for, and what it may do."""

import pytest

from tests.conftest import PACKAGE

security = PACKAGE.security


@pytest.fixture
def app(new_app):
    return new_app


@pytest.mark.parametrize("guard", [security.token_required, lambda view: view])
def test_current_user_is_the_account_guarded_or_not(app, auth, guard, sql):
    @app.post("/rename")
    @guard
    def view():
        security.current_user.first_name = "Ada"
        app.extensions["sqlalchemy"].session.commit()
        return {"id": security.current_user.id}

    response = auth.client.post("/rename", headers=auth.headers())
    assert sql("SELECT id, first_name FROM auth_user") == [(response.json["id"], "Ada")]


def test_current_user_is_nobody_without_a_token(app, client):
    @app.get("/who")
    def view():
        return {"anonymous": security.current_user.is_anonymous}

    assert client.get("/who").json == {"anonymous": True}


@pytest.mark.parametrize("guard", [security.token_required, security.roles_required()])
def test_guarded_view_may_be_asynchronous(app, auth, guard, monkeypatch):
    def view():
        return {}

    made_sync = []
    app.get("/guarded")(guard(view))
    monkeypatch.setattr(app, "ensure_sync", lambda f: made_sync.append(f) or f)
    response = auth.client.get("/guarded", headers=auth.headers())
    assert response.status_code == 200
    assert view in made_sync


def test_view_keeps_its_name_below_a_guard():
    def view():
        """Say it."""

    guarded = security.roles_required("admin")(view)
    assert (guarded.__name__, guarded.__doc__) == ("view", "Say it.")


def test_deleted_account_is_nobody(app, auth, sql):
    @app.get("/who")
    @security.token_required
    def view():
        sql("DELETE FROM auth_user")
        return {"anonymous": security.current_user.is_anonymous}

    headers = auth.headers()
    assert auth.client.get("/who", headers=headers).json == {"anonymous": True}
