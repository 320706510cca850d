"""Tokens: signed, short-lived, for this application and one purpose alone."""

import hmac
import re
from hashlib import sha256
from typing import Any

from flask import Flask, current_app
from flask_security import Security
from itsdangerous import (
    BadData,
    BadSignature,
    URLSafeSerializer,
    URLSafeTimedSerializer,
)

# Base64 can spell one signature in many ways, padded or with noise. This is ours:
# 256 bits in 43 characters, the last of which carries four (RFC 4648, section 3.5).
SPELLING = re.compile(r".+\.[\w-]{42}[AEIMQUYcgkosw048]", re.ASCII)


class RefreshSerializer(URLSafeSerializer):
    """Signs refresh tokens, and reads those alone."""

    def loads(self, s: Any, *args: Any, **kwargs: Any) -> Any:
        """Return what a refresh token says, or raise BadSignature."""
        if SPELLING.fullmatch(s):
            match data := super().loads(s, *args, **kwargs):
                case {"uid": str(), "family": str(), "gen": int()}:
                    return data
        raise BadSignature("not a refresh token")


# What signs each kind of token, by the library's names; the last three go by mail.
SERIALIZERS = {
    "remember_token": URLSafeTimedSerializer,  # access tokens
    "refresh_token": RefreshSerializer,
    "confirm": URLSafeTimedSerializer,
    "reset": URLSafeTimedSerializer,
    "change_email": URLSafeTimedSerializer,
}


def init_app(app: Flask, security: Security) -> None:
    """Have the library sign with our keys."""
    # itsdangerous signs with the last key, and accepts all of them.
    old = app.config["SECRET_KEY_FALLBACKS"] or []
    secrets = [*reversed(old), app.config["SECRET_KEY"]]
    # Each kind has its own keys, derived here and not again with each token.
    by_sha256 = {"key_derivation": "none", "digest_method": sha256}
    for kind, serializer in SERIALIZERS.items():
        # With the app's name: another one with the same secret has other tokens.
        name = f"{app.import_name}.{kind}".encode()
        keys = [hmac.digest(secret.encode(), name, sha256) for secret in secrets]
        signer = serializer(keys, signer_kwargs=by_sha256)
        setattr(security, f"{kind}_serializer", signer)


def read(token: str) -> dict[str, str] | None:
    """Return what an access token names: a user's `uniquifier`, a session's `family`.

    None if it is not valid: not signed by this application, older than
    SECURITY_TOKEN_MAX_AGE, or of another shape. Whether the user and the session
    still are is for the caller to ask.
    """
    max_age = current_app.config["SECURITY_TOKEN_MAX_AGE"].total_seconds()
    serializer = current_app.extensions["security"].remember_token_serializer
    if not SPELLING.fullmatch(token):
        return None
    try:
        match serializer.loads(token, max_age=max_age):
            case {"uid": str(uniquifier), "sid": str(family)}:
                return {"uniquifier": uniquifier, "family": family}
    except (BadData, UnicodeError):
        pass
    return None
