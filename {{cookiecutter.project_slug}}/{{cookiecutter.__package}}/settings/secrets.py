"""What a secret must be."""

import re

MIN_LENGTH = 32
MIN_DIFFERENT_CHARACTERS = 5
PLACEHOLDER = re.compile(
    r"change.?(me|this)|(your|my|some|a).?secret|secret.?key|example|placeholder|replace",
    re.IGNORECASE,
)


def find_weakness(secret: object) -> str | None:
    """Return why a secret is not safe, or None; never the secret itself."""
    if not secret:
        return "is missing"
    if not isinstance(secret, str):
        return "is not text"
    if len(secret) < MIN_LENGTH:
        return f"has {len(secret)} characters, not {MIN_LENGTH} or more"
    if PLACEHOLDER.search(secret):
        return "is an example, not a secret"
    if len(set(secret)) < MIN_DIFFERENT_CHARACTERS:
        return "repeats the same few characters"
    return None
