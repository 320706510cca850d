"""`flask auth check`, about the emails of the account flows."""

import json

import pytest

SAFE = {
    "ACCOUNT_FLOWS": ["reset"],
    "FRONT_END_URL": "https://app.example.com",
    "MAIL_BACKEND": "smtp",
    "MAIL_SERVER": "mail.example.com",
    "MAIL_USE_TLS": True,
}
IN_THE_CLEAR = {"MAIL_USE_TLS": False}


@pytest.fixture
def find(app, flask):
    """Return a function that checks safe settings, with some of them changed."""

    def find(*options, **changes):
        app.config.update(SAFE | changes)
        findings = json.loads(flask("auth", "check", "--json", *options).output)
        return [f["problem"] for f in findings if f["id"] == "auth.E029"]

    return find


def test_every_check_finds_something_in_a_test(package):
    assert [check.id for check in package.accounts.checks.CHECKS] == ["auth.E029"]


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"MAIL_BACKEND": "console"}, "MAIL_BACKEND"),
        ({"MAIL_BACKEND": "console", "ACCOUNT_FLOWS": []}, "MAIL_BACKEND"),
        ({"MAIL_BACKEND": "memory"}, "MAIL_BACKEND"),
        ({"FRONT_END_URL": "http://app.example.com"}, "FRONT_END_URL"),
        (IN_THE_CLEAR, "MAIL_SERVER"),
    ],
)
def test_emails_that_others_can_read_are_an_error(changes, find, setting):
    (problem,) = find("--deploy", **changes)
    assert setting in problem
    assert find(**changes) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="STARTTLS"),
        pytest.param({**IN_THE_CLEAR, "MAIL_USE_SSL": True}, id="TLS"),
        pytest.param({**IN_THE_CLEAR, "MAIL_SERVER": "localhost"}, id="this machine"),
        pytest.param({**IN_THE_CLEAR, "MAIL_SERVER": "127.0.0.1"}, id="its address"),
        pytest.param({"FRONT_END_URL": ""}, id="no links"),
        pytest.param({**IN_THE_CLEAR, "ACCOUNT_FLOWS": []}, id="no emails"),
    ],
)
def test_emails_that_nobody_else_can_read_are_no_finding(changes, find):
    assert find("--deploy", **changes) == []
