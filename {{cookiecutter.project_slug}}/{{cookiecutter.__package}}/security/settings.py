"""Flask-Security's settings, each with its reason. Any FLASK_NAME overrides NAME."""

from datetime import timedelta

from ..database import utc_now

# --- Passwords ---------------------------------------------------------------

# Makes new hashes. The others still verify, and are replaced at the next login.
SECURITY_PASSWORD_HASH = "{{ cookiecutter.password_hash }}"
SECURITY_PASSWORD_SCHEMES = ["argon2", "bcrypt", "pbkdf2_sha512"]

# OWASP Password Storage Cheat Sheet, or above. Explicit, so that an upgrade of a
# library changes no cost, and a raised cost rehashes at the next login.
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = {
    "argon2__type": "id",
    "argon2__memory_cost": 19 * 1024,  # KiB
    "argon2__time_cost": 2,
    "argon2__parallelism": 1,
    "bcrypt__rounds": 12,
    "pbkdf2_sha512__rounds": 220_000,
}

# Every hash is over an HMAC with the salt: a stolen table alone cannot be guessed at.
SECURITY_PASSWORD_SINGLE_HASH = False

# NIST SP 800-63B-4, section 3.1.1.2: the password is the only factor.
SECURITY_PASSWORD_LENGTH_MIN = 15

# Asked whether a new password is known from a breach, without being told it:
# "https://api.pwnedpasswords.com/range". Without an answer in time it is taken.
PASSWORD_BREACH_URL = ""
PASSWORD_BREACH_SECONDS = 2

# --- Tokens ------------------------------------------------------------------

# A stolen token is of use this long. A number here means seconds.
SECURITY_TOKEN_MAX_AGE = timedelta(minutes={{cookiecutter.access_token_minutes}})

# A session ends this long after its login, or when it is not renewed for so long.
SECURITY_REFRESH_TOKEN = True
SECURITY_REFRESH_TOKEN_MAX_AGE = timedelta(days=30)
SECURITY_REFRESH_TOKEN_MAX_IDLE = timedelta(days=7)

# Refresh tokens travel in JSON, like the rest.
SECURITY_REFRESH_TOKEN_COOKIE_NAME = None

# POST /login gives the token without being asked for it in the URL.
SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN = True

# HTTP Basic with every request: handy in a browser, a password on every line.
HTTP_BASIC_AUTH = False

# --- Guessing ----------------------------------------------------------------

# Refused attempts: from one network, and at one account from anywhere. Several rates
# may be given: "10 per minute; 50 per hour".
LOGIN_LIMIT_PER_ADDRESS = "30 per minute"
LOGIN_LIMIT_PER_ACCOUNT = "10 per minute"

# Each process counts for itself; redis://... has them count together.
RATELIMIT_STORAGE_URI = "memory://"

# What else the client of Redis is told: {"ssl_ca_certs": "/etc/ssl/redis.pem"}.
RATELIMIT_STORAGE_OPTIONS: dict[str, object] = {}

# False where something in front of the app counts instead.
RATELIMIT_ENABLED = True

# In each process. A hash takes 19 MiB (argon2) and a core: with a process for each
# core, more at a time would only wait for each other, and everyone else for them.
HASHES_AT_ONCE = 1

# --- Answers -----------------------------------------------------------------

# A refused login never tells whether the account exists.
SECURITY_RETURN_GENERIC_RESPONSES = True

# No cookie, so nothing for cross-site request forgery to ride on.
WTF_CSRF_ENABLED = False

# headers.py says it for every answer.
SECURITY_CACHE_CONTROL = None

# --- What this API does not serve: pages, a static folder, sessions -----------

SECURITY_FLASH_MESSAGES = False
SECURITY_STATIC_FOLDER = None
SECURITY_LOGOUT_METHODS = None
SECURITY_FRESHNESS = timedelta(minutes=-1)

# --- Accounts ----------------------------------------------------------------

# last_login_at, current_login_at, their addresses, login_count.
SECURITY_TRACKABLE = True
SECURITY_DATETIME_FACTORY = utc_now

# Addresses are checked for their form. Asking DNS would fail offline. Before the @ they
# are ASCII: few mail servers take others, and databases differ about their case.
SECURITY_EMAIL_VALIDATOR_ARGS = {
    "check_deliverability": False,
    "allow_smtputf8": False,
}

# --- Accounts that their users manage: docs/accounts.md ----------------------

# What users do for themselves: "register", "reset", "change", "change-email".
ACCOUNTS: list[str] = []

# Letters lead there: it has the pages, and gives the token to this API.
FRONT_END_URL = ""

# A token in a letter is of use this long, and once.
ACCOUNT_TOKEN_MAX_AGE = timedelta(hours=1)

# Letters asked for: from one network, and to one address from anywhere.
LETTER_LIMIT_PER_ADDRESS = "20 per hour"
LETTER_LIMIT_PER_ACCOUNT = "5 per hour"

MAIL_BACKEND = f"{__package__}.mail"
MAIL_SERVER = "localhost"
MAIL_PORT = 25
MAIL_DEFAULT_SENDER = "noreply@localhost"

# A request waits so long for each step of the mail server, and then is 503.
MAIL_TIMEOUT = 5
