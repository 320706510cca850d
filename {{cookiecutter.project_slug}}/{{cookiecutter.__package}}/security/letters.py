"""Letters: what this API says by e-mail."""

import tomllib
from contextlib import suppress
from pathlib import Path
from string import Template

from flask import Flask, current_app
from flask_mailman import EmailMessage, Mail
from werkzeug.exceptions import ServiceUnavailable

from ..database import db
from ..logs import audit
from . import mail

TEXTS = Path(__file__).with_suffix(".toml")
RETRY_SECONDS = 30


def init_app(app: Flask) -> None:
    """Send by the server that MAIL_SERVER names."""
    if app.config["MAIL_BACKEND"] == "smtp":  # the extension's own
        app.config["MAIL_BACKEND"] = mail.__name__
    Mail(app).get_connection()  # raises if the settings contradict each other


def send(kind: str, address: str, token: str = "") -> None:
    """Send a letter now, or raise ServiceUnavailable (503)."""
    age = current_app.config["ACCOUNT_TOKEN_MAX_AGE"].total_seconds()
    words = {"link": _link(kind, token), "minutes": int(age // 60)}
    # The mail server may take its time: nobody waits for the connection meanwhile.
    db.session.rollback()
    text = tomllib.loads(TEXTS.read_text("utf-8"))[kind]
    body = Template(text["body"]).substitute(words)
    try:
        EmailMessage(text["subject"], body, to=[address]).send()
    except (OSError, ValueError) as error:  # what smtplib raises is an OSError
        audit("letter not sent", letter=kind, reason=type(error).__name__)
        detail = "The letter cannot be sent now. Nothing has changed."
        raise ServiceUnavailable(detail, retry_after=RETRY_SECONDS) from None


def tell(kind: str, address: str) -> None:
    """Tell of what is done: that a letter cannot be sent does not undo it."""
    with suppress(ServiceUnavailable):
        send(kind, address)


def _link(kind: str, token: str) -> str:
    # Of the setting alone: a client can write the Host header. What is behind the #
    # reaches no server, no log and no Referer.
    if front_end := current_app.config["FRONT_END_URL"]:
        return f"{front_end}/{kind}/confirm#token={token}"
    return f"POST /{kind}/confirm takes this token: {token}"
