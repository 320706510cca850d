"""E-mail addresses: the mail server gets the very form that identifies an account.

The emails go to a mail server on this machine, over all code points that IDNA 2003 (Python,
smtplib) and IDNA 2008 take for different domains.
"""

import json
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from conftest import SERVERS, free_port, new_database, run

pytestmark = pytest.mark.full

# In the generated project: the app that its tests use, with cheap hashes, in one process.
START = """
import json, sys, unicodedata
from flask_migrate import upgrade
from tests.conftest import CHEAP_HASHES, PACKAGE, PASSWORD

port, uri = sys.argv[1:]
app = PACKAGE.create_app({
    "TESTING": True,
    "SECRET_KEY": "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4",
    "SECURITY_PASSWORD_SALT": "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e",
    "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": CHEAP_HASHES,
    "RATELIMIT_ENABLED": False,
    "ACCOUNT_FLOWS": ["register", "reset"],
    "MAIL_BACKEND": "smtp",
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_PORT": int(port),
    "SQLALCHEMY_DATABASE_URI": uri,
})
client = app.test_client()
db, users, User = app.extensions["sqlalchemy"], PACKAGE.security.users, PACKAGE.security.User
with app.app_context():
    upgrade("migrations")
"""

# Print what is stored for each domain that differs, and have an email sent to its spelling.
SEND_TO_ALL = """

def encode(domain):
    try:
        return domain.encode("idna").decode().lower()
    except UnicodeError:
        return None

def store(email):
    try:
        user = User(email=email)
    except ValueError:
        return None
    return user.email

def is_used(code):
    return unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")

def find_differences():
    for code in filter(is_used, range(128, sys.maxunicode + 1)):
        email = f"Ada@a{chr(code)}b.example.com"
        encoded = encode(email.partition("@")[2])
        if encoded and (form := users.normalize_email(email)) != f"ada@{encoded}":
            yield email, form

def post_reset(email):
    return client.post("/reset", json={"email": email}).status_code

def show_again(stored):
    return users.normalize_email(PACKAGE.security.email_addresses.to_unicode(stored))

with app.app_context():
    differences = list(find_differences())
    rows = [(email, form, store(email)) for email, form in differences]
    shown = [show_again(stored) if stored else None for _, _, stored in rows]
refused = [email for email, _, stored in rows if stored is None]
print(json.dumps({
    "accepted": [
        [stored, form, again, post_reset(email)]
        for (email, form, stored), again in zip(rows, shown) if stored
    ],
    "refused": len(refused),
    "refusals": list(set(map(post_reset, refused[::100]))),
}))
"""


@pytest.fixture
def mail_server():
    """Return a mail server, with the recipients of its emails."""
    server = SimpleNamespace(recipients=[], port=free_port())

    async def handle_rcpt(_, session, envelope, address, options):
        server.recipients.append(address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    handler = SimpleNamespace(handle_RCPT=handle_rcpt)
    controller = Controller(handler, hostname="127.0.0.1", port=server.port)
    controller.start()
    yield server
    controller.stop()


def run_script(project, script, *arguments):
    command = [".venv/bin/python", "-c", START + script, *arguments]
    return json.loads(run(command, project).stdout.splitlines()[-1])


def test_mail_server_gets_what_is_stored_or_the_address_is_refused(mail_server, project, tmp_path):
    uri = f"sqlite:///{tmp_path}/addresses.db"
    result = run_script(project, SEND_TO_ALL, str(mail_server.port), uri)
    accepted = result["accepted"]
    assert len(accepted) > 800
    assert [row for row in accepted if row[:3] != row[:1] * 3] == []
    assert mail_server.recipients == [stored for stored, *_ in accepted]
    assert {status for *_, status in accepted} == {202}
    assert result["refused"] > 1000
    assert result["refusals"] == [422]


# Each pair is two domains, which a collation may take for one.
LOG_IN = """
pairs = [("ひらがな", "ヒラガナ"), ("は", "ば"), ("っ", "つ"), ("ハ", "パ"), ("a", "á"),
         ("o", "ø"), ("ss", "ß"), ("σ", "ς"), ("е", "ё"), ("i", "ı"), ("n", "ñ")]
spellings = [("ａb", "ab"), ("ｶﾞ", "ガ"), ("e\\u0301", "é"), ("É", "é")]

def log_in(word, password):
    json = {"email": f"U@{word}.example.com", "password": password}
    return client.post("/login", json=json).status_code

result = []
with app.app_context():
    for one, other in pairs:
        users.create_user(f"u@{one}.example.com", PASSWORD)
        users.create_user(f"u@{other}.example.com", PASSWORD[::-1])
for one, other in pairs:
    own = [log_in(one, PASSWORD), log_in(other, PASSWORD[::-1])]
    result.append([*own, log_in(other, PASSWORD), log_in(one, PASSWORD[::-1])])
for one, other in spellings:
    with app.app_context():
        db.session.execute(db.metadata.tables["auth_session"].delete())
        db.session.execute(db.metadata.tables["auth_user"].delete())
        db.session.commit()
        users.create_user(f"u@{one}.example.com", PASSWORD)
        try:
            users.create_user(f"u@{other}.example.com", PASSWORD[::-1])
        except PACKAGE.security.InvalidAccountRequest:
            result.append([200, log_in(other, PASSWORD), 401, log_in(other, "wrong " * 4)])
print(json.dumps(result))
"""


@pytest.mark.parametrize("kind", ["sqlite", *SERVERS])
def test_addresses_are_equal_by_code_points_on_every_database(kind, bake, installed, tmp_path):
    project = installed(bake(database=kind))
    with new_database(kind) as server:
        uri = server or f"sqlite:///{tmp_path}/addresses.db"
        result = run_script(project, LOG_IN, "25", uri)
    assert result == [[200, 200, 401, 401]] * 11 + [[200, 200, 401, 401]] * 4
