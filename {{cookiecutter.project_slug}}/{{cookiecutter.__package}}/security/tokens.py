"""Tokens: signed, for this application and one purpose only."""

import hmac
import re
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any

from flask import Flask, current_app
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from ..database import utc_now

# Base64 can encode one signature in many ways, with padding or noise. This is ours: 256
# bits in 43 characters, of which the last carries four bits (RFC 4648, section 3.5).
CANONICAL_TOKEN = re.compile(r".+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)

# The tokens of a session, with the settings of their ages.
AGES = {"access": "SECURITY_TOKEN_MAX_AGE", "refresh": "SECURITY_REFRESH_TOKEN_MAX_AGE"}


def init_app(app: Flask) -> None:
    """Make the serializers of access tokens and refresh tokens."""
    for purpose in AGES:
        add_serializer(app, purpose)


def add_serializer(app: Flask, purpose: str) -> None:
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
    serializers[purpose] = URLSafeTimedSerializer(keys, signer_kwargs=options)


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


def read_token(purpose: str, token: str) -> dict[str, Any] | None:
    """Return what a token of AGES names: a user, `uid`, and a session, `sid`.

    A refresh token also has its generation, `gen`. None if it is invalid: not signed by
    this application, too old, or of another shape. Whether the user and the session
    still exist is for the caller to look up.
    """
    with suppress(BadData, UnicodeError):
        match load(purpose, token, current_app.config[AGES[purpose]]):
            case {"uid": str(), "sid": str()} as claims:
                return dict(claims)
    return None
