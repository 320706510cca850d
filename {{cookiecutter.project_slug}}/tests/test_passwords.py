"""How passwords are kept."""

import pytest
from flask_security import hash_password

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"

# OWASP Password Storage Cheat Sheet, or above.
COSTS = {
    "argon2": "$argon2id$v=19$m=19456,t=2,p=1$",
    "bcrypt": "$2b$12$",
    "pbkdf2_sha512": "$pbkdf2-sha512$220000$",
}


@pytest.fixture
def stored(app):
    """Return a function that reads the stored hash, or replaces it."""

    def read_or_replace(*replacement):
        with app.app_context():
            datastore = app.extensions["security"].datastore
            user = datastore.find_user(email=EMAIL)
            for user.password in replacement:
                datastore.commit()
            return user.password

    return read_or_replace


@pytest.mark.parametrize("scheme", COSTS)
def test_hash_costs_what_owasp_asks(make_app, real_costs, scheme):
    app = make_app(
        SECURITY_PASSWORD_HASH=scheme,
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=real_costs,
    )
    with app.app_context():
        assert hash_password(PASSWORD).startswith(COSTS[scheme])


def test_chosen_scheme_makes_the_hash(app, stored):
    identify = app.extensions["security"].pwd_context.identify
    assert identify(stored()) == app.config["SECURITY_PASSWORD_HASH"]


@pytest.mark.parametrize("scheme", COSTS)
def test_hash_of_any_supported_scheme_works(app, auth, make_app, stored, scheme):
    other = make_app(SECURITY_PASSWORD_HASH=scheme)
    with other.app_context():
        stored(hash_password(PASSWORD))
    assert auth.login(password="wrong horse battery").status_code == 401
    assert auth.login().status_code == 200
    identify = app.extensions["security"].pwd_context.identify
    assert identify(stored()) == app.config["SECURITY_PASSWORD_HASH"]
    assert auth.login().status_code == 200


@pytest.mark.parametrize("scheme", COSTS)
def test_raised_cost_upgrades_the_hash_at_the_next_login(
    auth, make_app, real_costs, settings, stored, scheme
):
    cheap = make_app(SECURITY_PASSWORD_HASH=scheme)
    with cheap.app_context():
        stored(hash_password(PASSWORD))
    auth.client = make_app(
        SECURITY_PASSWORD_HASH=scheme,
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=real_costs,
    ).test_client()
    assert auth.login().status_code == 200
    assert stored().startswith(COSTS[scheme])


@pytest.mark.parametrize(
    "corrupt",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param(PASSWORD, id="plain text"),
        pytest.param("$argon2id$v=19$m=8,t=1,p=1$c2FsdA", id="cut off"),
        pytest.param("$2b$12$short", id="malformed"),
        pytest.param("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", id="unsupported scheme"),
    ],
)
def test_hash_that_cannot_be_read_refuses_the_login(auth, stored, corrupt):
    assert auth.login().status_code == 200
    stored(corrupt)
    assert auth.login().status_code == 401


def test_password_survives_in_any_unicode_form(auth, flask):
    composed, decomposed = "Zo\u00eb liked cafe\u0301s", "Zoe\u0308 liked caf\u00e9s"
    flask("users", "change_password", EMAIL, "--password", composed)
    assert auth.login(password=decomposed).status_code == 200
    assert auth.login(password="Zoe liked cafes").status_code == 401


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("elevenchars", "at least 12 characters", id="short"),
        pytest.param("a" * 257, "at most 256 characters", id="long"),
        pytest.param("ADA@example.com", "must not be the e-mail address", id="address"),
    ],
)
def test_weak_password_is_refused_with_a_reason(flask, password, reason):
    answer = flask("users", "change_password", EMAIL, "--password", password)
    assert answer.exit_code != 0
    assert reason in answer.output
