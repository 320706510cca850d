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

SECURITY_PASSWORD_LENGTH_MIN = 12

# --- Tokens ------------------------------------------------------------------

# A stolen token is of use this long. A number here means seconds.
SECURITY_TOKEN_MAX_AGE = timedelta(minutes={{cookiecutter.access_token_minutes}})

# POST /login gives the token without being asked for it in the URL.
SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN = True

# HTTP Basic with every request: handy in a browser, a password on every line.
HTTP_BASIC_AUTH = False

# --- Answers -----------------------------------------------------------------

# A refused login never tells whether the account exists.
SECURITY_RETURN_GENERIC_RESPONSES = True

# No cookie, so nothing for cross-site request forgery to ride on.
WTF_CSRF_ENABLED = False

# No cache may keep an answer that carries a token.
SECURITY_CACHE_CONTROL = {"private": None, "no-store": None}

# --- What this API does not serve: pages, a static folder, sessions -----------

SECURITY_FLASH_MESSAGES = False
SECURITY_STATIC_FOLDER = None
SECURITY_LOGOUT_METHODS = None
SECURITY_FRESHNESS = timedelta(minutes=-1)

# --- Accounts ----------------------------------------------------------------

# last_login_at, current_login_at, their addresses, login_count.
SECURITY_TRACKABLE = True
SECURITY_DATETIME_FACTORY = utc_now

# Addresses are checked for their form. Asking DNS would fail offline.
SECURITY_EMAIL_VALIDATOR_ARGS = {"check_deliverability": False}
