"""Sessions: opened by a login, renewed by refresh tokens, ended by a logout."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, select


@pytest.fixture
def laptop(auth):
    """Return the two tokens of a login."""
    return auth.tokens()


@pytest.fixture
def phone(auth):
    """Return the two tokens of another login of the same user."""
    return auth.tokens()


def test_refresh_gives_two_new_tokens(auth, laptop):
    answer = auth.refresh(laptop.refresh)
    assert answer.status_code == 200
    renewed = answer.json["response"]["user"]
    assert renewed["refresh_token"] != laptop.refresh
    assert auth.call(renewed["authentication_token"]).status_code == 200


def test_access_token_lives_on_after_a_refresh(auth, laptop):
    auth.refresh(laptop.refresh)
    assert auth.call(laptop.access).status_code == 200


def test_spent_refresh_token_ends_its_family(auth, laptop, phone):
    renewed = auth.refresh(laptop.refresh).json["response"]["user"]
    assert auth.refresh(laptop.refresh).status_code == 401
    assert auth.refresh(renewed["refresh_token"]).status_code == 401
    assert auth.call(renewed["authentication_token"]).status_code == 401
    assert auth.call(laptop.access).status_code == 401
    assert auth.call(phone.access).status_code == 200
    assert auth.refresh(phone.refresh).status_code == 200


def test_of_many_refreshes_at_once_one_succeeds(auth, laptop):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: auth.refresh(laptop.refresh), range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [401] * 7


@pytest.fixture
def while_refreshing(app):
    """Return a function that acts once a refresh token is found good."""
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine

    def act_meanwhile(act):
        acts = iter([act])

        def meanwhile(connection, cursor, statement, *_):
            if statement.startswith("DELETE FROM auth_refresh_tracker"):
                at_once(acts)

        event.listen(engine, "before_cursor_execute", meanwhile)

    return act_meanwhile


def at_once(acts):
    """Do, as another client would, what has not been done yet."""
    for act in acts:
        with ThreadPoolExecutor(1) as other:
            other.submit(act).result()


def test_refresh_token_that_is_spent_meanwhile_is_refused(
    auth, laptop, while_refreshing
):
    stolen = []
    while_refreshing(lambda: stolen.append(auth.refresh(laptop.refresh)))
    assert auth.refresh(laptop.refresh).status_code == 401
    assert [answer.status_code for answer in stolen] == [200]
    assert auth.call(laptop.access).status_code == 401


@pytest.fixture
def delete_user(app):
    """Return a function that deletes the user."""

    def delete():
        with app.app_context():
            datastore = app.extensions["security"].datastore
            datastore.delete(datastore.find_user(email="ada@example.com"))
            datastore.commit()

    return delete


def test_user_who_is_deleted_while_refreshing_is_refused(
    auth, laptop, while_refreshing, delete_user
):
    while_refreshing(delete_user)
    assert auth.refresh(laptop.refresh).status_code == 401


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
    answer = auth.refresh(spoil(laptop))
    assert answer.status_code == 401
    assert answer.json["detail"] == "The refresh token is not valid: log in again."
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
def test_refresh_token_ends_by_age(auth, laptop, tracker, column, age):
    tracker(column, -age + timedelta(minutes=1))
    renewed = auth.refresh(laptop.refresh)
    assert renewed.status_code == 200
    tracker(column, -age - timedelta(minutes=1))
    token = renewed.json["response"]["user"]["refresh_token"]
    assert auth.refresh(token).status_code == 401


@pytest.fixture
def tracker(app):
    """Return a function that moves a moment of the first session."""

    def move(column, by):
        with app.app_context():
            datastore = app.extensions["security"].datastore
            model = datastore.refresh_tracker_model
            row = datastore.db.session.scalar(select(model).order_by(model.id))
            setattr(row, column, getattr(row, column) + by)
            datastore.commit()

    return move


def test_logout_ends_this_session_alone(auth, laptop, phone):
    answer = auth.logout(laptop.access)
    assert (answer.status_code, answer.json["meta"]) == (200, {"code": 200})
    assert auth.call(laptop.access).status_code == 401
    assert auth.refresh(laptop.refresh).status_code == 401
    assert auth.call(phone.access).status_code == 200
    assert auth.refresh(phone.refresh).status_code == 200


def test_logout_needs_a_token(auth, laptop):
    assert auth.logout(laptop.refresh).status_code == 401
    assert auth.client.post("/logout").status_code == 401
    assert auth.call(laptop.access).status_code == 200


END_ALL = {
    "revoked": "auth revoke ada@example.com",
    "deactivated": "users deactivate ada@example.com",
    "password changed": "users change_password ada@example.com --password "
    "a-better-password",
    "access reset": "users reset_access ada@example.com",
}


@pytest.mark.parametrize("command", END_ALL.values(), ids=END_ALL)
def test_every_session_ends_with_the_users_tokens(auth, flask, laptop, phone, command):
    assert flask(*command.split()).exit_code == 0
    statuses = [auth.call(laptop.access), auth.call(phone.access)]
    statuses += [auth.refresh(laptop.refresh), auth.refresh(phone.refresh)]
    assert [answer.status_code for answer in statuses] == [401] * 4


@pytest.fixture
def while_hashing(app, monkeypatch):
    """Return a function that acts once a log-in has verified its password."""
    context = app.extensions["security"].pwd_context
    verify = context.verify

    def act_meanwhile(act):
        acts = iter([act])

        def verify_and_act(*args, **kwargs):
            right = verify(*args, **kwargs)
            at_once(acts)
            return right

        monkeypatch.setitem(vars(context), "verify", verify_and_act)

    return act_meanwhile


@pytest.mark.parametrize("command", END_ALL.values(), ids=END_ALL)
def test_login_that_is_under_way_ends_too(auth, flask, while_hashing, command):
    while_hashing(lambda: flask(*command.split()))
    assert auth.login().status_code == 401


@pytest.mark.parametrize("password", ["correct horse battery", "wrong"])
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
    flask("users", "deactivate", "ada@example.com")
    flask("users", "activate", "ada@example.com")
    assert auth.call(laptop.access).status_code == 401
    assert auth.refresh(laptop.refresh).status_code == 401
    assert auth.login().status_code == 200


def test_user_who_was_deactivated_by_sql_gets_nothing(app, auth, laptop):
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        users = database.metadata.tables["auth_user"]
        database.session.execute(users.update().values(active=False))
        database.session.commit()
    assert auth.call(laptop.access).status_code == 401
    assert auth.refresh(laptop.refresh).status_code == 401


def test_cleanup_deletes_what_has_ended(auth, flask, laptop, tracker):
    assert flask("auth", "cleanup").output == "Deleted 0 ended sessions.\n"
    tracker("expires_at", timedelta(days=-31))
    assert flask("auth", "cleanup").output == "Deleted 1 ended sessions.\n"


@pytest.mark.parametrize(
    ("act", "left"),
    [
        pytest.param(lambda auth, phone: auth.login(), 2, id="login"),
        pytest.param(lambda auth, phone: auth.refresh(phone.refresh), 1, id="refresh"),
    ],
)
def test_ended_sessions_of_the_user_are_forgotten(
    app, auth, laptop, phone, tracker, act, left
):
    tracker("last_used_at", timedelta(days=-8))
    assert act(auth, phone).status_code == 200
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        table = database.metadata.tables["auth_refresh_tracker"]
        assert len(database.session.execute(select(table)).all()) == left
