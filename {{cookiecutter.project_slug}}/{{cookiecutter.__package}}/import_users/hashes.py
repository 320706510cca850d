"""Password hashes of other systems: which are known, and how each is verified."""

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping

import argon2
import bcrypt
from argon2.exceptions import Argon2Error, InvalidHashError

# Marks an imported hash: those of this app may begin with $2b$ or $argon2id$ too, but
# are over an HMAC.
PREFIX = "imported:"

# The column has 255 characters.
MAX_LENGTH = 255 - len(PREFIX)

# The highest costs: a login with a higher one would keep a core, or the memory, too
# long. Argon2's time and scrypt's parallelism multiply the work.
MAX_COSTS = {
    "rounds": 15,
    "iterations": 5_000_000,
    "memory": 256 * 1024,  # KiB
    "time": 16,
    "parallelism": 16,
}

NUMBER = r"[1-9][0-9]{0,8}"
BCRYPT = r"(?P<hash>\$2[aby]\$(?P<rounds>0[4-9]|[1-9][0-9])\$[./A-Za-z0-9]{53})"
ARGON2 = (
    rf"(?P<hash>\$argon2(id|i|d)\$v=19\$m=(?P<memory>{NUMBER}),t=(?P<time>{NUMBER}),"
    rf"p=(?P<parallelism>{NUMBER})"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,})"
)
SALT = r"(?P<salt>[^$]+)"
SCRYPT_COSTS = rf"(?P<r>{NUMBER})(:|\$)(?P<parallelism>{NUMBER})"
# 20, 32 or 64 bytes: as SHA-1, SHA-256 and SHA-512 have, and scrypt.
HEX = r"(?P<hex>[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})"
BASE64 = r"(?P<base64>[A-Za-z0-9+/]{27}=|[A-Za-z0-9+/]{43}=|[A-Za-z0-9+/]{86}==)"

# Each is a whole hash. Numbers in it are its costs.
KINDS = {
    "bcrypt": [BCRYPT, rf"bcrypt\${BCRYPT}"],
    "bcrypt over SHA-256": [rf"bcrypt_sha256\${BCRYPT}"],
    "argon2": [ARGON2, rf"argon2{ARGON2}"],
    "pbkdf2": [
        rf"pbkdf2_(?P<digest>sha1|sha256)\$(?P<iterations>{NUMBER})\${SALT}\${BASE64}",
        rf"pbkdf2:(?P<digest>sha1|sha256|sha512):(?P<iterations>{NUMBER})\${SALT}\${HEX}",
    ],
    "scrypt": [
        rf"scrypt\$(?P<n>{NUMBER})\${SALT}\${SCRYPT_COSTS}\${BASE64}",
        rf"scrypt:(?P<n>{NUMBER}):{SCRYPT_COSTS}\${SALT}\${HEX}",
    ],
}
Found = Mapping[str, str]


def verify(password: str, stored: str) -> bool:
    """Check a password against an imported hash."""
    kind, found = parse(stored.removeprefix(PREFIX))
    # A login gives the password in one form of Unicode (NFKD). Other systems hash what
    # is typed, and keyboards mostly give the composed form (NFC).
    forms = dict.fromkeys([unicodedata.normalize("NFC", password), password])
    return any(is_right(form.encode(), kind, found) for form in forms)


def find_problem(text: str) -> str | None:
    """Return why a hash cannot be imported, without the hash itself."""
    try:
        _, found = parse(text)
    except ValueError:
        return "the kind of its password hash is unknown"
    if len(text) > MAX_LENGTH:
        return f"its password hash has more than {MAX_LENGTH} characters"
    for name, cost in get_costs(found).items():
        if cost > MAX_COSTS[name]:
            limit = f"{name} at most {MAX_COSTS[name]}"
            return f"its password hash costs too much ({limit})"
    return None


def parse(text: str) -> tuple[str, Found]:
    """Return the kind of a hash and its parts, or raise ValueError."""
    for kind, patterns in KINDS.items():
        for pattern in patterns:
            match = re.fullmatch(pattern, text)
            if match and is_possible(match.groupdict()):
                return kind, match.groupdict()
    raise ValueError("unknown kind of hash")


def is_possible(found: Found) -> bool:
    """Say whether scrypt, or argon2, can have these costs."""
    n, costs = int(found.get("n", 2)), get_costs(found)
    enough = costs.get("memory", 0) >= 8 * costs.get("parallelism", 0)
    return n.bit_count() == 1 and ("n" in found or enough)


def get_costs(found: Found) -> dict[str, int]:
    """Return the costs of a hash, by the names in MAX_COSTS."""
    costs = {name: int(found[name]) for name in MAX_COSTS if name in found}
    if "n" in found:
        costs["memory"] = int(found["n"]) * int(found["r"]) * 128 // 1024
    return costs


def is_right(password: bytes, kind: str, found: Found) -> bool:
    """Check a password against the parts of a hash."""
    try:
        match kind:
            case "bcrypt":
                # The other systems cut it there too, or refused it.
                return bcrypt.checkpw(password[:72], found["hash"].encode())
            case "bcrypt over SHA-256":
                digest = hashlib.sha256(password).hexdigest().encode()
                return bcrypt.checkpw(digest, found["hash"].encode())
            case "argon2":
                return argon2.PasswordHasher().verify(found["hash"], password)
    except (Argon2Error, InvalidHashError, ValueError):
        return False
    expected = get_digest(found)
    return hmac.compare_digest(derive(password, kind, found, len(expected)), expected)


def get_digest(found: Found) -> bytes:
    """Return what is to be derived from the password."""
    if "hex" in found:
        return bytes.fromhex(found["hex"])
    return base64.b64decode(found["base64"])


def derive(password: bytes, kind: str, found: Found, length: int) -> bytes:
    """Return what PBKDF2 or scrypt derive from a password."""
    salt = found["salt"].encode()
    if kind == "pbkdf2":
        rounds = int(found["iterations"])
        return hashlib.pbkdf2_hmac(found["digest"], password, salt, rounds, length)
    n, r, p = (int(found[name]) for name in ("n", "r", "parallelism"))
    memory = 2 * 128 * r * (n + p + 1)
    return hashlib.scrypt(
        password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=length
    )
