"""Send emails. Their texts are in templates.toml."""

import smtplib
import ssl
import tomllib
from contextlib import closing, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses, localtime, make_msgid
from pathlib import Path
from string import Template
from typing import Any

import click
from email_validator import validate_email
from flask import Flask, current_app
from werkzeug.exceptions import ServiceUnavailable

from ..database import db
from ..logs import audit
from ..settings import ConfigurationError

TEMPLATES = Path(__file__).with_name("templates.toml")
EMAIL_RETRY_AFTER = 30  # seconds


def init_app(app: Flask) -> None:
    """Check the settings of the mail server together."""
    if app.config["MAIL_USE_TLS"] and app.config["MAIL_USE_SSL"]:
        raise ConfigurationError(
            "Set FLASK_MAIL_USE_TLS or FLASK_MAIL_USE_SSL, not both."
        )
    try:
        parse_sender(app.config["MAIL_DEFAULT_SENDER"])
    except ValueError as error:
        raise ConfigurationError(f"FLASK_MAIL_DEFAULT_SENDER {error}.") from None
    app.extensions["outbox"] = []


def send_email(template: str, recipient: str, **values: object) -> None:
    """Send an email now, or raise ServiceUnavailable (503).

    `template` is a section of templates.toml, `values` what its body names.
    """
    # The mail server may be slow: others can use the database connection meanwhile.
    db.session.rollback()
    try:
        message = compose_message(template, recipient, values)
        BACKENDS[current_app.config["MAIL_BACKEND"]](message)
    except (OSError, ValueError) as error:  # smtplib's errors are OSErrors
        audit("email not sent", template=template, reason=type(error).__name__)
        detail = (
            "The email cannot be sent now, and nothing has changed. Try again later."
        )
        raise ServiceUnavailable(detail, retry_after=EMAIL_RETRY_AFTER) from None


def notify(template: str, recipient: str) -> None:
    """Send an email about a change; the change stands if the email cannot be sent."""
    with suppress(ServiceUnavailable):
        send_email(template, recipient)


def compose_message(
    template: str, recipient: str, values: dict[str, object]
) -> EmailMessage:
    """Write an email. A recipient that no mail server takes is a ValueError."""
    text = tomllib.loads(TEMPLATES.read_text("utf-8"))[template]
    message = EmailMessage()
    message["Subject"] = text["subject"]
    message["From"] = sender = parse_sender(current_app.config["MAIL_DEFAULT_SENDER"])
    message["To"] = to_ascii(recipient)
    message["Date"] = localtime()
    message["Message-ID"] = make_msgid(domain=sender.domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic replies
    message.set_content(Template(text["body"]).substitute(values))
    return message


def to_ascii(address: str) -> str:
    """Return an address with its domain in ASCII, or raise EmailNotValidError."""
    # The form of IDNA 2008: that of IDNA 2003, in smtplib, can be another domain.
    found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    return str(found.ascii_email)


def parse_sender(text: str) -> Address:
    """Return the sender, its domain in ASCII, or raise ValueError with the rule."""
    try:
        ((name, address),) = getaddresses([text])
        if not address.isascii():
            address = to_ascii(address)
        return Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        rule = "must be one e-mail address: noreply@example.com or API <noreply@...>"
        raise ValueError(rule) from None


def send_by_smtp(message: EmailMessage) -> None:
    """Send through MAIL_SERVER. With TLS, its certificate must be valid."""
    config = current_app.config
    options: dict[str, Any] = {
        "host": config["MAIL_SERVER"],
        "port": config["MAIL_PORT"],
        "timeout": config["MAIL_TIMEOUT"],
    }
    with closing(
        smtplib.SMTP_SSL(**options, context=ssl.create_default_context())
        if config["MAIL_USE_SSL"]
        else smtplib.SMTP(**options)
    ) as server:
        if config["MAIL_USE_TLS"]:
            server.starttls(context=ssl.create_default_context())
        if config["MAIL_USERNAME"]:
            server.login(config["MAIL_USERNAME"], config["MAIL_PASSWORD"])
        server.send_message(message)
        with suppress(OSError):  # the server has taken the email already
            server.quit()


def print_on_console(message: EmailMessage) -> None:
    """Print the email where the server runs, for a try."""
    click.echo(f"To: {message['To']}\nSubject: {message['Subject']}\n")
    click.echo(message.get_content())


def keep_in_memory(message: EmailMessage) -> None:
    """Keep the email in app.extensions["outbox"], for tests."""
    current_app.extensions["outbox"].append(message)


BACKENDS = {
    "smtp": send_by_smtp,
    "console": print_on_console,
    "memory": keep_in_memory,
}
