"""What a password must be, and how it is stored."""

from types import SimpleNamespace

import pytest
from flask_security import hash_password, verify_password

from tests.conftest import EMAIL, PASSWORD

# OWASP Password Storage Cheat Sheet, or above.
COSTS = {
    "argon2": "$argon2id$v=19$m=19456,t=2,p=1$",
    "bcrypt": "$2b$12$",
    "pbkdf2_sha512": "$pbkdf2-sha512$220000$",
}


@pytest.fixture
def store(sql):
    """Return a function that replaces the stored hash."""
    return lambda new: sql("UPDATE auth_user SET password = :new", new=new)


@pytest.fixture
def stored(sql):
    """Return a function that reads the stored hash."""
    return lambda: sql("SELECT password FROM auth_user")[0][0]


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
def test_hash_of_any_supported_scheme_works(app, auth, make_app, store, stored, scheme):
    with make_app(SECURITY_PASSWORD_HASH=scheme).app_context():
        store(hash_password(PASSWORD))
    assert auth.login(password="wrong horse battery").status_code == 401
    assert auth.login().status_code == 200
    identify = app.extensions["security"].pwd_context.identify
    assert identify(stored()) == app.config["SECURITY_PASSWORD_HASH"]
    assert auth.login().status_code == 200


@pytest.mark.parametrize(
    ("scheme", "raised", "sign"),
    [
        ("argon2", {"argon2__memory_cost": 16}, "$m=16,"),
        ("bcrypt", {"bcrypt__rounds": 5}, "$05$"),
        ("pbkdf2_sha512", {"pbkdf2_sha512__rounds": 2}, "$2$"),
    ],
)
def test_raised_cost_upgrades_the_hash_at_the_next_login(
    auth, make_app, settings, store, stored, scheme, raised, sign
):
    with make_app(SECURITY_PASSWORD_HASH=scheme).app_context():
        store(hash_password(PASSWORD))
    assert sign not in stored()
    costs = {**settings["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"], **raised}
    auth.client = make_app(
        SECURITY_PASSWORD_HASH=scheme,
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS=costs,
    ).test_client()
    assert auth.login().status_code == 200
    assert sign in stored()


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
def test_hash_that_cannot_be_read_refuses_the_login(auth, store, corrupt):
    assert auth.login().status_code == 200
    store(corrupt)
    assert auth.login().status_code == 401


def test_password_survives_in_any_unicode_form(auth, flask):
    composed, decomposed = "Zo\u00eb liked cafe\u0301s", "Zoe\u0308 liked caf\u00e9s"
    flask("users", "change_password", EMAIL, "--password", composed)
    assert auth.login(password=decomposed).status_code == 200
    assert auth.login(password="Zoe liked cafes").status_code == 401


BESIDES = "Must have at least 15 characters besides your name and e-mail address."


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("fourteen chars", "at least 15 characters", id="short"),
        pytest.param("a" * 257, "at most 256 characters", id="long"),
        pytest.param("ADA@example.com", BESIDES, id="address"),
        pytest.param("example-example-example", BESIDES, id="domain"),
    ],
)
def test_weak_password_is_refused_with_a_reason(flask, password, reason):
    result = flask("users", "change_password", EMAIL, "--password", password)
    assert result.exit_code != 0
    assert reason in result.output


SHORT, LONG = "at least 15 characters.", "at most 256 characters."


@pytest.fixture
def validate(app):
    """Return a function that returns the reasons to refuse a password."""

    def validate(password, **user):
        with app.app_context():
            rules = app.extensions["security"].password_util
            reasons, _ = rules.validate(password, False, user=SimpleNamespace(**user))
            return " ".join(reasons or [])

    return validate


@pytest.mark.parametrize(
    ("length", "reason"),
    [(14, SHORT), (15, ""), (128, ""), (129, ""), (256, ""), (257, LONG), (9999, LONG)],
)
@pytest.mark.parametrize(
    "character",
    [
        pytest.param("a", id="one byte"),
        pytest.param("\u00e9", id="accent"),
        pytest.param("e\u0301", id="accent on its own"),
        pytest.param("\u03b1\u0313\u0300\u0345", id="three marks"),
        pytest.param("\ufb03", id="ligature"),
        pytest.param("\ufdfa", id="eighteen in one"),
        pytest.param("\uac01", id="Hangul"),
        pytest.param("\U0001f600", id="emoji"),
        pytest.param("\0", id="NUL"),
    ],
)
def test_length_is_counted_in_characters(validate, character, length, reason):
    assert validate(character * length).endswith(reason)
    assert bool(validate(character * length)) is bool(reason)


def test_what_is_no_unicode_is_refused(validate):
    assert validate("correct horse \udcff battery") == "Must be valid Unicode."


@pytest.mark.parametrize("scheme", COSTS)
@pytest.mark.parametrize(
    ("password", "other"),
    [
        pytest.param("a" * 99 + "b", "a" * 99 + "c", id="at byte 100"),
        pytest.param("a" * 255 + "b", "a" * 255 + "c", id="at the last byte"),
        pytest.param("\u00e9" * 255 + "b", "\u00e9" * 255 + "c", id="behind 510 bytes"),
        pytest.param("a" * 20 + "\0b", "a" * 20 + "\0c", id="behind a NUL"),
        pytest.param("a" * 20, "a" * 20 + "\0", id="a NUL at the end"),
    ],
)
def test_every_byte_of_a_password_counts(make_app, scheme, password, other):
    with make_app(SECURITY_PASSWORD_HASH=scheme).app_context():
        stored = hash_password(password)
        assert verify_password(password, stored)
        assert not verify_password(other, stored)


@pytest.mark.parametrize(
    ("password", "good"),
    [
        pytest.param("lovelace byron 1815", False, id="last name"),
        pytest.param("LOVELACE-August\u0430-12", False, id="in capitals"),
        pytest.param("\uff4covelace byron 18", False, id="in fullwidth characters"),
        pytest.param("augusta@poets.example.org", False, id="address"),
        pytest.param("lovelace likes horses and tea", True, id="enough beside it"),
        pytest.param(PASSWORD, True, id="nothing of their own"),
    ],
)
def test_own_name_and_address_do_not_count(validate, password, good):
    names = {"first_name": "Love", "last_name": "Lovelace"}
    reason = validate(password, email="augusta@poets.example.org", **names)
    assert reason == ("" if good else BESIDES)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("griffin" + "\u00df" * 14, BESIDES, id="fourteen"),
        pytest.param("griffin" + "\u00df" * 15, "", id="fifteen"),
        pytest.param("gri\ufb03n" + "\u00e9" * 15, "", id="name with a ligature"),
        pytest.param("GRI\ufb03N" + "\ufb03" * 14, BESIDES, id="ligatures beside it"),
    ],
)
def test_what_is_besides_the_name_is_counted_in_characters(validate, password, reason):
    assert validate(password, last_name="Griffin", email="", first_name="") == reason
