"""What a secret must be."""

import math
import re
from pathlib import Path

MIN_LENGTH = 32

# Of random texts of that length, and of nothing that a person makes up: the estimate
# is low, and 32 random bytes have 256 bits.
MIN_BITS = 72

# Pairs of characters that are frequent in words, or neighbours on a keyboard.
FREQUENT = set(
    Path(__file__).with_name("frequent_pairs.txt").read_text("utf-8").split()
)
DIGITS_FOR_LETTERS = str.maketrans("013457@$", "oieastas")


def find_weakness(secret: object) -> str | None:
    """Return why a secret is not safe, or None; never the secret itself."""
    if not secret:
        return "is missing"
    if not isinstance(secret, str):
        return "is not text"
    if len(secret) < MIN_LENGTH:
        return f"has {len(secret)} characters, not {MIN_LENGTH} or more"
    if estimate_bits(secret) < MIN_BITS:
        return "is not random: an attacker can guess words, repetitions and series"
    return None


def estimate_bits(secret: str) -> float:
    """Estimate the strength: how many characters do not follow from those before?

    A character follows if it makes a frequent pair, a pair that was there before, or
    the same step as the one before; a single one that does may be chance.
    """
    text = re.sub("[ _.-]", "", secret.lower())
    if not re.fullmatch("[0-9a-f]+", text):  # in hexadecimal they are digits
        text = text.translate(DIGITS_FOR_LETTERS)
    marks = "".join(
        "-"
        if (pair := text[place : place + 2]) in FREQUENT
        or text.find(pair) < place
        or ord(pair[0]) * 2 == ord(text[place - 1]) + ord(pair[1])
        else "+"
        for place in range(len(text) - 1)
    )
    return len(re.sub("--+", "", marks)) * math.log2(len(set(secret)))
