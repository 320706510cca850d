"""Settings of the service of breached passwords."""

from ..settings import rules

# A service of breached passwords: "https://api.pwnedpasswords.com/range". It gets the
# first 20 bits of a digest. Without an answer in time (seconds) the password is taken.
PASSWORD_BREACH_URL = rules.text("")
PASSWORD_BREACH_TIMEOUT = rules.whole_number(2, minimum=1)
