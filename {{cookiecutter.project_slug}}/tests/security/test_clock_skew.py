"""Clocks of several machines differ a little: no token is refused for that."""

from datetime import timedelta

import pytest

from tests.conftest import PACKAGE

tokens, database = PACKAGE.security.tokens, PACKAGE.database
SKEW, AGE = timedelta(seconds=5), timedelta(minutes=15)
A_LITTLE = timedelta(seconds=2)  # itsdangerous signs whole seconds


@pytest.fixture
def shift(monkeypatch):
    """Return a function that sets the clock of this machine, by an offset."""
    now = database.utc_now

    def shift(by):
        for name in ("security.tokens", "security.sessions"):
            monkeypatch.setattr(
                f"{PACKAGE.__name__}.{name}.utc_now", lambda: now() + by
            )

    return shift


@pytest.mark.parametrize(
    ("offset", "status"),
    [
        pytest.param(-SKEW - A_LITTLE, 401, id="far behind the issuer"),
        pytest.param(-SKEW + A_LITTLE, 200, id="behind the issuer"),
        pytest.param(timedelta(), 200, id="equal"),
        pytest.param(SKEW, 200, id="ahead of the issuer"),
        pytest.param(AGE + SKEW - A_LITTLE, 200, id="at the end of the age"),
        pytest.param(AGE + SKEW + A_LITTLE, 401, id="after the end"),
    ],
)
def test_access_token_survives_a_small_difference(app, auth, offset, shift, status):
    app.config["SECURITY_TOKEN_MAX_AGE"] = AGE
    token = auth.token()
    shift(offset)
    assert auth.call(token).status_code == status


@pytest.mark.parametrize("skew", [0, 60])
def test_tolerance_is_a_setting(auth, make_app, shift, skew):
    token = auth.token()
    auth.client = make_app(CLOCK_SKEW=timedelta(seconds=skew)).test_client()
    shift(timedelta(seconds=-30))
    assert auth.call(token).status_code == (200 if skew else 401)


@pytest.mark.parametrize("column", ["MAX_AGE", "MAX_IDLE"])
@pytest.mark.parametrize(
    ("over", "status"),
    [(SKEW - A_LITTLE, 200), (SKEW + A_LITTLE, 401)],
    ids=["within", "beyond"],
)
def test_refresh_token_survives_a_small_difference(
    app, auth, column, over, shift, status
):
    app.config["SECURITY_REFRESH_TOKEN_MAX_AGE"] = timedelta(days=2)
    app.config["SECURITY_REFRESH_TOKEN_MAX_IDLE"] = timedelta(days=3)
    app.config[f"SECURITY_REFRESH_TOKEN_{column}"] = timedelta(days=1)
    token = auth.tokens().refresh
    shift(timedelta(days=1) + over)
    assert auth.refresh(token).status_code == status


def test_session_that_was_opened_by_a_clock_ahead_is_refreshed(auth, shift):
    shift(timedelta(minutes=1))
    token = auth.tokens().refresh
    shift(timedelta())
    assert auth.refresh(token).status_code == 200


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        pytest.param(-SKEW - A_LITTLE, False, id="far behind"),
        pytest.param(-SKEW + A_LITTLE, True, id="behind"),
        pytest.param(AGE + SKEW + A_LITTLE, False, id="expired"),
    ],
)
def test_token_of_a_feature_survives_a_small_difference(app, offset, accepted, shift):
    tokens.add_serializer(app, "invitation")
    with app.app_context():
        token = tokens.get_serializer("invitation").dumps("hello")
        shift(offset)
        assert (load_or_none(token) == "hello") is accepted


def load_or_none(token):
    try:
        return tokens.load("invitation", token, AGE)
    except tokens.SignatureExpired:
        return None
