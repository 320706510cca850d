"""`flask auth`: what each command prints, and what it does."""

import json

import pytest

from tests.conftest import EMAIL, OTHER_EMAIL, OTHER_PASSWORD

SEED = {"SEED_USER_EMAIL": OTHER_EMAIL, "SEED_USER_PASSWORD": OTHER_PASSWORD}


def typed(seed):
    """Return the command that creates one more user."""
    email, password = seed.values()
    return ["auth", "seed", "--email", email, "--password", password]


def test_seed_creates_the_seed_user(make_app):
    result = make_app().test_cli_runner().invoke(args=["auth", "seed"], env=SEED)
    assert result.output == "Created the user grace@example.com.\n"


def test_seed_creates_no_seed_user_beside_others(flask, auth):
    # As when the seed user has taken another address: the old one stays closed.
    result = flask("auth", "seed", env=SEED)
    assert (result.exit_code, result.output) == (
        0,
        f"There are users already, so the seed user {OTHER_EMAIL} was not created.\n",
    )
    assert auth.login(*SEED.values()).status_code == 401


def test_seed_creates_a_user_who_can_log_in(flask, auth):
    result = flask(*typed(SEED))
    assert result.output == "Created the user grace@example.com.\n"
    assert auth.login(*SEED.values()).status_code == 200


def test_second_seed_changes_nothing(flask, auth):
    flask(*typed(SEED))
    again = {**SEED, "SEED_USER_PASSWORD": "yet another horse battery"}
    result = flask(*typed(again))
    assert (result.exit_code, result.output) == (
        0,
        "The user grace@example.com already exists. Nothing was changed.\n",
    )
    assert auth.login(*SEED.values()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"SEED_USER_PASSWORD": "test123"}, "at least 15", id="short"),
        pytest.param(
            {"SEED_USER_PASSWORD": "Grace@Example.com"},
            "besides your name and e-mail address",
            id="address",
        ),
        pytest.param({"SEED_USER_EMAIL": "nobody"}, "'nobody' is not", id="no address"),
        pytest.param({"SEED_USER_EMAIL": "zoë@a.com"}, "'zoë@a.com' is", id="no ASCII"),
        pytest.param({"SEED_USER_PASSWORD": ""}, "Set SEED_USER_EMAIL", id="not set"),
    ],
)
def test_seed_refuses_with_a_reason(flask, auth, changes, reason):
    result = flask(*typed({**SEED, **changes}))
    assert result.exit_code != 0
    assert reason in result.output
    assert auth.login(*{**SEED, **changes}.values()).status_code != 200


def test_token_prints_one_that_opens_the_endpoint(flask, auth):
    token = flask("auth", "token", EMAIL).output.strip()
    assert auth.call(token).status_code == 200


def test_token_of_a_deactivated_user_is_refused_with_a_reason(flask):
    flask("users", "deactivate", EMAIL)
    result = flask("auth", "token", EMAIL)
    assert (result.exit_code, "is deactivated" in result.output) == (1, True)


COMMANDS = [("token",), ("revoke",), ("export-user",), ("delete-user", "--yes")]


@pytest.mark.parametrize(("command", "options"), [(c, o) for c, *o in COMMANDS])
def test_unknown_address_is_named(flask, command, options):
    result = flask("auth", command, "bob@example.com", *options)
    assert result.exit_code == 2
    assert "No user has the e-mail address 'bob@example.com'." in result.output


def test_revoke_leaves_other_users_alone(flask, auth):
    flask(*typed(SEED))
    token = flask("auth", "token", OTHER_EMAIL).output.strip()
    result = flask("auth", "revoke", EMAIL)
    assert result.output == f"Revoked every token of {EMAIL}.\n"
    assert auth.call(token).status_code == 200


def test_export_prints_json_about_one_user(flask, auth):
    flask(*typed(SEED))
    auth.login()
    exported = json.loads(flask("auth", "export-user", EMAIL.upper()).output)
    assert [row["email"] for row in exported["user"]] == [EMAIL]
    assert len(exported["sessions"]) == 1


def test_deleted_user_is_gone_and_others_stay(flask, auth):
    flask(*typed(SEED))
    result = flask("auth", "delete-user", EMAIL, "--yes")
    assert result.output == f"Deleted the user {EMAIL}.\n"
    assert auth.login().status_code == 401
    assert auth.login(*SEED.values()).status_code == 200


def test_deletion_is_asked_for_twice(flask, auth):
    result = flask("auth", "delete-user", EMAIL, input="n\n")
    assert (result.exit_code, "Aborted!" in result.output) == (1, True)
    assert auth.login().status_code == 200
