"""Tokens: signed, for this application and one purpose only; most expire by age."""

import hmac
import re
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any

from flask import Flask, current_app
from itsdangerous import BadData, SignatureExpired, URLSafeSerializer
from itsdangerous import URLSafeTimedSerializer as TimedSerializer

from ..database import utc_now

# Base64 can encode one signature in many ways, with padding or noise. This is ours: 256
# bits in 43 characters, of which the last carries four bits (RFC 4648, section 3.5).
CANONICAL_TOKEN = re.compile(r".+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


def init_app(app: Flask) -> None:
    """Make the serializers of access tokens and refresh tokens."""
    add_serializer(app, "access")
    # It has no time: its session has one, which ends it.
    add_serializer(app, "refresh", URLSafeSerializer)


def add_serializer(app: Flask, purpose: str, kind: type[Any] = TimedSerializer) -> None:
    """Make the serializer of a purpose, for get_serializer.

    Its keys are derived from SECRET_KEY, the application's name and the purpose, so
    that a token of another application, or for another purpose, is refused.
    """
    # itsdangerous signs with the last key, and accepts all of them.
    old_keys = app.config["SECRET_KEY_FALLBACKS"] or []
    secrets = [*reversed(old_keys), app.config["SECRET_KEY"]]
    name = f"{app.import_name}.{purpose}".encode()
    # Derived here and not again with each token.
    keys = [hmac.digest(secret.encode(), name, sha256) for secret in secrets]
    options = {"key_derivation": "none", "digest_method": sha256}
    serializers = app.extensions.setdefault("token_serializers", {})
    serializers[purpose] = kind(keys, signer_kwargs=options)


def get_serializer(purpose: str) -> Any:
    """Return the serializer of a purpose: "access", "refresh", or one of a feature."""
    return current_app.extensions["token_serializers"][purpose]


def load(purpose: str, token: str, max_age: timedelta) -> Any:
    """Return what a token says, or raise BadData: SignatureExpired, if it is too old.

    The clocks of several machines may differ by CLOCK_SKEW.
    """
    if not CANONICAL_TOKEN.fullmatch(token):
        raise BadData("The token is malformed.")
    claims, signed_at = get_serializer(purpose).loads(token, return_timestamp=True)
    skew: timedelta = current_app.config["CLOCK_SKEW"]
    if not -skew <= utc_now() - signed_at <= max_age + skew:
        raise SignatureExpired("The token has expired.")
    return claims


def read_access_token(token: str) -> dict[str, str] | None:
    """Return what an access token names: a user's `uid`, a session's `sid`.

    None if it is invalid: not signed by this application, older than
    SECURITY_TOKEN_MAX_AGE, or of another shape. Whether the user and the session
    still exist is for the caller to look up.
    """
    max_age = current_app.config["SECURITY_TOKEN_MAX_AGE"]
    with suppress(BadData, UnicodeError):
        match load("access", token, max_age):
            case {"uid": str(uid), "sid": str(sid)}:
                return {"uid": uid, "sid": sid}
    return None


def read_refresh_token(token: str) -> dict[str, Any] | None:
    """Return what a refresh token names: `uid`, `sid`, and its generation, `gen`."""
    if not CANONICAL_TOKEN.fullmatch(token):
        return None
    with suppress(BadData, UnicodeError):
        match get_serializer("refresh").loads(token):
            case {"uid": str(uid), "sid": str(sid), "gen": int(generation)}:
                return {"uid": uid, "sid": sid, "gen": generation}
    return None
