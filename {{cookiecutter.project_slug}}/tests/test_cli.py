"""`flask auth`."""

import pytest

SEED = {
    "SEED_USER_EMAIL": "grace@example.com",
    "SEED_USER_PASSWORD": "amazing trace 1906",
}


def test_seed_makes_a_user_who_can_log_in(flask, auth):
    answer = flask("auth", "seed", env=SEED)
    assert answer.output == "Made the user grace@example.com.\n"
    assert auth.login(*SEED.values()).status_code == 200


def test_second_seed_changes_nothing(flask, auth):
    flask("auth", "seed", env=SEED)
    again = {**SEED, "SEED_USER_PASSWORD": "another amazing grace"}
    answer = flask("auth", "seed", env=again)
    assert (answer.exit_code, answer.output) == (
        0,
        "grace@example.com is there: left as it is.\n",
    )
    assert auth.login(*SEED.values()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"SEED_USER_PASSWORD": "test123"}, "at least 15", id="short"),
        pytest.param(
            {"SEED_USER_PASSWORD": "Grace@Example.com"},
            "Beside your name and address",
            id="address",
        ),
        pytest.param({"SEED_USER_EMAIL": "nobody"}, "'nobody' is not", id="no address"),
        pytest.param({"SEED_USER_EMAIL": "zoë@a.com"}, "'zoë@a.com' is", id="no ASCII"),
        pytest.param({"SEED_USER_PASSWORD": ""}, "Set SEED_USER_EMAIL", id="not set"),
    ],
)
def test_seed_refuses_with_a_reason(flask, auth, changes, reason):
    answer = flask("auth", "seed", env={**SEED, **changes})
    assert answer.exit_code != 0
    assert reason in answer.output
    assert auth.login(*{**SEED, **changes}.values()).status_code != 200


def test_token_prints_one_that_opens_the_endpoint(flask, auth):
    token = flask("auth", "token", "ada@example.com").output.strip()
    assert auth.call(token).status_code == 200


def test_token_of_a_deactivated_user_is_refused_with_a_reason(flask):
    flask("users", "deactivate", "ada@example.com")
    answer = flask("auth", "token", "ada@example.com")
    assert (answer.exit_code, "is deactivated" in answer.output) == (1, True)


@pytest.mark.parametrize("command", ["token", "revoke"])
def test_unknown_address_is_named(flask, command):
    answer = flask("auth", command, "bob@example.com")
    assert answer.exit_code == 2
    assert "There is no account 'bob@example.com'" in answer.output


def test_revoke_leaves_other_users_alone(flask, auth):
    flask("auth", "seed", env=SEED)
    token = flask("auth", "token", "grace@example.com").output.strip()
    flask("auth", "revoke", "ada@example.com")
    assert auth.call(token).status_code == 200
