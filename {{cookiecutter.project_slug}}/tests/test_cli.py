"""`flask auth`."""

import pytest

SEED = {
    "SEED_USER_EMAIL": "grace@example.com",
    "SEED_USER_PASSWORD": "amazing trace 1906",
}


def by_hand(user):
    """Return the words that seed another user than the first."""
    email, password = user.values()
    return ["auth", "seed", "--email", email, "--password", password]


def test_seed_makes_the_first_user(make_app):
    answer = make_app().test_cli_runner().invoke(args=["auth", "seed"], env=SEED)
    assert answer.output == "Made the user grace@example.com.\n"


def test_seed_makes_no_first_user_beside_others(flask, auth):
    # As when the first user has taken another address: the old one stays closed.
    answer = flask("auth", "seed", env=SEED)
    assert answer.exit_code == 0
    assert "grace@example.com was not made" in answer.output
    assert auth.login(*SEED.values()).status_code == 401


def test_seed_makes_a_user_who_can_log_in(flask, auth):
    answer = flask(*by_hand(SEED))
    assert answer.output == "Made the user grace@example.com.\n"
    assert auth.login(*SEED.values()).status_code == 200


def test_second_seed_changes_nothing(flask, auth):
    flask(*by_hand(SEED))
    again = {**SEED, "SEED_USER_PASSWORD": "another amazing grace"}
    answer = flask(*by_hand(again))
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
    answer = flask(*by_hand({**SEED, **changes}))
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
    flask(*by_hand(SEED))
    token = flask("auth", "token", "grace@example.com").output.strip()
    flask("auth", "revoke", "ada@example.com")
    assert auth.call(token).status_code == 200
