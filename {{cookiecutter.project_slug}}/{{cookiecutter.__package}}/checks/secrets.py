"""Checks of secrets, and of who can read them."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dotenv import find_dotenv

from ..security import Check
from ..settings.secrets import find_weakness

Config = Mapping[str, Any]


def find_weak_secret(name: str) -> Callable[[Config], str | None]:
    """Make a check of one secret."""

    def find_problem(config: Config) -> str | None:
        reason = find_weakness(config.get(name))
        return f"{name} {reason}." if reason else None

    return find_problem


def find_weak_old_keys(config: Config) -> str | None:
    """Check the old keys."""
    keys = config["SECRET_KEY_FALLBACKS"] or []
    weak = sum(find_weakness(key) is not None for key in keys)
    return f"{weak} of SECRET_KEY_FALLBACKS are not safe." if weak else None


def find_shared_secret(config: Config) -> str | None:
    """Check that no secret has two purposes."""
    same = config["SECRET_KEY"] == config["SECURITY_PASSWORD_SALT"]
    return "SECRET_KEY and SECURITY_PASSWORD_SALT are the same." if same else None


def find_readable_env_file(config: Config) -> str | None:
    """Check who can read the secrets."""
    # The file that is read: it may be in a parent folder.
    found = os.name != "nt" and find_dotenv(usecwd=True)
    shared = found and stat.S_IMODE(Path(found).stat().st_mode) & 0o77
    return "Other users than its owner can read .env." if shared else None


CHECKS = [
    Check(
        "auth.E001",
        find_weak_secret("SECRET_KEY"),
        "Whoever guesses it can make tokens (ASVS 11.1, 13.3).",
        "Set a new FLASK_SECRET_KEY. The refusal at start-up shows the command.",
    ),
    Check(
        "auth.E002",
        find_weak_secret("SECURITY_PASSWORD_SALT"),
        "Whoever guesses it can attack a stolen table offline (ASVS 11.4).",
        "Set FLASK_SECURITY_PASSWORD_SALT before the first password is stored.",
    ),
    Check(
        "auth.E003",
        find_weak_old_keys,
        "Tokens that are signed with an old key are still accepted (ASVS 13.3).",
        "Remove it from FLASK_SECRET_KEY_FALLBACKS.",
    ),
    Check(
        "auth.E004",
        find_shared_secret,
        "Each secret has one purpose (NIST SP 800-57, 5.2).",
        "Set another FLASK_SECURITY_PASSWORD_SALT before the first password is stored.",
    ),
    Check(
        "auth.E010",
        find_readable_env_file,
        "It has the secrets (ASVS 13.3.2).",
        "Run: chmod 600 .env",
    ),
]
