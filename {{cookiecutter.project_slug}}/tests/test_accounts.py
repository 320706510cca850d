"""Accounts that their users manage, with a token from a letter."""

import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask_mailman import EmailMessage
from sqlalchemy import event

ADA, BOB = "ada@example.com", "bob@example.com"
OLD, NEW = "correct horse battery", "better horse and battery"


def token_in(letter):
    return re.search(r"#token=(\S+)", letter.body)[1]


@pytest.fixture
def post(app):
    """Return a function that posts JSON, in any thread: post("/reset", email=...)."""

    def post(path, access="", **fields):
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        return app.test_client().post(path, json=fields, headers=headers)

    return post


@pytest.fixture
def token(auth, letters, post):
    """Return a function that has a letter sent, and takes its token."""

    def token(purpose, email=ADA):
        if purpose == "change-email":
            post(f"/{purpose}", auth.token(), email=BOB, password=OLD)
        else:
            post(f"/{purpose}", email=BOB if purpose == "register" else email)
        return token_in(letters[-1])

    return token


FIELDS = {"register": ["password"], "reset": ["password"], "change-email": []}


@pytest.fixture
def confirm(post):
    """Return a function that brings a token where it is wanted."""

    def confirm(purpose, token, password=NEW):
        fields = dict.fromkeys(FIELDS[purpose], password)
        return post(f"/{purpose}/confirm", token=token, **fields)

    return confirm


def test_whoever_has_the_letter_makes_the_account(auth, confirm, token):
    answer = confirm("register", token("register"))
    assert answer.status_code == 201
    assert answer.json["response"]["user"]["email"] == BOB
    assert auth.login(BOB, NEW).status_code == 200


def test_new_password_from_a_letter_ends_every_session(auth, confirm, letters, token):
    before = auth.tokens()
    assert confirm("reset", token("reset")).status_code == 200
    assert auth.login(password=OLD).status_code == 401
    assert auth.login(password=NEW).status_code == 200
    assert auth.call(before.access).status_code == 401
    assert auth.refresh(before.refresh).status_code == 401
    assert (letters[-1].to, letters[-1].subject) == ([ADA], "Your password was changed")


def test_changed_password_ends_every_session(auth, letters, post):
    laptop, phone = auth.tokens(), auth.tokens()
    answer = post("/change", laptop.access, password=OLD, new_password=NEW)
    assert answer.status_code == 200
    statuses = [auth.call(laptop.access), auth.call(phone.access)]
    statuses += [auth.refresh(laptop.refresh), auth.refresh(phone.refresh)]
    assert [answer.status_code for answer in statuses] == [401] * 4
    assert auth.login(password=NEW).status_code == 200
    assert letters[-1].to == [ADA]


def test_new_address_is_that_of_the_letter(auth, confirm, letters, token):
    moved = token("change-email")
    assert letters[-1].to == [BOB]
    assert auth.login(ADA).status_code == 200
    before = auth.token()
    assert confirm("change-email", moved).status_code == 200
    assert [auth.login(email).status_code for email in (ADA, BOB)] == [401, 200]
    assert auth.call(before).status_code == 401
    assert (letters[-1].to, letters[-1].subject) == ([ADA], "Your address was changed")


def test_letter_to_an_address_with_an_account_says_so(auth, letters, post):
    post("/register", email="Ada@example.com")
    post("/change-email", auth.token(), email=ADA, password=OLD)
    assert {letter.subject for letter in letters} == {"You have an account"}
    assert not [letter for letter in letters if "token" in letter.body]


def test_letter_with_a_token_goes_to_the_address_that_is_kept(letters, post):
    post("/reset", email="ADA@example.com")
    assert letters[0].to == [ADA]


@pytest.mark.parametrize("path", ["/register", "/reset"])
def test_answer_is_the_same_whether_or_not_there_is_an_account(
    flask, letters, path, post
):
    known, unknown = post(path, email=ADA), post(path, email=BOB)
    flask("users", "deactivate", ADA)
    closed = post(path, email=ADA)
    assert {a.status_code for a in (known, unknown, closed)} == {202}
    assert known.data == unknown.data == closed.data
    assert len(letters) == 3


def test_closed_account_gets_no_token(app, confirm, letters, post, token):
    early = token("reset")
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        users = database.metadata.tables["auth_user"]
        database.session.execute(users.update().values(active=False))
        database.session.commit()
    assert confirm("reset", early).status_code == 422
    post("/reset", email=ADA)
    assert letters[-1].subject == "There is no account"
    assert "token" not in letters[-1].body


@pytest.mark.parametrize("purpose", FIELDS)
def test_token_of_a_letter_is_good_once(confirm, purpose, token):
    used = token(purpose)
    assert confirm(purpose, used).status_code < 300
    again = confirm(purpose, used)
    assert (again.status_code, [*again.json["errors"]]) == (422, ["token"])


END_TOKENS = {
    "password": f"users change_password {ADA} --password a-better-password",
    "closed": f"users deactivate {ADA}",
    "revoked": f"auth revoke {ADA}",
}


@pytest.mark.parametrize("command", END_TOKENS.values(), ids=END_TOKENS)
@pytest.mark.parametrize("purpose", ["reset", "change-email"])
def test_token_of_a_letter_ends_with_what_it_stands_for(
    confirm, command, flask, purpose, token
):
    early = token(purpose)
    flask(*command.split())
    assert confirm(purpose, early).status_code == 422


@pytest.mark.parametrize("purpose", FIELDS)
def test_token_of_a_letter_ends_by_age(app, confirm, purpose, token):
    sent = token(purpose)
    app.config["ACCOUNT_TOKEN_MAX_AGE"] = timedelta(seconds=-1)
    assert confirm(purpose, sent).status_code == 422


def test_token_is_good_for_one_purpose(auth, confirm, token):
    tokens = {purpose: token(purpose) for purpose in FIELDS}
    tokens |= {"access": auth.token(), "refresh": auth.tokens().refresh}
    others = [(p, t) for p in FIELDS for name, t in tokens.items() if name != p]
    assert {confirm(*other).status_code for other in others} == {422}
    assert {auth.call(t).status_code for p, t in tokens.items() if p != "access"} == {
        401
    }


@pytest.mark.parametrize("junk", ["a", "a.b.c", "é", "." * 2048])
def test_what_is_no_token_is_refused(confirm, junk):
    assert {confirm(purpose, junk).status_code for purpose in FIELDS} == {422}


def test_address_that_is_taken_meanwhile_is_refused(confirm, package, app, token):
    moved = token("change-email")
    with app.app_context():
        package.security.users.create(BOB, NEW)
    assert confirm("change-email", moved).json["errors"].keys() == {"token"}


@pytest.mark.parametrize(
    ("path", "fields", "errors"),
    [
        ("/register", {"email": "nobody"}, {"email"}),
        ("/reset", {"email": "nobody"}, {"email"}),
        ("/change", {"password": NEW, "new_password": NEW}, {"password"}),
        ("/change", {"password": OLD, "new_password": "short"}, {"new_password"}),
        ("/change", {"password": OLD}, {"new_password"}),
        ("/change-email", {"email": BOB, "password": NEW}, {"password"}),
        ("/change-email", {"email": BOB}, {"password"}),
    ],
    ids=str,
)
def test_refused_field_is_named_and_nothing_changes(
    auth, errors, fields, letters, path, post
):
    access = auth.token()
    answer = post(path, access, **fields)
    assert (answer.status_code, answer.json["errors"].keys()) == (422, errors)
    assert auth.call(access).status_code == 200
    assert not letters


@pytest.mark.parametrize("purpose", ["register", "reset"])
def test_token_outlives_a_refused_password(confirm, purpose, token):
    sent = token(purpose)
    assert confirm(purpose, sent, "short").json["errors"].keys() == {"password"}
    assert confirm(purpose, sent).status_code < 300


@pytest.mark.parametrize("path", ["/change", "/change-email"])
def test_change_needs_a_token_of_ones_own(path, post):
    fields = {"password": OLD, "new_password": NEW}
    if path == "/change-email":
        fields = {"password": OLD, "email": BOB}
    assert post(path, **fields).status_code == 401


PATHS = ["/register", "/reset", "/change", "/change-email"]
PATHS += [f"{path}/confirm" for path in PATHS if path != "/change"]


@pytest.mark.parametrize("path", PATHS)
def test_endpoint_is_for_json_by_post_and_off_unless_set(client, make_app, path):
    assert client.get(path).status_code == 405
    assert client.post(path, data={"email": ADA}).status_code == 415
    assert client.post(path, json=[]).status_code == 400
    assert client.post(path, json={}).status_code == 422


def test_every_part_is_off_unless_set(make_app, package):
    assert package.security.settings.ACCOUNTS == []
    client = make_app(ACCOUNTS=[]).test_client()
    assert {client.post(path, json={}).status_code for path in PATHS} == {404}


def test_of_many_registrations_at_once_one_makes_the_account(confirm, letters, post):
    addresses = ["grace@example.com", "Grace@example.com"] * 4
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda email: post("/register", email=email), addresses))
        tokens = [token_in(letter) for letter in letters]
        made = list(pool.map(lambda token: confirm("register", token), tokens))
    assert [answer.status_code for answer in asked] == [202] * 8
    assert sorted(answer.status_code for answer in made) == [201] + [422] * 7


def at_the_same_time(act, *words):
    with ThreadPoolExecutor(1) as another:
        return another.submit(act, *words).result()


@pytest.mark.parametrize("purpose", ["reset", "change-email"])
def test_token_that_is_used_meanwhile_is_refused(app, confirm, purpose, token):
    used, answers = token(purpose), []

    def meanwhile(connection, cursor, statement, *_):
        if statement.startswith("UPDATE auth_user") and not answers:
            answers.append(None)
            answers[0] = at_the_same_time(confirm, purpose, used)

    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", meanwhile)
    answers.append(confirm(purpose, used, f"{NEW} and more"))
    event.remove(engine, "before_cursor_execute", meanwhile)
    assert [answer.status_code for answer in answers] == [200, 422]


@pytest.mark.parametrize("path", ["/reset/confirm", "/change"])
def test_of_two_new_passwords_at_once_one_counts(
    app, auth, monkeypatch, path, post, token
):
    used, access, answers = token("reset"), auth.token(), []
    context = app.extensions["security"].pwd_context
    make_hash = context.hash

    def set_password(new):
        if path == "/change":
            return post(path, access, password=OLD, new_password=new)
        return post(path, token=used, password=new)

    def meanwhile(*words, **options):
        if not answers:
            answers.append(None)
            answers[0] = at_the_same_time(set_password, NEW)
        return make_hash(*words, **options)

    monkeypatch.setitem(vars(context), "hash", meanwhile)
    answers.append(set_password(f"{NEW} and more"))
    assert [answer.status_code for answer in answers] == [200, 422]
    assert auth.login(password=NEW).status_code == 200


@pytest.fixture
def away(make_app, package, app):
    """Return a client of an API whose mail server is away."""
    backend = package.security.settings.MAIL_BACKEND
    return make_app(MAIL_BACKEND=backend, MAIL_PORT=1).test_client()


@pytest.mark.parametrize("path", ["/register", "/reset"])
def test_mail_server_that_is_away_is_503_for_everyone(away, caplog, path):
    answers = [away.post(path, json={"email": email}) for email in (ADA, BOB)]
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].data == answers[1].data
    assert {int(answer.headers["Retry-After"]) for answer in answers} == {30}
    assert not [record for record in caplog.records if "@" in record.getMessage()]


def test_password_changes_though_the_mail_server_is_away(auth, away):
    headers = {"Authorization": f"Bearer {auth.token()}"}
    fields = {"password": OLD, "new_password": NEW}
    assert away.post("/change", json=fields, headers=headers).status_code == 200
    assert auth.login(password=NEW).status_code == 200


def test_mail_server_has_to_show_its_certificate(monkeypatch, package):
    contexts = []
    monkeypatch.setattr(
        "smtplib.SMTP.starttls", lambda self, context: contexts.append(context)
    )
    package.security.mail.VerifiedSMTP().starttls(context=None)
    (context,) = contexts
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_smtp_is_the_backend_that_looks_at_certificates(make_app, package):
    app = make_app(MAIL_BACKEND="smtp")
    with app.app_context():
        backend = app.extensions["mailman"].get_connection()
    assert isinstance(backend, package.security.mail.EmailBackend)


@pytest.mark.parametrize("path", ["/register", "/reset"])
@pytest.mark.parametrize("email", [ADA, BOB])
def test_letters_are_limited_by_address_whoever_asks(app, email, make_app, path):
    settings = {"RATELIMIT_ENABLED": True, "LETTER_LIMIT_PER_ACCOUNT": "2 per hour"}
    client = make_app(**settings).test_client()
    answers = [
        client.post(
            path, json={"email": email}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        )
        for n in range(3)
    ]
    assert [answer.status_code for answer in answers] == [202, 202, 429]


def test_letters_at_once_do_not_pass_the_limit(letters, make_app, monkeypatch):
    settings = {"RATELIMIT_ENABLED": True, "LETTER_LIMIT_PER_ACCOUNT": "1 per hour"}
    client, others = make_app(**settings).test_client(), []
    send = EmailMessage.send

    def send_later(letter):
        others.append(client.post("/reset", json={"email": ADA}))
        return send(letter)

    monkeypatch.setattr(EmailMessage, "send", send_later)
    assert client.post("/reset", json={"email": ADA}).status_code == 202
    assert [answer.status_code for answer in others] == [429]


def test_letter_that_cannot_be_sent_counts(make_app):
    limits = {"RATELIMIT_ENABLED": True, "LETTER_LIMIT_PER_ACCOUNT": "2 per hour"}
    client = make_app(MAIL_BACKEND="smtp", MAIL_PORT=1, **limits).test_client()
    answers = [client.post("/register", json={"email": BOB}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 429]


def test_letters_and_guessed_tokens_are_limited_by_network(app, make_app):
    limits = {"LETTER_LIMIT_PER_ADDRESS": "2 per hour"}
    limits |= {"LOGIN_LIMIT_PER_ADDRESS": "2 per minute", "RATELIMIT_ENABLED": True}
    client = make_app(**limits).test_client()
    emails = [f"user{n}@example.com" for n in range(3)]
    sent = [client.post("/register", json={"email": email}) for email in emails]
    guess = {"token": "guessed", "password": NEW}
    guessed = [client.post("/reset/confirm", json=guess) for _ in range(3)]
    assert [answer.status_code for answer in sent] == [202, 202, 429]
    assert [answer.status_code for answer in guessed] == [422, 422, 429]


def test_guessed_current_password_counts_like_a_login(app, auth, make_app):
    headers = {"Authorization": f"Bearer {auth.token()}"}
    limits = {"LOGIN_LIMIT_PER_ACCOUNT": "2 per minute", "RATELIMIT_ENABLED": True}
    client = make_app(**limits).test_client()
    fields = {"password": "wrong horse battery", "new_password": NEW}
    answers = [client.post("/change", json=fields, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]


def test_link_is_made_of_the_setting_alone(app, client, letters):
    client.post("/reset", json={"email": ADA}, headers={"Host": "evil.example"})
    assert "https://app.example.com/reset/confirm#token=" in letters[0].body
    assert "evil" not in letters[0].body
    app.config["FRONT_END_URL"] = ""
    client.post("/reset", json={"email": ADA}, headers={"Host": "evil.example"})
    assert "POST /reset/confirm takes this token: " in letters[1].body


@pytest.mark.parametrize("local", ["zoë", "o'hara", "a+b", "=?utf-8?q?a?="])
def test_odd_address_is_written_to_or_refused(client, local):
    answer = client.post("/register", json={"email": f"{local}@example.com"})
    assert answer.status_code in (202, 422)
