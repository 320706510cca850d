"""What settings must be, or the app does not start."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from .secret_rules import weakness
from .security.accounts import PARTS

SECRETS = ("SECRET_KEY", "SECURITY_PASSWORD_SALT")
HOW_TO_MAKE_ONE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'

Kind = tuple[list[type], str]
WHOLE: Kind = ([int], "a whole number")
SECONDS: Kind = ([int, timedelta], "a whole number of seconds")

# What a setting may be, for those where another kind would do something unexpected.
KINDS: Mapping[str, Kind] = {
    "ACCOUNTS": ([list], f"a list, of any of these: {json.dumps([*PARTS])}"),
    "ACCOUNT_TOKEN_MAX_AGE": SECONDS,
    "API_DOCS": ([bool], "true or false"),
    "CHECKS_SILENCED": ([list], 'a list of ids: ["auth.E025"]'),
    "CORS_ORIGINS": ([list], 'a list: ["https://example.com"]'),
    "HASHES_AT_ONCE": WHOLE,
    "HSTS_SECONDS": WHOLE,
    "HTTP_BASIC_AUTH": ([bool], "true or false"),
    "INSTANCES": WHOLE,
    "LETTER_LIMIT_PER_ACCOUNT": ([str], "a rate: 5 per hour"),
    "LETTER_LIMIT_PER_ADDRESS": ([str], "a rate: 20 per hour"),
    "LOGIN_LIMIT_PER_ACCOUNT": ([str], "a rate: 10 per minute"),
    "LOGIN_LIMIT_PER_ADDRESS": ([str], "a rate: 30 per minute"),
    "LOG_JSON": ([bool], "true or false"),
    "MAIL_PORT": WHOLE,
    "MAIL_TIMEOUT": WHOLE,
    "MAX_CONTENT_LENGTH": ([int], "a whole number of bytes"),
    "PASSWORD_BREACH_SECONDS": WHOLE,
    "PROXY_COUNT": WHOLE,
    "RATELIMIT_ENABLED": ([bool], "true or false"),
    "RATELIMIT_STORAGE_OPTIONS": ([dict], 'an object: {"db": 1}'),
    "RATELIMIT_STORAGE_URI": ([str], "an address: redis://127.0.0.1:6379"),
    "SECRET_KEY_FALLBACKS": ([list, type(None)], 'a list of old keys: ["..."]'),
    "SECURITY_PASSWORD_HASH": ([str], "one of SECURITY_PASSWORD_SCHEMES: argon2"),
    "SECURITY_PASSWORD_LENGTH_MIN": WHOLE,
    "SECURITY_REFRESH_TOKEN_MAX_AGE": SECONDS,
    "SECURITY_REFRESH_TOKEN_MAX_IDLE": SECONDS,
    "SECURITY_TOKEN_MAX_AGE": SECONDS,
    "SQLALCHEMY_ENGINE_OPTIONS": ([dict], 'an object: {"pool_size": 10}'),
    "TRUSTED_HOSTS": ([list, type(None)], 'a list: ["api.example.com"]'),
}

# What each item of a list is: of the others, any text.
ITEMS = {
    "ACCOUNTS": "|".join(map(re.escape, PARTS)),
    # Anything else would be taken for a pattern that lets others in too.
    "CORS_ORIGINS": r"\*|https?://[\w.-]+(:\d+)?",
}

# The library's own parts answer with pages, and have no limits.
PAGES = (
    *("CHANGEABLE", "CHANGE_EMAIL", "CONFIRMABLE", "RECOVERABLE", "REGISTERABLE"),
    *("PASSWORDLESS", "TWO_FACTOR", "UNIFIED_SIGNIN", "USERNAME_RECOVERY", "WEBAUTHN"),
)

LEAST = {
    "ACCOUNT_TOKEN_MAX_AGE": 60,
    "HASHES_AT_ONCE": 1,
    "HSTS_SECONDS": 0,
    "INSTANCES": 1,
    "MAIL_PORT": 1,
    "MAIL_TIMEOUT": 1,
    "MAX_CONTENT_LENGTH": 1,
    "PASSWORD_BREACH_SECONDS": 1,
    "PROXY_COUNT": 0,
    "SECURITY_PASSWORD_LENGTH_MIN": 12,
    "SECURITY_REFRESH_TOKEN_MAX_AGE": 1,
    "SECURITY_REFRESH_TOKEN_MAX_IDLE": 1,
    "SECURITY_TOKEN_MAX_AGE": 1,
}

AGES = [name for name, kind in KINDS.items() if kind is SECONDS]
# Ten years: a date has an end, and so has an age.
SECONDS_MOST = 315_360_000


def problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each setting that is missing, unsafe, or of the wrong kind."""
    secrets = [(name, config.get(name)) for name in SECRETS]
    if isinstance(old_keys := config.get("SECRET_KEY_FALLBACKS"), list):
        secrets += [("SECRET_KEY_FALLBACKS", key) for key in old_keys]
    for name, value in secrets:
        if reason := weakness(value):
            yield f"  FLASK_{name} {reason}. Make one with: {HOW_TO_MAKE_ONE}"
    if not config.get("SQLALCHEMY_DATABASE_URI"):
        yield "  FLASK_SQLALCHEMY_DATABASE_URI is missing. .env.example shows one"
    for name in PAGES:
        if config.get(f"SECURITY_{name}"):
            yield f"  FLASK_SECURITY_{name} serves pages: see FLASK_ACCOUNTS"
    for name, (kind, rule) in KINDS.items():
        value = config.get(name)
        if type(value) not in kind or not _fits(name, value, config):
            yield f"  FLASK_{name} is {value!r}, and must be {rule}"
        elif name in LEAST and number(value) < LEAST[name]:
            yield f"  FLASK_{name} is {value}, and must be {LEAST[name]} or more"
        elif name in AGES and number(value) > SECONDS_MOST:
            yield f"  FLASK_{name} is {value}, and must be {SECONDS_MOST} or less"


def _fits(name: str, value: Any, config: Mapping[str, Any]) -> bool:
    if name == "SECURITY_PASSWORD_HASH":
        return value in config["SECURITY_PASSWORD_SCHEMES"]
    if not isinstance(value, list) or name == "SECRET_KEY_FALLBACKS":
        return True
    rule = ITEMS.get(name, ".+")
    return all(isinstance(item, str) and re.fullmatch(rule, item) for item in value)


def number(value: Any) -> float:
    """Return a number as it is, and an age in seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
