"""Users: created once, changed by one request at a time, whoever asks."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import EMAIL, OTHER_EMAIL, PACKAGE, PASSWORD

users = PACKAGE.security.users


def test_of_many_accounts_at_once_one_is_created(make_app):
    app = make_app(MAX_CONCURRENT_HASHES=12)

    def create(email):
        with app.app_context():
            try:
                return users.create_user(email, PASSWORD).email
            except users.InvalidAccountRequest as reason:
                return str(reason)

    forms = ["grace@example.com", "Grace@example.com", "GRACE@example.com"] * 4
    with ThreadPoolExecutor(12) as pool:
        results = sorted(pool.map(create, forms))
    taken = "Another account has this e-mail address."
    assert results == [taken] * 11 + [OTHER_EMAIL]


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [
        ("nobody", PASSWORD, "email"),
        (OTHER_EMAIL, "short", "password"),
        (EMAIL, PASSWORD, "token"),
    ],
)
def test_user_who_cannot_be_created_has_a_reason(in_app, email, password, field, sql):
    with pytest.raises(users.InvalidAccountRequest) as refusal:
        in_app(users.create_user, email, password)
    assert refusal.value.field == field
    assert sql("SELECT count(*) FROM auth_user") == [(1,)]


def test_reason_is_a_422_for_the_field(new_app):
    @new_app.post("/refused")
    def view():
        raise users.InvalidAccountRequest("The password is wrong.", "password")

    response = new_app.test_client().post("/refused")
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert response.json["errors"] == {"password": ["The password is wrong."]}


@pytest.fixture
def allowed(sql):
    """Return what allows a change: the user's id and uniquifier."""
    return sql("SELECT id, fs_uniquifier FROM auth_user")[0]


def test_changed_user_has_new_columns_and_no_session(auth, allowed, in_app, sql):
    tokens = auth.tokens()
    in_app(users.change_user, *allowed, email=OTHER_EMAIL)
    assert sql("SELECT email FROM auth_user") == [(OTHER_EMAIL,)]
    assert sql("SELECT count(*) FROM auth_session WHERE revoked_at IS NULL") == [(0,)]
    assert auth.call(tokens.access).status_code == 401
    assert auth.refresh(tokens.refresh).status_code == 401
    assert auth.login(OTHER_EMAIL).status_code == 200


def test_of_two_changes_by_one_token_one_counts(allowed, in_app, sql):
    in_app(users.change_user, *allowed, first_name="Ada")
    with pytest.raises(users.InvalidAccountRequest, match="by another request"):
        in_app(users.change_user, *allowed, first_name="Grace")
    assert sql("SELECT first_name FROM auth_user") == [("Ada",)]


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("UPDATE auth_user SET fs_uniquifier = :value", "another"),
        ("UPDATE auth_user SET active = :value", False),
    ],
    ids=["revoked", "deactivated"],
)
def test_change_that_is_not_allowed_any_more_changes_nothing(
    allowed, auth, change, in_app, sql, value
):
    auth.login()
    sql(change, value=value)
    with pytest.raises(users.InvalidAccountRequest):
        in_app(users.change_user, *allowed, first_name="Grace")
    assert sql("SELECT first_name FROM auth_user") == [(None,)]
    assert sql("SELECT count(*) FROM auth_session WHERE revoked_at IS NULL") == [(1,)]


def test_change_to_the_address_of_another_user_changes_nothing(
    allowed, auth, grace, in_app
):
    token = auth.token()
    with pytest.raises(users.InvalidAccountRequest, match="Another account"):
        in_app(users.change_user, *allowed, email=grace)
    assert auth.call(token).status_code == 200
