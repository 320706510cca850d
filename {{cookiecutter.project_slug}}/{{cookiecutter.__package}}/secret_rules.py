"""What a secret must be."""

import re

LENGTH_MIN = 32
PLACEHOLDER = re.compile(
    r"change.?(me|this)|(your|my|some|a).?secret|secret.?key|example|placeholder|replace",
    re.IGNORECASE,
)


def weakness(secret: object) -> str | None:
    """Say why a secret is not safe; None if it is."""
    if not secret:
        return "is missing"
    if not isinstance(secret, str):
        return "is not text"
    if len(secret) < LENGTH_MIN:
        return f"has {len(secret)} characters, not {LENGTH_MIN} or more"
    if PLACEHOLDER.search(secret):
        return "is an example, not a secret"
    if len(set(secret)) < 5:
        return "repeats the same few characters"
    return None
