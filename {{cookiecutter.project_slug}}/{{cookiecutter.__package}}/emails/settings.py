"""Settings of the mail server."""

from ..settings import rules

# "console" prints emails on standard output, for a try; "memory" keeps them, for tests.
MAIL_BACKEND = rules.one_of("smtp", ["smtp", "console", "memory"])

MAIL_SERVER = rules.text("localhost")
MAIL_PORT = rules.whole_number(25, minimum=1)
MAIL_USERNAME = rules.text("")
MAIL_PASSWORD = rules.text("")
MAIL_DEFAULT_SENDER = rules.text("noreply@localhost")

# STARTTLS, as on port 587; or TLS from the first byte, as on port 465.
MAIL_USE_TLS = rules.boolean(False)
MAIL_USE_SSL = rules.boolean(False)

# Seconds that a request waits for each step of the mail server, before it is 503.
MAIL_TIMEOUT = rules.whole_number(5, minimum=1)
