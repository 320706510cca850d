"""Settings of Flask-Security and of this package, each with its reason."""

from datetime import timedelta

from ..database import utc_now
from ..settings import rules

# --- Passwords ---------------------------------------------------------------

# One makes new hashes. The others still verify, and are replaced at the next login.
SECURITY_PASSWORD_SCHEMES = ["argon2", "bcrypt", "pbkdf2_sha512"]
chosen = "{{ cookiecutter.password_hash }}"
SECURITY_PASSWORD_HASH = rules.one_of(chosen, SECURITY_PASSWORD_SCHEMES)

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

# Each hash is over an HMAC with the salt: without the salt, a stolen table is useless
# for an offline attack.
SECURITY_PASSWORD_SINGLE_HASH = rules.switched_off("bcrypt reads 72 bytes only")
SECURITY_PASSWORD_SALT = rules.secret()

# NIST SP 800-63B-4, section 3.1.1.2: the password is the only factor.
SECURITY_PASSWORD_LENGTH_MIN = rules.whole_number(15, minimum=12)

# Rules of the library, which PasswordRules replaces.
library_rule = rules.switched_off("add a rule to the extension point password_rules")
SECURITY_PASSWORD_CHECK_BREACHED = SECURITY_PASSWORD_COMPLEXITY_CHECKER = library_rule

# Hashed at a time, in each process. A hash takes 19 MiB (argon2) and a core: with one
# process for each core, more would only delay each other and all other requests.
MAX_CONCURRENT_HASHES = rules.whole_number(1, minimum=1)

# --- Tokens and sessions -----------------------------------------------------

# A stolen token can be used this long. A number in the environment means seconds.
access_token_age = timedelta(minutes={{cookiecutter.access_token_minutes}})
SECURITY_TOKEN_MAX_AGE = rules.duration(access_token_age)

# A session ends this long after its login, or when it is not refreshed for so long.
SECURITY_REFRESH_TOKEN_MAX_AGE = rules.duration(timedelta(days=30))
SECURITY_REFRESH_TOKEN_MAX_IDLE = rules.duration(timedelta(days=7))

# The clocks of several machines may differ so much, in seconds, in either direction.
CLOCK_SKEW = rules.duration(timedelta(seconds=5), minimum=0)

# --- Rate limits, against brute force ----------------------------------------

# Refused attempts: from one client network, and at one account from anywhere. Several
# rates may be given: "10 per minute; 50 per hour".
LOGIN_RATE_LIMIT_PER_NETWORK = rules.rate("30 per minute")
LOGIN_RATE_LIMIT_PER_ACCOUNT = rules.rate("10 per minute")

# Passwords that are hashed, also for accepted attempts: each takes time of a core.
HASH_RATE_LIMIT_PER_NETWORK = rules.rate("300 per minute")
HASH_RATE_LIMIT_PER_ACCOUNT = rules.rate("60 per minute")

# Requests of one user that may change something, so that nobody fills the disk.
WRITE_RATE_LIMIT_PER_USER = rules.rate("120 per minute")

# In memory each process counts for itself; redis://... makes them count together.
RATELIMIT_STORAGE_URI = rules.text("memory://")

# More options for the Redis client: {"ssl_ca_certs": "/etc/ssl/redis.pem"}.
RATELIMIT_STORAGE_OPTIONS = rules.mapping({"db": 1})

# False where a proxy in front of the app limits the attempts.
RATELIMIT_ENABLED = rules.boolean(True)

# --- Flask-Security ----------------------------------------------------------

SECURITY_DATETIME_FACTORY = utc_now

# There is no cookie, so cross-site request forgery (CSRF) is not possible.
WTF_CSRF_ENABLED = False

# Its views are not served.
html_flow = rules.switched_off("it serves HTML pages without rate limits")
SECURITY_CHANGEABLE = SECURITY_CHANGE_EMAIL = SECURITY_CONFIRMABLE = html_flow
SECURITY_PASSWORDLESS = SECURITY_RECOVERABLE = SECURITY_REGISTERABLE = html_flow
SECURITY_TWO_FACTOR = SECURITY_UNIFIED_SIGNIN = SECURITY_WEBAUTHN = html_flow
SECURITY_USERNAME_RECOVERY = html_flow
