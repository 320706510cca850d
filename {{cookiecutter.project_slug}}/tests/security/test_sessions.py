"""Sessions: opened by a login, refreshed by a token, ended by a logout."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from tests.conftest import EMAIL, PASSWORD


@pytest.fixture
def laptop(auth):
    """Return the two tokens of a login."""
    return auth.tokens()


@pytest.fixture
def phone(auth):
    """Return the two tokens of another login of the same user."""
    return auth.tokens()


def test_refresh_gives_two_new_tokens(auth, laptop):
    response = auth.refresh(laptop.refresh)
    assert response.status_code == 200
    new = response.json["response"]["user"]
    assert new["refresh_token"] != laptop.refresh
    assert auth.call(new["authentication_token"]).status_code == 200


def test_access_token_lives_on_after_a_refresh(auth, laptop):
    auth.refresh(laptop.refresh)
    assert auth.call(laptop.access).status_code == 200


def test_spent_refresh_token_ends_its_session(auth, laptop, phone):
    new = auth.refresh(laptop.refresh).json["response"]["user"]
    assert auth.refresh(laptop.refresh).status_code == 401
    assert auth.refresh(new["refresh_token"]).status_code == 401
    assert auth.call(new["authentication_token"]).status_code == 401
    assert auth.call(laptop.access).status_code == 401
    assert auth.call(phone.access).status_code == 200
    assert auth.refresh(phone.refresh).status_code == 200


def test_of_many_refreshes_at_once_one_succeeds(auth, laptop):
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: auth.refresh(laptop.refresh), range(8)))
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] + [401] * 7


@pytest.fixture
def while_refreshing(engine):
    """Return a function that acts once a refresh token is found good."""
    acts = []

    def meanwhile(connection, cursor, statement, *_):
        if statement.startswith("DELETE FROM auth_session"):
            act_elsewhere(acts)

    event.listen(engine, "before_cursor_execute", meanwhile)
    yield acts.append
    event.remove(engine, "before_cursor_execute", meanwhile)


def act_elsewhere(acts):
    """Do, as another client would, what has not been done yet."""
    while acts:
        with ThreadPoolExecutor(1) as other:
            other.submit(acts.pop()).result()


def test_refresh_token_that_is_spent_meanwhile_is_refused(
    auth, laptop, while_refreshing
):
    stolen = []
    while_refreshing(lambda: stolen.append(auth.refresh(laptop.refresh)))
    assert auth.refresh(laptop.refresh).status_code == 401
    assert [response.status_code for response in stolen] == [200]
    assert auth.call(laptop.access).status_code == 401


@pytest.fixture
def delete_user(flask):
    """Return a function that deletes the user."""
    return lambda: flask("auth", "delete-user", EMAIL, "--yes")


def test_user_who_is_deleted_while_refreshing_is_refused(
    auth, laptop, while_refreshing, delete_user
):
    while_refreshing(delete_user)
    assert auth.refresh(laptop.refresh).status_code == 401


@pytest.mark.parametrize("command", ["auth revoke", "users deactivate"])
def test_login_that_is_nearly_done_ends_too(
    auth, command, flask, sql, while_refreshing
):
    while_refreshing(lambda: flask(*command.split(), EMAIL))
    assert auth.login().status_code == 401
    assert sql("SELECT count(*) FROM auth_session") == [(0,)]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda tokens: tokens.access, id="access token"),
        pytest.param(lambda tokens: tokens.refresh[:-2], id="cut off"),
        pytest.param(lambda tokens: tokens.refresh.rpartition(".")[0], id="unsigned"),
        pytest.param(lambda tokens: f"{tokens.refresh}==", id="padded"),
        pytest.param(lambda tokens: "é", id="not ASCII"),
        pytest.param(lambda tokens: "null", id="null"),
    ],
)
def test_what_is_no_refresh_token_is_refused(auth, laptop, spoil):
    response = auth.refresh(spoil(laptop))
    assert response.status_code == 401
    assert response.json["detail"] == (
        "The refresh token is invalid or has expired. Log in again."
    )
    assert auth.refresh(laptop.refresh).status_code == 200


def test_refresh_token_is_no_access_token(auth, laptop):
    assert auth.call(laptop.access).status_code == 200
    assert auth.call(laptop.refresh).status_code == 401


@pytest.mark.parametrize(
    ("column", "age"),
    [
        pytest.param("expires_at", timedelta(days=30), id="age"),
        pytest.param("last_used_at", timedelta(days=7), id="idle"),
    ],
)
def test_refresh_token_ends_by_age(auth, laptop, move, column, age):
    move(column, -age + timedelta(minutes=1))
    refreshed = auth.refresh(laptop.refresh)
    assert refreshed.status_code == 200
    move(column, -age - timedelta(minutes=1))
    token = refreshed.json["response"]["user"]["refresh_token"]
    assert auth.refresh(token).status_code == 401


@pytest.fixture
def move(app, package):
    """Return a function that moves a moment of the first session."""
    model = package.security.models.Session

    def move(column, by):
        with app.app_context():
            session = app.extensions["sqlalchemy"].session
            row = session.scalar(select(model).order_by(model.id))
            setattr(row, column, getattr(row, column) + by)
            session.commit()

    return move


def test_logout_ends_this_session_alone(auth, laptop, phone):
    response = auth.logout(laptop.access)
    assert (response.status_code, response.json["meta"]) == (200, {"code": 200})
    assert auth.call(laptop.access).status_code == 401
    assert auth.refresh(laptop.refresh).status_code == 401
    assert auth.call(phone.access).status_code == 200
    assert auth.refresh(phone.refresh).status_code == 200


def test_logout_needs_a_token(auth, laptop):
    assert auth.logout(laptop.refresh).status_code == 401
    assert auth.client.post("/logout").status_code == 401
    assert auth.call(laptop.access).status_code == 200


END_ALL = {
    "revoked": f"auth revoke {EMAIL}",
    "deactivated": f"users deactivate {EMAIL}",
    "password changed": f"users change_password {EMAIL} --password a-better-password",
    "access reset": f"users reset_access {EMAIL}",
}


@pytest.mark.parametrize("command", END_ALL.values(), ids=END_ALL)
def test_every_session_ends_with_the_users_tokens(auth, flask, laptop, phone, command):
    assert flask(*command.split()).exit_code == 0
    responses = [auth.call(laptop.access), auth.call(phone.access)]
    responses += [auth.refresh(laptop.refresh), auth.refresh(phone.refresh)]
    assert [response.status_code for response in responses] == [401] * 4


@pytest.mark.parametrize("command", END_ALL.values(), ids=END_ALL)
def test_rows_of_sessions_end_with_the_users_tokens(
    auth, command, flask, grace, laptop, phone, sql
):
    other_token = auth.token(grace)
    flask(*command.split())
    ended = "SELECT count(*) FROM auth_session WHERE revoked_at IS NOT NULL"
    assert sql(ended) == [(2,)]
    assert auth.call(other_token).status_code == 200


@pytest.fixture
def while_hashing(app, monkeypatch):
    """Return a function that acts once a login has verified its password."""
    context = app.extensions["security"].pwd_context
    verify, acts = context.verify, []

    def verify_and_act(*args, **kwargs):
        right = verify(*args, **kwargs)
        act_elsewhere(acts)
        return right

    monkeypatch.setitem(vars(context), "verify", verify_and_act)
    return acts.append


@pytest.mark.parametrize("command", END_ALL.values(), ids=END_ALL)
def test_login_that_is_under_way_ends_too(auth, flask, while_hashing, command):
    while_hashing(lambda: flask(*command.split()))
    assert auth.login().status_code == 401


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_user_who_is_deleted_while_logging_in_is_refused(
    auth, while_hashing, delete_user, password
):
    while_hashing(delete_user)
    assert auth.login(password=password).status_code == 401


def test_renewed_hash_does_not_undo_a_new_password(
    app, auth, flask, monkeypatch, while_hashing
):
    context = app.extensions["security"].pwd_context
    monkeypatch.setitem(vars(context), "needs_update", lambda stored: True)
    while_hashing(lambda: flask(*END_ALL["password changed"].split()))
    auth.login()
    assert auth.login(password="a-better-password").status_code == 200


def test_tokens_do_not_come_back_with_the_account(auth, flask, laptop):
    flask("users", "deactivate", EMAIL)
    flask("users", "activate", EMAIL)
    assert auth.call(laptop.access).status_code == 401
    assert auth.refresh(laptop.refresh).status_code == 401
    assert auth.login().status_code == 200


def test_user_who_was_deactivated_by_sql_gets_nothing(auth, laptop, sql):
    sql("UPDATE auth_user SET active = :no", no=False)
    assert auth.call(laptop.access).status_code == 401
    assert auth.refresh(laptop.refresh).status_code == 401


def test_cleanup_deletes_what_has_ended(auth, flask, laptop, move):
    assert flask("auth", "cleanup").output == "Deleted 0 ended sessions.\n"
    move("expires_at", timedelta(days=-31))
    assert flask("auth", "cleanup").output == "Deleted 1 ended sessions.\n"


@pytest.mark.parametrize(
    ("act", "left"),
    [
        pytest.param(lambda auth, phone: auth.login(), 2, id="login"),
        pytest.param(lambda auth, phone: auth.refresh(phone.refresh), 1, id="refresh"),
    ],
)
def test_ended_sessions_of_the_user_are_forgotten(
    auth, laptop, phone, move, sql, act, left
):
    move("last_used_at", timedelta(days=-8))
    assert act(auth, phone).status_code == 200
    assert sql("SELECT count(*) FROM auth_session") == [(left,)]
