"""What is stored about a user: exported as JSON, and deleted with the user."""

import json
from datetime import datetime, timedelta

import pytest

from tests.conftest import EMAIL


@pytest.fixture
def export(in_app, package):
    """Return a function that exports what is stored about the user."""

    def export():
        user = package.security.users.find_user_by_email(EMAIL)
        return package.security.user_data.export_user(user)

    return lambda: in_app(export)


@pytest.fixture
def delete(in_app, package):
    """Return a function that deletes the user."""

    def delete():
        user = package.security.users.find_user_by_email(EMAIL)
        package.security.user_data.delete_user(user)

    return lambda: in_app(delete)


def test_export_has_the_user_and_their_sessions(auth, export, grace, sql):
    auth.login()
    auth.login()
    auth.token(grace)
    exported = export()
    assert [row["email"] for row in exported["user"]] == [EMAIL]
    assert exported["user"][0]["login_count"] == 2
    (user,) = sql("SELECT id FROM auth_user WHERE email = :email", email=EMAIL)
    assert [row["user_id"] for row in exported["sessions"]] == [*user, *user]


def test_export_is_json_with_moments_in_utc(auth, export):
    auth.login()
    exported = export()
    assert json.loads(json.dumps(exported)) == exported
    created_at = datetime.fromisoformat(exported["user"][0]["created_at"])
    assert created_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "secrets",
    [
        "SELECT password, fs_uniquifier FROM auth_user",
        "SELECT auth_session.key FROM auth_session",
    ],
)
def test_export_has_no_secret(auth, export, secrets, sql):
    tokens = auth.tokens()
    text = json.dumps(export())
    (stored,) = sql(secrets)
    assert EMAIL in text
    assert not [secret for secret in stored if secret in text]
    assert not [token for token in vars(tokens).values() if token in text]


COUNTS = {
    "users": "SELECT count(*) FROM auth_user",
    "sessions": "SELECT count(*) FROM auth_session",
    "roles of users": "SELECT count(*) FROM auth_user_role",
}


@pytest.mark.parametrize("count", COUNTS.values(), ids=COUNTS)
def test_rows_of_a_deleted_user_are_gone(auth, count, delete, flask, grace, sql):
    flask("roles", "create", "admin")
    flask("roles", "add", EMAIL, "admin")
    flask("roles", "add", grace, "admin")
    auth.login()
    token = auth.token(grace)
    assert sql(count) == [(2,)]
    delete()
    assert sql(count) == [(1,)]
    assert auth.call(token).status_code == 200


def test_tokens_of_a_deleted_user_are_refused(auth, delete):
    tokens = auth.tokens()
    delete()
    assert auth.call(tokens.access).status_code == 401
    assert auth.refresh(tokens.refresh).status_code == 401


def test_deletion_is_logged_without_the_address(caplog, delete, sql):
    caplog.set_level("INFO")
    ((user_id,),) = sql("SELECT id FROM auth_user")
    delete()
    (record,) = [record for record in caplog.records if hasattr(record, "event")]
    assert (record.event, record.user) == ("user deleted", user_id)
    assert EMAIL not in str(vars(record))
