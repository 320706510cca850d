"""How mail leaves: Flask-Mailman's way, but to the server alone that is meant.

After STARTTLS the extension takes any certificate, so that whoever stands between
could read a token. MAIL_BACKEND names this module.
"""

import smtplib
import ssl
from typing import Any

from flask_mailman.backends import smtp


class VerifiedSMTP(smtplib.SMTP):
    """Looks at the certificate, and whether it is the server's."""

    def starttls(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Encrypt from here on, or raise ssl.SSLError."""
        return super().starttls(context=ssl.create_default_context())


class EmailBackend(smtp.EmailBackend):
    """Sends by SMTP."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """With MAIL_USE_SSL the extension looks at the certificate itself."""
        return smtplib.SMTP_SSL if self.use_ssl else VerifiedSMTP
