"""Where `flask auth check` looks: each function says what is wrong, or None."""

import math
import os
import stat
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dotenv import find_dotenv
from flask import current_app
from passlib.context import CryptContext
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ..database import db
from ..secret_rules import weakness
from . import passwords, users
from .models import User

Config = Mapping[str, Any]

# The first releases with the last known fixes; below them an advisory applies.
SAFE_VERSIONS = {
    "flask": (3, 1, 3),
    "flask-cors": (6, 0, 0),
    "flask-security": (5, 9, 2),
    "gunicorn": (23, 0, 0),
    "idna": (3, 7),
    "jinja2": (3, 1, 6),
    "mako": (1, 3, 12),
    "python-dotenv": (1, 2, 2),
    "werkzeug": (3, 1, 6),
}

# OWASP Password Storage Cheat Sheet; argon2: memory in KiB, for its time.
ARGON2_MEMORY = {1: 47104, 2: 19456, 3: 12288, 4: 9216}
ROUNDS = {"bcrypt": 12, "pbkdf2_sha512": 210_000}
SAFE_SCHEMES = {"argon2", *ROUNDS}


def secret(name: str) -> Callable[[Config], str | None]:
    """Look whether a secret is safe."""

    def look(config: Config) -> str | None:
        reason = weakness(config.get(name))
        return f"{name} {reason}." if reason else None

    return look


def fallbacks(config: Config) -> str | None:
    """Look whether the old keys are safe."""
    weak = [key for key in config["SECRET_KEY_FALLBACKS"] or [] if weakness(key)]
    return f"{len(weak)} of SECRET_KEY_FALLBACKS are not safe." if weak else None


def same_secret(config: Config) -> str | None:
    """Look whether one secret does two things."""
    same = config["SECRET_KEY"] == config["SECURITY_PASSWORD_SALT"]
    return "SECRET_KEY and SECURITY_PASSWORD_SALT are the same." if same else None


def older(name: str, most: timedelta) -> Callable[[Config], str | None]:
    """Look whether an age is longer than it should be."""
    return lambda config: (
        f"{name} is {config[name]}, more than {most}." if config[name] > most else None
    )


def cost(config: Config) -> str | None:
    """Look whether new hashes cost what OWASP asks."""
    scheme = config["SECURITY_PASSWORD_HASH"]
    options = config["SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS"]
    if scheme == "argon2":
        least = ARGON2_MEMORY.get(options.get("argon2__time_cost", 1), 7168)
        enough = options.get("argon2__memory_cost", 0) >= least
        enough = enough and options.get("argon2__type", "id") == "id"
    else:
        enough = options.get(f"{scheme}__rounds", 0) >= ROUNDS.get(scheme, math.inf)
    return None if enough else f"{scheme} costs less than it should."


def schemes(config: Config) -> str | None:
    """Look which hashes count as a password's."""
    weak = [s for s in config["SECURITY_PASSWORD_SCHEMES"] if s not in SAFE_SCHEMES]
    return f"Hashes of {', '.join(weak)} are accepted." if weak else None


def weak_hashes(config: Config) -> str | None:
    """Count the hashes that a login would renew."""
    context = current_app.extensions["security"].pwd_context
    hashes = select(User.password).where(User.password.is_not(None))
    try:
        stored = db.session.scalars(hashes.execution_options(yield_per=1000))
        weak = sum(_is_weak(context, password_hash) for password_hash in stored)
    except SQLAlchemyError:
        return None  # database tells of it
    return f"{weak} stored hashes are not as the setting says." if weak else None


def _is_weak(context: CryptContext, password_hash: str | None) -> bool:
    try:
        return bool(context.needs_update(password_hash or ""))
    except ValueError:  # no scheme can read it
        return True


def database(config: Config) -> str | None:
    """Look whether there is a database to look into."""
    try:
        db.session.execute(select(User.id).limit(1))
    except SQLAlchemyError:
        return "The database does not answer, or has no tables yet."
    return None


def seed_password(config: Config) -> str | None:
    """Look whether the first user still has the first password."""
    email, password = (os.environ.get(f"SEED_USER_{x}") for x in ("EMAIL", "PASSWORD"))
    try:
        user = users.find(email or "")
    except SQLAlchemyError:
        return None  # database tells of it
    rules = current_app.extensions["security"].password_util
    password = rules.normalize(password or "")
    first = user and password and passwords.verify(password, user.password)
    return f"{email} still has the password of SEED_USER_PASSWORD." if first else None


def memory_limits(config: Config) -> str | None:
    """Look whether workers that should count together do."""
    workers = int(os.environ.get("WEB_CONCURRENCY", 2)) * config["INSTANCES"]
    apart = workers > 1 and config["RATELIMIT_STORAGE_URI"].startswith("memory:")
    return f"{workers} workers count refused log-ins apart." if apart else None


def sqlite(config: Config) -> str | None:
    """Look whether machines share what they cannot."""
    sqlite = config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite")
    apart = sqlite and config["INSTANCES"] > 1
    return "SQLite is one file, and there are several machines." if apart else None


def open_mail(config: Config) -> str | None:
    """Look whether others can read letters, or what their links lead to."""
    if not config["ACCOUNTS"]:
        return None
    if config["MAIL_BACKEND"] == "console":
        return "Letters are printed, with the tokens in them."
    if config["FRONT_END_URL"].startswith("http:"):
        return "The links in letters are without TLS."
    hidden = config.get("MAIL_USE_TLS") or config.get("MAIL_USE_SSL")
    here = config["MAIL_SERVER"] in ("localhost", "127.0.0.1", "::1")
    return None if hidden or here else "Letters go to the mail server without TLS."


def env_file(config: Config) -> str | None:
    """Look who may read the secrets."""
    # The one that is read: it may be in a folder above.
    found = os.name != "nt" and find_dotenv(usecwd=True)
    shared = found and stat.S_IMODE(Path(found).stat().st_mode) & 0o77
    return "Others than its owner may read .env." if shared else None


def old_libraries(config: Config) -> str | None:
    """Look for versions below the last known fix."""
    old = [name for name, safe in SAFE_VERSIONS.items() if _is_below(name, safe)]
    return f"Below the last known fix: {', '.join(old)}." if old else None


@cache
def _is_below(name: str, safe: tuple[int, ...]) -> bool:
    try:
        parts = version(name).split(".")
    except PackageNotFoundError:  # gunicorn, on Windows
        return False
    return tuple(int(part) for part in parts if part.isdigit()) < safe


def when(problem: str, condition: Callable[[Config], Any]) -> Callable[..., str | None]:
    """Look whether a condition holds."""
    return lambda config: problem if condition(config) else None
