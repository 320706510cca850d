"""`flask auth check`: what could be safer, as Django's `check --deploy` tells."""

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import current_app

from . import weaknesses
from .weaknesses import older, secret, when

# Why each matters, what mends it, and whether it is of production alone.
WORDS = Path(__file__).with_suffix(".toml")


def find(deploy: bool) -> Iterator[dict[str, Any]]:
    """Yield the findings; with `deploy`, those of production too."""
    words = tomllib.loads(WORDS.read_text("utf-8"))
    for name, look in LOOKS.items():
        rule = {"deploy": False, **words[name]}
        if name in current_app.config["CHECKS_SILENCED"]:
            continue
        if (deploy or not rule.pop("deploy")) and (problem := look(current_app.config)):
            severity = "error" if ".E" in name else "warning"
            yield {"id": name, "severity": severity, "problem": problem, **rule}


# Where to look for each. With an E it is an error, with a W a warning.
LOOKS = {
    "auth.E001": secret("SECRET_KEY"),
    "auth.E002": secret("SECURITY_PASSWORD_SALT"),
    "auth.E003": weaknesses.fallbacks,
    "auth.E004": weaknesses.same_secret,
    "auth.E005": older("SECURITY_TOKEN_MAX_AGE", timedelta(hours=1)),
    "auth.E006": older("SECURITY_REFRESH_TOKEN_MAX_AGE", timedelta(days=90)),
    "auth.E007": older("SECURITY_REFRESH_TOKEN_MAX_IDLE", timedelta(days=30)),
    "auth.E008": weaknesses.cost,
    "auth.W009": weaknesses.weak_hashes,
    "auth.E010": weaknesses.env_file,
    "auth.E011": weaknesses.old_libraries,
    "auth.E012": when(
        "Short passwords do.", lambda c: c["SECURITY_PASSWORD_LENGTH_MIN"] < 15
    ),
    "auth.E013": weaknesses.schemes,
    "auth.W014": weaknesses.database,
    "auth.E020": when(
        "The app runs in debug or test mode.", lambda c: c["DEBUG"] or c["TESTING"]
    ),
    "auth.E021": weaknesses.seed_password,
    "auth.E022": weaknesses.memory_limits,
    "auth.E023": weaknesses.sqlite,
    "auth.E024": when("TRUSTED_HOSTS is not set.", lambda c: not c["TRUSTED_HOSTS"]),
    "auth.E025": when("PROXY_COUNT is 0.", lambda c: not c["PROXY_COUNT"]),
    "auth.E026": when("HTTP Basic is on.", lambda c: c["HTTP_BASIC_AUTH"]),
    "auth.E027": when("HSTS_SECONDS is 0.", lambda c: not c["HSTS_SECONDS"]),
    "auth.E028": when(
        "CORS_ORIGINS lets every page in.", lambda c: "*" in c["CORS_ORIGINS"]
    ),
    "auth.E029": weaknesses.open_mail,
    "auth.E030": when(
        "RATELIMIT_ENABLED is false.", lambda c: not c["RATELIMIT_ENABLED"]
    ),
}
