"""Settings of Flask-Security that promises rely on: another value stops the start."""

from typing import Any

from flask import Flask

from ..security.library import DEFAULTS
from ..security.rate_limits import RateLimiter
from ..settings import ConfigurationError

# The reason, and the settings that stay as the library has them.
RELIED_ON = {
    "only JSON is served, and no cookie is ever set": """
        CHANGE_USERNAME CSRF_COOKIE CSRF_COOKIE_NAME CSRF_PROTECT_MECHANISMS
        DEFAULT_REMEMBER_ME LOGOUT_CSRF MULTI_FACTOR_RECOVERY_CODES OAUTH_ENABLE
        REDIRECT_BEHAVIOR REFRESH_TOKEN_COOKIE UNAUTHORIZED_VIEW USERNAME_ENABLE
        US_SIGNIN_REPLACES_LOGIN""",
    "it serves HTML pages without rate limits": """
        CHANGEABLE CHANGE_EMAIL CONFIRMABLE PASSWORDLESS RECOVERABLE REGISTERABLE
        TWO_FACTOR UNIFIED_SIGNIN USERNAME_RECOVERY WEBAUTHN""",
    "login, refresh and logout are in security/, not in the library": """
        BACKWARDS_COMPAT_AUTH_TOKEN CACHE_CONTROL FLASH_MESSAGES LOGOUT_METHODS
        REFRESH_TOKEN REFRESH_TOKEN_COOKIE_NAME RETURN_GENERIC_RESPONSES STATIC_FOLDER
        TRACKABLE""",
    "a token counts in a header only": """
        API_ENABLED_METHODS TOKEN_AUTHENTICATION_HEADER TOKEN_AUTHENTICATION_KEY
        TOKEN_EXPIRE_TIMESTAMP""",
    "an account has one e-mail address, in one form": """
        EMAIL_VALIDATOR_ARGS INPUT_NORMALIZE_FORM USER_IDENTITY_ATTRIBUTES""",
    "security/passwords.py has the rules for passwords": """
        DEPRECATED_HASHING_SCHEMES DEPRECATED_PASSWORD_SCHEMES HASHING_SCHEMES
        PASSWORD_CHECK_BREACHED PASSWORD_COMPLEXITY_CHECKER PASSWORD_HASH_OPTIONS
        PASSWORD_NORMALIZE_FORM PASSWORD_REQUIRED""",
    "limits and guards name its endpoints and look up one row": """
        ANONYMOUS_USER_DISABLED BLUEPRINT_NAME JOIN_USER_ROLES LOGIN_URL SUBDOMAIN
        URL_PREFIX""",
}


def init_app(app: Flask) -> None:
    """Raise ConfigurationError with every setting that breaks a promise."""
    reasons = {
        f"SECURITY_{n}": r for r, names in RELIED_ON.items() for n in names.split()
    }
    problems = [
        f"  FLASK_{name} is fixed: {reasons[name]}."
        if name in reasons
        else f"  FLASK_{name} must be true or false."
        for name, default in {**dict.fromkeys(reasons), **DEFAULTS}.items()
        if (name in reasons and (app.config.get(name) or None) != (default or None))
        or (type(default) is bool and app.config[name] not in (True, False, None))
    ]
    if problems:
        raise ConfigurationError("\n".join(["Invalid configuration:", *problems]))
    require_storage_options(app)


def require_storage_options(app: Flask) -> None:
    """Refuse options that the Redis client does not know: it connects later."""
    storage: Any = RateLimiter(app.config).shared.storage
    try:
        if pool := getattr(storage.storage, "connection_pool", None):
            pool.make_connection()
    except Exception:
        message = "FLASK_RATELIMIT_STORAGE_OPTIONS has an option that cannot be used."
        raise ConfigurationError(message) from None
