"""E-mail addresses: each has one form, which is stored, compared and unique."""

import pytest
from sqlalchemy.exc import IntegrityError

from tests.conftest import EMAIL, OTHER_PASSWORD, PASSWORD, add_user

ASCII = "asa@xn--sa-xia.se"


@pytest.fixture
def security(app, package):
    """Return the package, in an app context: for no request."""
    with app.app_context():
        yield package.security


@pytest.mark.parametrize(
    ("written", "form"),
    [
        pytest.param("ada@example.com", "ada@example.com", id="plain"),
        pytest.param("ADA@Example.COM", "ada@example.com", id="case"),
        pytest.param("asa@\u00e5sa.se", ASCII, id="international domain"),
        pytest.param("Asa@\u00c5SA.se", ASCII, id="its case"),
        pytest.param("asa@a\u030asa.se", ASCII, id="decomposed"),
        pytest.param("ASA@XN--SA-XIA.se", ASCII, id="ASCII already"),
        pytest.param(
            "a@stra\u00dfe.de", "a@xn--strae-oqa.de", id="IDNA 2008, not 2003"
        ),
        pytest.param("ada@\uff45xample.com", "ada@example.com", id="full width"),
        pytest.param("ada@example\u3002com", "ada@example.com", id="full stop"),
    ],
)
def test_address_has_one_form(security, written, form):
    assert security.users.normalize_email(written) == form
    assert security.users.normalize_email(form) == form


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("ada", id="no domain"),
        pytest.param("ada@localhost", id="no dot"),
        pytest.param("@example.com", id="no name"),
        pytest.param("ada@example..com", id="two dots"),
        pytest.param("ada@example.com\n", id="new line"),
        pytest.param("ada@example.com\nBcc: bob@example.com", id="header"),
        pytest.param("Ada <ada@example.com>", id="name for people"),
        pytest.param('"ada"@example.com', id="quoted"),
        pytest.param("ada@[127.0.0.1]", id="literal"),
        pytest.param("zo\u00eb@example.com", id="not ASCII"),
        pytest.param("ada@example.com\0", id="NUL"),
        pytest.param(f"ada@{'a.' * 126}com", id="long domain"),
        pytest.param("\ud800@example.com", id="half of a surrogate pair"),
    ],
)
def test_what_is_no_address_has_none(security, text):
    assert not security.users.normalize_email(text)
    assert security.users.find_user_by_email(text) is None
    with pytest.raises(security.InvalidAccountRequest, match="is not an e-mail") as no:
        security.users.require_email(text)
    assert no.value.field == "email"


@pytest.mark.parametrize("form", ["asa@\u00e5sa.se", "Asa@\u00c5SA.se", ASCII])
def test_domain_may_be_in_any_script(auth, flask, form, sql):
    flask("auth", "seed", "--email", "Asa@\u00e5sa.se", "--password", PASSWORD)
    assert sql("SELECT email FROM auth_user ORDER BY id") == [(EMAIL,), (ASCII,)]
    response = auth.login(form)
    assert response.json["response"]["user"]["email"] == "asa@\u00e5sa.se"


def test_every_way_to_store_an_address_stores_its_form(app, security, sql):
    datastore = app.extensions["security"].datastore
    datastore.create_user(email="Asa@\u00c5SA.se")
    datastore.commit()
    assert sql("SELECT email FROM auth_user ORDER BY id")[1:] == [(ASCII,)]


def test_address_is_unique_whatever_its_case(app, security):
    datastore = app.extensions["security"].datastore
    datastore.create_user(email="ADA@Example.com")
    with pytest.raises(IntegrityError):
        datastore.commit()


def test_addresses_that_differ_in_an_accent_are_two(security):
    users = security.users
    first = users.find_user_by_email(EMAIL)
    second = users.create_user("ada@ex\u00e1mple.com", OTHER_PASSWORD)
    assert users.find_user_by_email("Ada@example.com") is first
    assert users.find_user_by_email("Ada@ex\u00e1mple.com") is second


@pytest.fixture
def store(app, user_row):
    """Return a function that stores an address as it is, for another user."""
    row = {**user_row, "fs_uniquifier": "another"}
    return lambda email: add_user(app, {**row, "email": email})


@pytest.mark.parametrize("other", ["Ada@example.com", "\u00e1da@example.com"])
def test_column_compares_by_code_points(other, sql, store):
    store(other)
    statement = "SELECT email FROM auth_user WHERE email = :email"
    assert sql(statement, email=EMAIL) == [(EMAIL,)]
    assert sql(statement, email=other) == [(other,)]


def test_column_is_unique(store):
    with pytest.raises(IntegrityError):
        store(EMAIL)
