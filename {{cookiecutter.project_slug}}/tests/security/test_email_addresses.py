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


COMMANDS = [
    ["users", "create", "-a", "--password", PASSWORD],
    ["auth", "seed", "--password", PASSWORD, "--email"],
]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_stores_the_form(flask, sql, words):
    assert flask(*words, "Asa@\u00c5sa.se").exit_code == 0
    assert sql("SELECT email FROM auth_user ORDER BY id")[1:] == [(ASCII,)]


@pytest.mark.parametrize(
    "words",
    [
        ["users", "deactivate"],
        ["users", "change_password", "--password", OTHER_PASSWORD],
        ["auth", "token"],
        ["auth", "revoke"],
        ["auth", "export-user"],
        ["auth", "delete-user", "--yes"],
    ],
)
def test_every_command_finds_the_user_in_any_spelling(flask, security, words):
    security.users.create_user(ASCII, PASSWORD)
    assert flask(*words, "Asa@\u00c5sa.se").exit_code == 0
    assert flask(*words, "asa@sa.se").exit_code != 0


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("\u3072\u3089", "\u30d2\u30e9", id="Hiragana and Katakana"),
        pytest.param("\u306f", "\u3070", id="voiced"),
        pytest.param("\u30cf", "\u30d1", id="half voiced"),
        pytest.param("\u3063", "\u3064", id="small"),
        pytest.param("a", "\u00e1", id="accent"),
        pytest.param("o", "\u00f8", id="stroke"),
        pytest.param("ss", "\u00df", id="sharp s"),
        pytest.param("\u03c3", "\u03c2", id="final sigma"),
        pytest.param("\u0435", "\u0451", id="Cyrillic"),
        pytest.param("i", "\u0131", id="dotless i"),
    ],
)
def test_addresses_that_a_collation_takes_for_one_are_two(auth, security, one, other):
    for word, password in ((one, PASSWORD), (other, OTHER_PASSWORD)):
        security.users.create_user(f"u@{word}.example.com", password)
    emails = [f"U@{word}.example.com" for word in (one, other)]
    users = [security.users.find_user_by_email(email) for email in emails]
    assert users[0] is not users[1]
    assert auth.login(emails[0], PASSWORD).status_code == 200
    assert auth.login(emails[1], OTHER_PASSWORD).status_code == 200
    assert auth.login(emails[1], PASSWORD).status_code == 401


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("\uff41b.com", "ab.com", id="full width"),
        pytest.param("\uff76\uff9e.jp", "\u30ac.jp", id="half width Katakana"),
        pytest.param("e\u0301.fr", "\u00e9.fr", id="decomposed"),
        pytest.param("\u00c9.fr", "\u00e9.fr", id="capital"),
    ],
)
def test_spellings_of_one_address_are_one(auth, security, one, other):
    security.users.create_user(f"u@{one}", PASSWORD)
    with pytest.raises(security.InvalidAccountRequest, match="Another account"):
        security.users.create_user(f"u@{other}", OTHER_PASSWORD)
    assert auth.login(f"u@{other}", PASSWORD).status_code == 200


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
