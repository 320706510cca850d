"""The account flows: users manage their account, with a token from an email."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from click import ClickException
from sqlalchemy import event

from tests.conftest import EMAIL as ADA
from tests.conftest import PASSWORD as OLD

BOB, NEW = "bob@example.com", "better horse and battery"


def token_in(message):
    return re.search(r"#token=(\S+)", message.get_content())[1]


def statuses(responses):
    return [response.status_code for response in responses]


@pytest.fixture
def post(app):
    """Return a function that posts JSON, in any thread: post("/reset", email=...)."""

    def post(path, access="", **fields):
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        return app.test_client().post(path, json=fields, headers=headers)

    return post


@pytest.fixture
def token(auth, outbox, post):
    """Return a function that has an email sent, and takes its token."""

    def token(purpose, email=ADA):
        if purpose == "change-email":
            post(f"/{purpose}", auth.token(), email=BOB, password=OLD)
        else:
            post(f"/{purpose}", email=BOB if purpose == "register" else email)
        return token_in(outbox[-1])

    return token


FIELDS = {"register": ["password"], "reset": ["password"], "change-email": []}


@pytest.fixture
def confirm(auth, post):
    """Return a function that confirms what an email is about, with its token.

    Ada, who is logged in, is the one who confirms a new address.
    """
    own = auth.token()

    def confirm(purpose, token, password=NEW, access=own):
        fields = dict.fromkeys(FIELDS[purpose], password)
        access = access if purpose == "change-email" else ""
        return post(f"/{purpose}/confirm", access, token=token, **fields)

    return confirm


def test_whoever_has_the_email_creates_the_account(auth, confirm, token):
    response = confirm("register", token("register"))
    assert response.status_code == 201
    assert response.json["response"]["user"]["email"] == BOB
    assert auth.login(BOB, NEW).status_code == 200


def test_password_reset_ends_every_session(auth, confirm, outbox, token):
    before = auth.tokens()
    assert confirm("reset", token("reset")).status_code == 200
    assert auth.login(password=OLD).status_code == 401
    assert auth.login(password=NEW).status_code == 200
    assert auth.call(before.access).status_code == 401
    assert auth.refresh(before.refresh).status_code == 401
    assert outbox[-1]["To"] == ADA
    assert outbox[-1]["Subject"] == "Your password was changed"


# The first has 256 characters, typed as 512 code points; the second has one more.
LONGEST, TOO_LONG = "e\u0301" * 256, "e\u0301" * 256 + "e"


def test_longest_password_works_in_every_flow(auth, confirm, post, token):
    assert confirm("reset", token("reset"), LONGEST).status_code == 200
    logins = [auth.login(password=typed) for typed in (LONGEST, "\u00e9" * 256)]
    assert statuses(logins) == [200, 200]
    response = post("/change", auth.token(), password=LONGEST, new_password="b" * 256)
    assert response.status_code == 200
    assert auth.login(password="b" * 256).status_code == 200


def test_longer_password_is_refused_in_every_flow(auth, confirm, post, token):
    reasons = ["Must have at most 256 characters."]
    reset = confirm("reset", token("reset"), TOO_LONG)
    login = auth.login(password=TOO_LONG)
    change = post("/change", auth.token(), password=OLD, new_password=TOO_LONG)
    assert statuses([reset, login, change]) == [422] * 3
    assert reset.json["errors"] == login.json["errors"] == {"password": reasons}
    assert change.json["errors"] == {"new_password": reasons}


def test_changed_password_ends_every_session(auth, outbox, post):
    laptop, phone = auth.tokens(), auth.tokens()
    response = post("/change", laptop.access, password=OLD, new_password=NEW)
    assert response.status_code == 200
    responses = [auth.call(laptop.access), auth.call(phone.access)]
    responses += [auth.refresh(laptop.refresh), auth.refresh(phone.refresh)]
    assert statuses(responses) == [401] * 4
    assert auth.login(password=NEW).status_code == 200
    assert outbox[-1]["To"] == ADA


def test_new_address_is_that_of_the_email(auth, confirm, outbox, token):
    sent = token("change-email")
    assert outbox[-1]["To"] == BOB
    assert auth.login(ADA).status_code == 200
    before = auth.token()
    assert confirm("change-email", sent).status_code == 200
    assert statuses(auth.login(email) for email in (ADA, BOB)) == [401, 200]
    assert auth.call(before).status_code == 401
    assert outbox[-1]["To"] == ADA
    assert outbox[-1]["Subject"] == "Your e-mail address was changed"


def test_email_to_an_address_with_an_account_says_so(auth, outbox, post):
    post("/register", email="Ada@example.com")
    post("/change-email", auth.token(), email=ADA, password=OLD)
    subjects = [message["Subject"] for message in outbox]
    assert subjects == ["You already have an account"] * 2
    assert not [message for message in outbox if "token" in message.get_content()]


@pytest.mark.parametrize("path", ["/reset", "/register"])
def test_email_goes_to_the_one_form_of_an_address(outbox, path, post):
    post(path, email="ADA@example.com")
    assert [message["To"] for message in outbox] == [ADA]


# Spellings of one domain, and a domain that IDNA 2003 takes for the same.
STRASSE = ["stra\u00dfe.de", "STRA\u1e9eE.de", "XN--STRAE-OQA.de", "strasse.de"]


@pytest.mark.parametrize("path", ["/register", "/reset", "/change-email"])
def test_email_goes_to_the_form_that_identifies_an_account(
    auth, in_app, outbox, package, path, post
):
    forms = [f"ada@{form}.de" for form in ["xn--strae-oqa"] * 3 + ["strasse"]]
    in_app(package.security.users.create_user, forms[0], OLD)
    fields = {"password": OLD} if path == "/change-email" else {}
    for written in STRASSE:
        post(path, auth.token(), email=f"Ada@{written}", **fields)
    assert [message["To"] for message in outbox] == forms
    assert len({message["Subject"] for message in outbox[:3]}) == 1
    assert outbox[3]["Subject"] != outbox[0]["Subject"]


@pytest.mark.parametrize("path", ["/register", "/reset"])
def test_spellings_of_an_address_are_counted_together(app, make_app, path):
    app = make_app(RATELIMIT_ENABLED=True, EMAIL_RATE_LIMIT_PER_ACCOUNT="3 per minute")
    emails = [f"Ada@{written}" for written in [*STRASSE, STRASSE[0]]]
    post = app.test_client().post
    responses = [post(path, json={"email": email}) for email in emails]
    assert statuses(responses) == [202, 202, 202, 202, 429]


@pytest.mark.parametrize("path", ["/register", "/reset"])
def test_answer_is_the_same_whether_or_not_there_is_an_account(
    flask, outbox, path, post
):
    known, unknown = post(path, email=ADA), post(path, email=BOB)
    flask("users", "deactivate", ADA)
    deactivated = post(path, email=ADA)
    assert statuses([known, unknown, deactivated]) == [202] * 3
    assert known.data == unknown.data == deactivated.data
    assert len(outbox) == 3


def test_deactivated_account_gets_no_token(confirm, outbox, post, sql, token):
    early = token("reset")
    sql("UPDATE auth_user SET active = :no", no=False)
    assert confirm("reset", early).status_code == 422
    post("/reset", email=ADA)
    assert outbox[-1]["Subject"] == "No account with this e-mail address"
    assert "token" not in outbox[-1].get_content()


@pytest.mark.parametrize("purpose", FIELDS)
def test_token_of_an_email_works_once(auth, confirm, purpose, token):
    used = token(purpose)
    assert confirm(purpose, used).status_code < 300
    access = auth.token(BOB if purpose == "change-email" else ADA)
    again = confirm(purpose, used, access=access)
    assert (again.status_code, [*again.json["errors"]]) == (422, ["token"])


def test_new_address_is_confirmed_by_who_requested_it(auth, confirm, grace, sql, token):
    sent, before = token("change-email"), sql("SELECT email FROM auth_user")
    others = {"": 401, "invented": 401, auth.token(grace): 422}
    responses = [confirm("change-email", sent, access=other) for other in others]
    assert statuses(responses) == [*others.values()]
    assert sql("SELECT email FROM auth_user") == before
    assert confirm("change-email", sent).status_code == 200


def test_new_address_is_not_confirmed_by_a_later_login(auth, confirm, flask, token):
    sent = token("change-email")
    flask("auth", "revoke", ADA)
    response = confirm("change-email", sent, access=auth.token())
    assert response.json["errors"]["token"][0].startswith("The link belongs to another")


END_TOKENS = {
    "password": f"users change_password {ADA} --password a-better-password",
    "deactivated": f"users deactivate {ADA}",
    "revoked": f"auth revoke {ADA}",
    "deleted": f"auth delete-user {ADA} --yes",
}


@pytest.mark.parametrize("command", END_TOKENS.values(), ids=END_TOKENS)
@pytest.mark.parametrize("purpose", ["reset", "change-email"])
def test_token_of_an_email_ends_with_what_it_stands_for(
    confirm, command, flask, purpose, token
):
    early = token(purpose)
    flask(*command.split())
    assert confirm(purpose, early).status_code in (401, 422)


@pytest.mark.parametrize("purpose", FIELDS)
def test_token_of_an_email_ends_by_age(app, confirm, purpose, token):
    sent = token(purpose)
    app.config["ACCOUNT_TOKEN_MAX_AGE"] = timedelta(minutes=-1)
    response = confirm(purpose, sent)
    assert response.status_code == 422
    assert response.json["errors"] == {
        "token": ["The link is invalid or has expired: request a new one."]
    }


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        pytest.param(timedelta(seconds=-3), True, id="clock behind"),
        pytest.param(timedelta(seconds=-7), False, id="clock far behind"),
        pytest.param(timedelta(hours=1, seconds=3), True, id="at the end"),
        pytest.param(timedelta(hours=1, seconds=7), False, id="after the end"),
    ],
)
@pytest.mark.parametrize("purpose", FIELDS)
def test_token_of_an_email_survives_a_small_difference_of_clocks(
    app, confirm, monkeypatch, offset, accepted, package, purpose, token
):
    # Only the token of the email has this age: the caller's own must not end.
    app.config["SECURITY_TOKEN_MAX_AGE"] = timedelta(days=1)
    sent, tokens = token(purpose), package.security.tokens
    now = tokens.utc_now
    load = tokens.load

    def load_later(purpose, *arguments):
        with monkeypatch.context() as patch:
            patch.setattr(tokens, "utc_now", lambda: now() + offset)
            return load(purpose, *arguments)

    monkeypatch.setattr(package.accounts.views, "load", load_later)
    assert (confirm(purpose, sent).status_code < 300) is accepted


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


def test_address_that_is_taken_meanwhile_is_refused(confirm, in_app, package, token):
    sent = token("change-email")
    in_app(package.security.users.create_user, BOB, NEW)
    assert confirm("change-email", sent).json["errors"] == {
        "token": ["Another account has this e-mail address."]
    }


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
    auth, errors, fields, outbox, path, post
):
    access = auth.token()
    response = post(path, access, **fields)
    assert (response.status_code, response.json["errors"].keys()) == (422, errors)
    assert auth.call(access).status_code == 200
    assert not outbox


@pytest.mark.parametrize("path", ["/change", "/change-email"])
def test_wrong_current_password_is_said(auth, path, post):
    fields = {"/change": {"new_password": NEW}, "/change-email": {"email": BOB}}
    response = post(path, auth.token(), password=NEW, **fields[path])
    assert response.json["detail"] == "Some fields are invalid."
    assert response.json["errors"] == {"password": ["The password is wrong."]}


@pytest.mark.parametrize("purpose", ["register", "reset"])
def test_token_outlives_a_refused_password(confirm, purpose, token):
    sent = token(purpose)
    assert confirm(purpose, sent, "short").json["errors"].keys() == {"password"}
    assert confirm(purpose, sent).status_code < 300


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/change", {"password": OLD, "new_password": NEW}),
        ("/change-email", {"password": OLD, "email": BOB}),
    ],
)
def test_change_needs_a_token_of_ones_own(fields, path, post):
    assert post(path, **fields).status_code == 401


PATHS = ["/register", "/reset", "/change", "/change-email"]
PATHS += [f"{path}/confirm" for path in PATHS if path != "/change"]


@pytest.mark.parametrize("path", PATHS)
def test_endpoint_is_for_json_by_post(client, path):
    assert client.get(path).status_code == 405
    assert client.post(path, data={"email": ADA}).status_code == 415
    assert client.post(path, json=[]).status_code == 400
    assert client.post(path, json={}).status_code == 422


def test_every_flow_is_off_unless_set(create_app, settings):
    client = create_app(settings).test_client()
    assert {client.post(path, json={}).status_code for path in PATHS} == {404}


@pytest.mark.parametrize("flow", ["register", "reset", "change", "change-email"])
def test_flow_that_is_on_serves_its_paths_only(create_app, flow, settings):
    client = create_app({**settings, "ACCOUNT_FLOWS": [flow]}).test_client()
    served = {path for path in PATHS if client.get(path).status_code == 405}
    assert served == {f"/{flow}", f"/{flow}/confirm"} & {*PATHS}


@pytest.mark.parametrize("flows", ["register", ["registration"], [1], None])
def test_flow_that_does_not_exist_refuses_to_start(create_app, flows, settings):
    rule = 'must be a list: ["register", "reset", "change", "change-email"], or some'
    with pytest.raises(ClickException) as refusal:
        create_app({**settings, "ACCOUNT_FLOWS": flows})
    assert f"FLASK_ACCOUNT_FLOWS {rule} of these." in refusal.value.message


@pytest.mark.parametrize("age", [59, 0, "1h"])
def test_short_age_of_a_token_refuses_to_start(create_app, age, settings):
    rule = "must be a whole number of seconds, from 60 to "
    with pytest.raises(ClickException, match=f"ACCOUNT_TOKEN_MAX_AGE .*{rule}"):
        create_app({**settings, "ACCOUNT_TOKEN_MAX_AGE": age})


def test_of_many_registrations_at_once_one_creates_the_account(confirm, outbox, post):
    addresses = ["grace@example.com", "Grace@example.com"] * 4
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda email: post("/register", email=email), addresses))
        tokens = [token_in(message) for message in outbox]
        created = list(pool.map(lambda token: confirm("register", token), tokens))
    assert statuses(asked) == [202] * 8
    # 429: the account has its share of the hash queue.
    counts = Counter(statuses(created))
    assert (counts[201], counts[422] + counts[429]) == (1, 7)


def at_the_same_time(act, *words):
    with ThreadPoolExecutor(1) as another:
        return another.submit(act, *words).result()


@pytest.mark.parametrize("purpose", ["reset", "change-email"])
def test_token_that_is_used_meanwhile_is_refused(confirm, engine, purpose, token):
    used, responses = token(purpose), []

    def meanwhile(connection, cursor, statement, *_):
        if statement.startswith("UPDATE auth_") and not responses:
            responses.append(None)
            responses[0] = at_the_same_time(confirm, purpose, used)

    event.listen(engine, "before_cursor_execute", meanwhile)
    responses.append(confirm(purpose, used, f"{NEW} and more"))
    event.remove(engine, "before_cursor_execute", meanwhile)
    assert responses[0].status_code == 200
    assert responses[1].status_code in (401, 422)


@pytest.mark.parametrize("path", ["/reset/confirm", "/change"])
def test_of_two_new_passwords_at_once_one_counts(
    app, auth, monkeypatch, path, post, token
):
    used, access, responses = token("reset"), auth.token(), []
    context = app.extensions["security"].pwd_context
    make_hash = context.hash

    def set_password(new):
        if path == "/change":
            return post(path, access, password=OLD, new_password=new)
        return post(path, token=used, password=new)

    def meanwhile(*words, **options):
        if not responses:
            responses.append(None)
            responses[0] = at_the_same_time(set_password, NEW)
        return make_hash(*words, **options)

    monkeypatch.setitem(vars(context), "hash", meanwhile)
    responses.append(set_password(f"{NEW} and more"))
    assert statuses(responses) == [200, 422]
    assert auth.login(password=NEW).status_code == 200


UNREACHABLE = {"MAIL_BACKEND": "smtp", "MAIL_PORT": 1}


@pytest.fixture
def without_mail(app, make_app):
    """Return a client of an API whose mail server is unreachable."""
    return make_app(**UNREACHABLE).test_client()


@pytest.mark.parametrize("path", ["/register", "/reset"])
def test_unreachable_mail_server_is_503_for_everyone(caplog, path, without_mail):
    caplog.set_level("INFO")
    responses = [without_mail.post(path, json={"email": email}) for email in (ADA, BOB)]
    assert statuses(responses) == [503, 503]
    assert responses[0].data == responses[1].data
    assert {int(response.headers["Retry-After"]) for response in responses} == {30}
    assert "email not sent" in [record.getMessage() for record in caplog.records]
    assert not [record for record in caplog.records if "@" in str(vars(record))]


def test_password_changes_without_the_mail_server(auth, without_mail):
    fields = {"password": OLD, "new_password": NEW}
    response = without_mail.post("/change", json=fields, headers=auth.headers())
    assert response.status_code == 200
    assert auth.login(password=NEW).status_code == 200


PER_ACCOUNT = {"RATELIMIT_ENABLED": True, "EMAIL_RATE_LIMIT_PER_ACCOUNT": "2 per hour"}


@pytest.mark.parametrize("path", ["/register", "/reset"])
@pytest.mark.parametrize("email", [ADA, BOB])
def test_emails_are_limited_by_account_whoever_asks(app, email, make_app, path):
    client = make_app(**PER_ACCOUNT).test_client()
    responses = [
        client.post(
            path, json={"email": email}, environ_base={"REMOTE_ADDR": f"192.0.2.{n}"}
        )
        for n in range(3)
    ]
    assert statuses(responses) == [202, 202, 429]


def test_emails_at_once_do_not_pass_the_limit(app, make_app, monkeypatch, package):
    rates = {"RATELIMIT_ENABLED": True, "EMAIL_RATE_LIMIT_PER_ACCOUNT": "1 per hour"}
    client, others = make_app(**rates).test_client(), []

    def send_later(message):
        others.append(client.post("/reset", json={"email": ADA}))

    monkeypatch.setitem(package.emails.BACKENDS, "memory", send_later)
    assert client.post("/reset", json={"email": ADA}).status_code == 202
    assert statuses(others) == [429]


def test_email_that_cannot_be_sent_counts(make_app):
    client = make_app(**UNREACHABLE, **PER_ACCOUNT).test_client()
    responses = [client.post("/register", json={"email": BOB}) for _ in range(3)]
    assert statuses(responses) == [503, 503, 429]


def test_emails_and_invented_tokens_are_limited_by_network(app, make_app):
    rates = {"EMAIL_RATE_LIMIT_PER_NETWORK": "2 per hour"}
    rates |= {"LOGIN_RATE_LIMIT_PER_NETWORK": "2 per minute", "RATELIMIT_ENABLED": True}
    client = make_app(**rates).test_client()
    emails = [f"user{n}@example.com" for n in range(3)]
    sent = [client.post("/register", json={"email": email}) for email in emails]
    fields = {"token": "invented", "password": NEW}
    invented = [client.post("/reset/confirm", json=fields) for _ in range(3)]
    assert statuses(sent) == [202, 202, 429]
    assert statuses(invented) == [422, 422, 429]


def test_expired_token_is_no_refused_attempt(app, make_app, token):
    fields = {"token": token("reset"), "password": NEW}
    rates = {"LOGIN_RATE_LIMIT_PER_NETWORK": "1 per hour", "RATELIMIT_ENABLED": True}
    client = make_app(**rates).test_client()
    client.application.config["ACCOUNT_TOKEN_MAX_AGE"] = timedelta(minutes=-1)
    responses = [client.post("/reset/confirm", json=fields) for _ in range(3)]
    assert statuses(responses) == [422] * 3


def test_wrong_current_password_counts_like_a_login(app, auth, make_app):
    headers = auth.headers()
    rates = {"LOGIN_RATE_LIMIT_PER_ACCOUNT": "2 per minute", "RATELIMIT_ENABLED": True}
    client = make_app(**rates).test_client()
    fields = {"password": "wrong horse battery", "new_password": NEW}
    responses = [client.post("/change", json=fields, headers=headers) for _ in range(3)]
    assert statuses(responses) == [422, 422, 429]


LIMITS = {
    "RATELIMIT_ENABLED": True,
    "LOGIN_RATE_LIMIT_PER_ACCOUNT": "2 per minute",
    "LOGIN_RATE_LIMIT_PER_NETWORK": "2 per minute",
    "EMAIL_RATE_LIMIT_PER_ACCOUNT": "2 per hour",
    "EMAIL_RATE_LIMIT_PER_NETWORK": "2 per hour",
}
WRONG = "wrong horse battery"
# What a stranger, or whoever has the network, can try until it is refused.
ATTEMPTS = {
    "/login": {"email": ADA, "password": WRONG},
    "/refresh-token": {"refresh_token": "invented"},
    "/register": {"email": ADA},
    "/register/confirm": {"token": "invented", "password": NEW},
    "/reset": {"email": ADA},
    "/reset/confirm": {"token": "invented", "password": NEW},
    "/change": {"password": WRONG, "new_password": NEW},
    "/change-email/confirm": {"token": "invented"},
}


@pytest.fixture
def limited(app, auth, make_app):
    """Return a function that posts as Ada, who is logged in, to an app with limits."""
    client, headers = make_app(**LIMITS).test_client(), auth.headers()
    return lambda path, **fields: client.post(path, json=fields, headers=headers)


@pytest.mark.parametrize("closed", ATTEMPTS)
def test_limit_of_one_flow_closes_no_other(closed, limited):
    refused = [limited(closed, **ATTEMPTS[closed]) for _ in range(3)]
    assert refused[-1].status_code == 429
    others = {path: limited(path, **ATTEMPTS[path]) for path in {*ATTEMPTS} - {closed}}
    assert [path for path, other in others.items() if other.status_code == 429] == []


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/change", {"new_password": NEW}),
        ("/change-email", {"email": BOB}),
    ],
)
def test_who_has_a_session_is_not_locked_out_by_others(fields, limited, path):
    refused = [limited("/login", **ATTEMPTS["/login"]) for _ in range(3)]
    assert statuses(refused) == [401, 401, 429]
    assert limited(path, password=OLD, **fields).status_code in (200, 202)


@pytest.mark.parametrize("purpose", FIELDS)
def test_true_token_passes_a_network_of_attackers(limited, purpose, token):
    sent, path = token(purpose), f"/{purpose}/confirm"
    refused = [limited(path, **ATTEMPTS[path]) for _ in range(3)]
    assert statuses(refused) == [422, 422, 429]
    fields = {**ATTEMPTS[path], "token": sent}
    assert limited(path, **fields).status_code in (200, 201)


def test_refused_new_passwords_are_counted(app, auth, make_app):
    rates = {"HASH_RATE_LIMIT_PER_ACCOUNT": "2 per minute", "RATELIMIT_ENABLED": True}
    client, headers = make_app(**rates).test_client(), auth.headers()
    fields = {"password": OLD, "new_password": "short"}
    responses = [client.post("/change", json=fields, headers=headers) for _ in range(3)]
    assert statuses(responses) == [422, 422, 429]


def test_link_is_made_of_the_setting_alone(app, client, outbox):
    client.post("/reset", json={"email": ADA}, headers={"Host": "evil.example"})
    content = outbox[0].get_content()
    assert "https://app.example.com/reset/confirm#token=" in content
    assert "evil" not in content
    app.config["FRONT_END_URL"] = ""
    client.post("/reset", json={"email": ADA}, headers={"Host": "evil.example"})
    assert "POST /reset/confirm takes this token: " in outbox[1].get_content()


@pytest.mark.parametrize("local", ["zoë", "o'hara", "a+b", "=?utf-8?q?a?="])
def test_odd_address_is_written_to_or_refused(client, local):
    response = client.post("/register", json={"email": f"{local}@example.com"})
    assert response.status_code in (202, 422)


@pytest.mark.parametrize(
    ("purpose", "event"),
    [
        ("register", "account created"),
        ("reset", "password changed"),
        ("change-email", "email changed"),
    ],
)
def test_change_of_an_account_is_logged_without_the_address(
    caplog, confirm, event, purpose, token
):
    sent = token(purpose)
    caplog.set_level("INFO")
    confirm(purpose, sent)
    (record,) = [record for record in caplog.records if hasattr(record, "event")]
    assert (record.event, type(record.user)) == (event, int)
    assert "@" not in str(vars(record))
