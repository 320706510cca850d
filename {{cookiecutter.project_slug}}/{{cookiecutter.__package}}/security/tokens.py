"""Access tokens: signed, short-lived, and for this application alone."""

from hashlib import sha256

from flask import Flask, current_app
from flask_security import Security
from itsdangerous import BadData, URLSafeTimedSerializer


def init_app(app: Flask, security: Security) -> None:
    """Have the library sign with our keys."""
    # itsdangerous signs with the last key, and accepts all of them.
    keys = [*reversed(app.config["SECRET_KEY_FALLBACKS"] or []), app.secret_key]
    security.remember_token_serializer = URLSafeTimedSerializer(
        keys,
        # Another app that has the same key makes, and takes, other tokens.
        salt=f"{app.import_name}.access-token",
        signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
    )


def read(token: str) -> str | None:
    """Return the `fs_uniquifier` that a token stands for; None if it is not valid.

    Valid: signed by this application, at most SECURITY_TOKEN_MAX_AGE old. Whether
    the user still exists and is active is for the caller to ask.
    """
    max_age = current_app.config["SECURITY_TOKEN_MAX_AGE"].total_seconds()
    serializer = current_app.extensions["security"].remember_token_serializer
    try:
        match serializer.loads(token, max_age=max_age):
            case {"uid": str(uniquifier)}:
                return uniquifier
    except (BadData, UnicodeError):
        pass
    return None
