"""E-mail addresses: each has one form, which is stored, compared and counted."""

from functools import partial

from email_validator import EmailNotValidError, validate_email
from flask_security import EmailValidateException, MailUtil

# The syntax is checked: asking DNS would fail offline. Before the @ an address is
# ASCII: few mail servers take others.
validate = partial(validate_email, check_deliverability=False, allow_smtputf8=False)


def normalize(email: str) -> str:
    """Return an e-mail address in lower case, its domain in ASCII (IDNA 2008).

    Raises ValueError (EmailNotValidError) if it is invalid.
    """
    return str(validate(email).ascii_email).lower()


def to_unicode(email: str) -> str:
    """Return a normalised e-mail address as people read it."""
    return validate(email).normalized if "xn--" in email else email


class EmailRules(MailUtil):
    """Makes the library use the same form. It sends no emails."""

    def normalize(self, email: str) -> str:
        """Return the form, or raise EmailValidateException."""
        try:
            return normalize(email)
        except EmailNotValidError as error:
            raise EmailValidateException(str(error)) from None

    validate = normalize
