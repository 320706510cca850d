"""Checks of passwords, of their hashes, and of the seed user."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ..database import db
from ..security import Check, User, passwords

Config = Mapping[str, Any]

# OWASP Password Storage Cheat Sheet. argon2: the least memory in KiB, by time cost.
MIN_ARGON2_MEMORY = {1: 47104, 2: 19456, 3: 12288, 4: 9216}
MIN_ROUNDS = {"bcrypt": 12, "pbkdf2_sha512": 210_000}
SAFE_SCHEMES = {"argon2", *MIN_ROUNDS}

MIN_PASSWORD_LENGTH = 15


def find_cheap_hash(config: Config) -> str | None:
    """Check that new hashes cost what OWASP asks."""
    scheme = config["SECURITY_PASSWORD_HASH"]
    options = config["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"]
    if scheme == "argon2":
        minimum = MIN_ARGON2_MEMORY.get(options.get("argon2__time_cost", 1), 7168)
        enough = options.get("argon2__memory_cost", 0) >= minimum
        enough = enough and options.get("argon2__type", "id") == "id"
    else:
        minimum_rounds = MIN_ROUNDS.get(scheme, math.inf)
        enough = options.get(f"{scheme}__rounds", 0) >= minimum_rounds
    return None if enough else f"A hash with {scheme} costs less than OWASP asks."


def find_unsafe_schemes(config: Config) -> str | None:
    """Check which hashes are accepted."""
    unsafe = [s for s in config["SECURITY_PASSWORD_SCHEMES"] if s not in SAFE_SCHEMES]
    return f"Hashes of {', '.join(unsafe)} are accepted." if unsafe else None


def find_short_passwords(config: Config) -> str | None:
    """Check the minimum length."""
    minimum = config["SECURITY_PASSWORD_LENGTH_MIN"]
    short = minimum < MIN_PASSWORD_LENGTH
    return f"Passwords of {minimum} characters are accepted." if short else None


def count_outdated_hashes(config: Config) -> str | None:
    """Count the hashes that a login would replace."""
    statement = select(User.password).where(User.password.is_not(None))
    try:
        stored = db.session.scalars(statement.execution_options(yield_per=1000))
        outdated = sum(map(passwords.needs_new_hash, stored))
    except SQLAlchemyError:
        return None  # auth.W014
    if not outdated:
        return None
    return f"{outdated} stored hashes do not have the parameters of the settings."


def find_unreachable_database(config: Config) -> str | None:
    """Check that there is a database with tables to look into."""
    try:
        db.session.execute(select(User.id).limit(1))
    except SQLAlchemyError:
        return "The database is unreachable, or has no tables yet."
    return None


def find_seed_password(config: Config) -> str | None:
    """Check that every seed user has another password by now."""
    statement = select(User.id).where(User.password_is_initial, User.active)
    try:
        ids = [str(user_id) for user_id in db.session.scalars(statement.limit(10))]
    except SQLAlchemyError:
        return None  # auth.W014
    return f"Users with their first password: {', '.join(ids)} (id)." if ids else None


CHECKS = [
    Check(
        "auth.E008",
        find_cheap_hash,
        "An offline attack on a stolen table is faster (ASVS 11.4.2).",
        "Raise SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS in security/settings.py.",
    ),
    Check(
        "auth.W009",
        count_outdated_hashes,
        "They are as weak as on the day they were made (ASVS 11.4.2).",
        "Nothing: each is replaced at the next login of its user.",
    ),
    Check(
        "auth.E012",
        find_short_passwords,
        "The password is the only factor (NIST SP 800-63B-4, 3.1.1.2).",
        f"Set FLASK_SECURITY_PASSWORD_LENGTH_MIN={MIN_PASSWORD_LENGTH}.",
    ),
    Check(
        "auth.E013",
        find_unsafe_schemes,
        "Whoever can write such a hash into the table can log in (ASVS 11.4.2).",
        "Remove it from SECURITY_PASSWORD_SCHEMES in security/settings.py.",
    ),
    Check(
        "auth.W014",
        find_unreachable_database,
        "Stored hashes and the seed user were not checked.",
        "Set FLASK_SQLALCHEMY_DATABASE_URI, or run: flask db upgrade",
    ),
    Check(
        "auth.E021",
        find_seed_password,
        "It was shown on a screen, and may be in a file (ASVS 6.3.2).",
        "Run: flask users change_password EMAIL",
        deploy=True,
    ),
]
