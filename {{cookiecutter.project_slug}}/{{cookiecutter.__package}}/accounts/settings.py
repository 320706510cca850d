"""Settings of the account flows: docs/accounts.md."""

from datetime import timedelta

from ..settings import rules

# What users may do themselves. Every flow is off until it is named.
ACCOUNT_FLOWS = rules.list_of(
    "register|reset|change|change-email",
    '["register", "reset", "change", "change-email"], or some of these',
)

# Links in emails lead there: that page sends the token to this API.
FRONT_END_URL = rules.text("")

# A token in an email can be used this long, and once.
ACCOUNT_TOKEN_MAX_AGE = rules.duration(timedelta(hours=1), minimum=60)

# Emails requested: from one client network, and to one address from anywhere.
EMAIL_RATE_LIMIT_PER_NETWORK = rules.rate("20 per hour")
EMAIL_RATE_LIMIT_PER_ACCOUNT = rules.rate("5 per hour")
