"""Emails: what is in them, and by which way they are sent."""

import smtplib
import ssl
import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from string import Template
from unittest.mock import create_autospec

import pytest
from click import ClickException
from werkzeug.exceptions import ServiceUnavailable

from tests.conftest import EMAIL, PACKAGE

emails = PACKAGE.emails
TEMPLATES = tomllib.loads(emails.TEMPLATES.read_text("utf-8"))
VALUES = {"link": "https://app.example.com/reset#token=a.b", "minutes": 60}


@pytest.fixture
def send(app, in_app):
    """Return a function that sends an email, with some settings changed."""

    def send(recipient=EMAIL, template="reset", **settings):
        app.config.update({"MAIL_BACKEND": "memory", **settings})
        in_app(emails.send_email, template, recipient, **VALUES)

    return send


@pytest.fixture
def outbox(app):
    """Return the emails that the backend "memory" has kept."""
    outbox = app.extensions["outbox"]
    outbox.clear()
    return outbox


def test_email_has_the_headers_of_an_email(outbox, send):
    send(MAIL_DEFAULT_SENDER="API <api@example.org>")
    (message,) = outbox
    assert message["From"] == "API <api@example.org>"
    assert message["To"] == EMAIL
    assert message["Subject"] == TEMPLATES["reset"]["subject"]
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Auto-Submitted"] == "auto-generated"
    age = datetime.now(UTC) - parsedate_to_datetime(message["Date"])
    assert timedelta(seconds=-2) < age < timedelta(minutes=1)


def test_two_emails_have_two_ids(outbox, send):
    send()
    send()
    assert len({message["Message-ID"] for message in outbox}) == 2


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_is_filled_with_a_link_and_minutes(outbox, send, template):
    send(template=template)
    content = outbox[0].get_content()
    names = Template(TEMPLATES[template]["body"]).get_identifiers()
    assert set(names) in (set(), {"link", "minutes"})
    assert "$" not in content
    assert (VALUES["link"] in content.split()) is ("link" in names)
    assert outbox[0]["Subject"]


@pytest.mark.parametrize(
    "recipient", ["ada@stra\u00dfe.example", "ada@xn--strae-oqa.example"]
)
def test_recipient_is_written_in_ascii(outbox, recipient, send):
    send(recipient)
    assert outbox[0]["To"] == "ada@xn--strae-oqa.example"


def test_no_connection_to_the_database_is_held_meanwhile(
    app, engine, in_app, monkeypatch, package
):
    held = []
    app.config["MAIL_BACKEND"] = "memory"
    record = lambda message: held.append(engine.pool.checkedout())  # noqa: E731
    monkeypatch.setitem(emails.BACKENDS, "memory", record)

    def look_up_and_send():
        package.security.users.find_user_by_email(EMAIL)
        emails.send_email("unknown", EMAIL)

    in_app(look_up_and_send)
    assert held == [0]


def test_console_shows_the_email(capsys, outbox, send):
    send(MAIL_BACKEND="console")
    shown = capsys.readouterr().out
    assert shown.startswith(f"To: {EMAIL}\nSubject: Reset your password\n")
    assert VALUES["link"] in shown
    assert outbox == []


# --- A mail server ------------------------------------------------------------


@pytest.fixture
def send_by_smtp(mail_server, send):
    """Return a function that sends an email to the mail server."""
    port = mail_server.server_address[1]
    smtp = {"MAIL_BACKEND": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": port}
    return lambda recipient=EMAIL, **settings: send(recipient, **smtp, **settings)


def test_mail_server_gets_the_email(mail_server, send_by_smtp):
    send_by_smtp(MAIL_DEFAULT_SENDER="API <api@example.org>")
    (message,) = mail_server.messages
    assert message["To"] == EMAIL
    assert VALUES["link"] in message.get_content().split()
    assert mail_server.lines[1:] == [
        "MAIL FROM:<API@EXAMPLE.ORG>",
        f"RCPT TO:<{EMAIL.upper()}>",
        "DATA",
        "QUIT",
    ]


def test_email_that_was_taken_is_sent_though_the_server_hangs_up(
    mail_server, send_by_smtp
):
    mail_server.replies["QUIT"] = ""
    send_by_smtp()
    assert len(mail_server.messages) == 1


# Code points that IDNA 2003 and IDNA 2008 take for different domains.
SPELLINGS = [
    pytest.param("stra\u00dfe.de", "xn--strae-oqa.de", id="sharp s"),
    pytest.param("STRA\u1e9eE.de", "xn--strae-oqa.de", id="capital sharp s"),
    pytest.param("fa\u00df.xn--strae-oqa.de", "xn--fa-hia.xn--strae-oqa.de", id="both"),
    pytest.param("\u03b1\u03c2.gr", "xn--mxa8a.gr", id="final sigma"),
    pytest.param("\u13a0\u13a1.com", "xn--58dc.com", id="Cherokee"),
    pytest.param("a\u1160b.de", "ab.de", id="filler"),
    pytest.param("\u3072.jp", "xn--y9j.jp", id="Hiragana"),
    pytest.param("\uff41b\uff0ede", "ab.de", id="full width"),
]


@pytest.mark.parametrize(("written", "ascii_form"), SPELLINGS)
def test_mail_server_gets_the_form_that_identifies_an_account(
    in_app, mail_server, package, written, ascii_form, send_by_smtp
):
    form = in_app(package.security.users.require_email, f"Ada@{written}")
    assert form == f"ada@{ascii_form}"
    send_by_smtp(form)
    send_by_smtp(f"ada@{written}")
    assert mail_server.messages[0]["To"] == mail_server.messages[1]["To"] == form
    recipients = [line for line in mail_server.lines if line.startswith("RCPT")]
    assert recipients == [f"RCPT TO:<{form.upper()}>"] * 2


@pytest.mark.parametrize(("written", "ascii_form"), SPELLINGS)
def test_sender_has_the_same_form_of_its_domain(
    mail_server, written, ascii_form, send_by_smtp
):
    send_by_smtp(MAIL_DEFAULT_SENDER=f"Zo\u00eb <api@{written}>")
    (message,) = mail_server.messages
    assert message["From"] == f"Zo\u00eb <api@{ascii_form}>"
    assert message["Message-ID"].endswith(f"@{ascii_form}>")
    assert mail_server.lines[1] == f"MAIL FROM:<API@{ascii_form.upper()}>"


@pytest.mark.parametrize(
    "sender",
    [
        pytest.param("", id="empty"),
        pytest.param("API", id="no address"),
        pytest.param("api@", id="no domain"),
        pytest.param("api@example..com", id="two dots"),
        pytest.param("api@example.com, bob@example.com", id="two"),
        pytest.param("api@example.com\nBcc: bob@example.com", id="another header"),
        pytest.param("zo\u00eb@example.com", id="not ASCII before the @"),
        pytest.param("api@a\u2260\u200db.de", id="no domain of IDNA 2008"),
    ],
)
def test_sender_that_is_no_address_refuses_to_start(create_app, sender, settings):
    with pytest.raises(ClickException, match="FLASK_MAIL_DEFAULT_SENDER must be one"):
        create_app({**settings, "MAIL_DEFAULT_SENDER": sender})


REFUSALS = {
    "refused address": {"RCPT": "550 No such mailbox"},
    "refused email": {"DATA": "554 Spam"},
    "hung up": {"MAIL": ""},
}


@pytest.mark.parametrize("replies", REFUSALS.values(), ids=REFUSALS)
def test_email_that_is_refused_is_503_and_logged(
    caplog, mail_server, replies, send_by_smtp
):
    caplog.set_level("INFO")
    mail_server.replies.update(replies)
    with pytest.raises(ServiceUnavailable, match="cannot be sent now") as refusal:
        send_by_smtp()
    assert refusal.value.retry_after == 30
    (record,) = [record for record in caplog.records if hasattr(record, "event")]
    assert (record.event, record.template) == ("email not sent", "reset")
    assert "@" not in str(vars(record))


def test_mail_server_without_starttls_gets_no_email(mail_server, send_by_smtp):
    with pytest.raises(ServiceUnavailable):
        send_by_smtp(MAIL_USE_TLS=True)
    assert mail_server.messages == []


@pytest.mark.parametrize(
    "recipient",
    [
        pytest.param("nobody", id="no address"),
        pytest.param(f"{EMAIL}\nBcc: bob@example.com", id="another header"),
        pytest.param(f"{EMAIL}\r\nRCPT TO:<bob@example.com>", id="another command"),
        pytest.param(f"{EMAIL}, bob@example.com", id="two"),
    ],
)
def test_what_is_no_address_gets_no_email(mail_server, recipient, send_by_smtp):
    with pytest.raises(ServiceUnavailable):
        send_by_smtp(recipient)
    assert mail_server.messages == []


def test_notification_that_cannot_be_sent_is_no_error(app, caplog, in_app):
    caplog.set_level("INFO")
    app.config.update(MAIL_BACKEND="smtp", MAIL_PORT=1)
    in_app(emails.notify, "password-changed", EMAIL)
    assert [record.getMessage() for record in caplog.records] == ["email not sent"]


# --- TLS and login ------------------------------------------------------------


@pytest.fixture
def fake_smtp(monkeypatch):
    """Put a fake in the place of smtplib's client, and return it."""
    smtp = create_autospec(smtplib.SMTP)
    monkeypatch.setattr("smtplib.SMTP", smtp)
    return smtp


@pytest.fixture
def fake_smtp_ssl(monkeypatch):
    """Put a fake in the place of smtplib's client with TLS, and return it."""
    smtp_ssl = create_autospec(smtplib.SMTP_SSL)
    monkeypatch.setattr("smtplib.SMTP_SSL", smtp_ssl)
    return smtp_ssl


def calls_of(smtp):
    return [name for name, *_ in smtp.return_value.method_calls]


def test_email_is_sent_after_starttls_and_login(fake_smtp, send):
    login = {"MAIL_USERNAME": "api", "MAIL_PASSWORD": "a password"}
    send(MAIL_BACKEND="smtp", MAIL_USE_TLS=True, MAIL_TIMEOUT=3, **login)
    calls = ["starttls", "login", "send_message", "quit", "close"]
    assert calls_of(fake_smtp) == calls
    fake_smtp.return_value.login.assert_called_once_with("api", "a password")
    assert fake_smtp.call_args.kwargs["timeout"] == 3


def test_without_a_username_there_is_no_login(fake_smtp, send):
    send(MAIL_BACKEND="smtp")
    assert calls_of(fake_smtp) == ["send_message", "quit", "close"]


@pytest.mark.parametrize("setting", ["MAIL_USE_TLS", "MAIL_USE_SSL"])
def test_mail_server_has_to_show_its_certificate(
    fake_smtp, fake_smtp_ssl, send, setting
):
    send(MAIL_BACKEND="smtp", **{setting: True})
    calls = fake_smtp.return_value.starttls.mock_calls + fake_smtp_ssl.call_args_list
    (context,) = [call.kwargs["context"] for call in calls]
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_tls_from_the_first_byte_needs_no_starttls(fake_smtp, fake_smtp_ssl, send):
    send(MAIL_BACKEND="smtp", MAIL_USE_SSL=True)
    assert calls_of(fake_smtp_ssl) == ["send_message", "quit", "close"]
    assert not fake_smtp.called


@pytest.mark.parametrize("step", ["starttls", "login"])
def test_nothing_is_sent_if_a_step_before_fails(fake_smtp, send, step):
    getattr(fake_smtp.return_value, step).side_effect = ssl.SSLError
    settings = {"MAIL_USE_TLS": True, "MAIL_USERNAME": "api"}
    with pytest.raises(ServiceUnavailable):
        send(MAIL_BACKEND="smtp", **settings)
    assert "send_message" not in calls_of(fake_smtp)
    assert calls_of(fake_smtp)[-1] == "close"


# --- Settings -----------------------------------------------------------------


def test_two_kinds_of_tls_refuse_to_start(create_app, settings):
    with pytest.raises(ClickException) as refusal:
        create_app({**settings, "MAIL_USE_TLS": True, "MAIL_USE_SSL": True})
    assert refusal.value.message == (
        "Set FLASK_MAIL_USE_TLS or FLASK_MAIL_USE_SSL, not both."
    )


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("MAIL_BACKEND", "sendmail", "must be one of: smtp, console, memory"),
        ("MAIL_PORT", "smtp", "must be a whole number, 1 or more"),
        ("MAIL_PORT", 0, "must be a whole number, 1 or more"),
        ("MAIL_PASSWORD", 12345678, "must be text"),
        ("MAIL_TIMEOUT", 0, "must be a whole number, 1 or more"),
        ("MAIL_USE_TLS", "yes", "must be true or false"),
    ],
)
def test_setting_of_the_wrong_kind_refuses_to_start(
    create_app, name, problem, settings, value
):
    with pytest.raises(ClickException) as refusal:
        create_app({**settings, name: value})
    assert f"  FLASK_{name} {problem}." in refusal.value.message
