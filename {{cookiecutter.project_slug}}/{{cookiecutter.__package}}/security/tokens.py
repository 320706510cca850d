"""Tokens: signed, short-lived, for this application and one purpose only."""

import hmac
import re
from hashlib import sha256
from typing import Any

from flask import Flask, current_app
from itsdangerous import BadData, URLSafeTimedSerializer

# Base64 can encode one signature in many ways, with padding or noise. This is ours: 256
# bits in 43 characters, of which the last carries four bits (RFC 4648, section 3.5).
CANONICAL_TOKEN = re.compile(r".+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


def add_serializer(
    app: Flask, purpose: str, kind: type[Any] = URLSafeTimedSerializer
) -> Any:
    """Make the serializer of a purpose, for get_serializer; return it.

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
    return serializers.setdefault(purpose, kind(keys, signer_kwargs=options))


def get_serializer(purpose: str) -> Any:
    """Return the serializer of a purpose: "access", "refresh", or one of a feature."""
    return current_app.extensions["token_serializers"][purpose]


def read_access_token(token: str) -> dict[str, str] | None:
    """Return what an access token names: a user's `uniquifier`, a session's `key`.

    None if it is invalid: not signed by this application, older than
    SECURITY_TOKEN_MAX_AGE, or of another shape. Whether the user and the session
    still exist is for the caller to look up.
    """
    max_age = current_app.config["SECURITY_TOKEN_MAX_AGE"].total_seconds()
    if not CANONICAL_TOKEN.fullmatch(token):
        return None
    try:
        match get_serializer("access").loads(token, max_age=max_age):
            case {"uid": str(uniquifier), "sid": str(key)}:
                return {"uniquifier": uniquifier, "key": key}
    except (BadData, UnicodeError):
        pass
    return None
