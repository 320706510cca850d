"""Letters: what this API says by e-mail. Each text is a file beside this one."""

from contextlib import suppress
from pathlib import Path
from string import Template

from flask import Flask, current_app
from flask_mailman import EmailMessage, Mail
from werkzeug.exceptions import ServiceUnavailable

from ...database import db
from ...logs import audit

TEXTS = Path(__file__).parent
RETRY_SECONDS = 30


def init_app(app: Flask) -> None:
    """Send by the server that MAIL_SERVER names."""
    Mail(app).get_connection()  # raises if the settings contradict each other


def send(kind: str, address: str, token: str = "") -> None:
    """Send a letter now, or raise ServiceUnavailable (503)."""
    age = current_app.config["ACCOUNT_TOKEN_MAX_AGE"].total_seconds()
    words = {"link": _link(kind, token), "minutes": int(age // 60)}
    # The mail server may take its time: nobody waits for the connection meanwhile.
    db.session.rollback()
    text = Template((TEXTS / f"{kind}.txt").read_text("utf-8")).substitute(words)
    subject, _, body = text.partition("\n\n")
    try:
        EmailMessage(subject, body, to=[address]).send()
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
