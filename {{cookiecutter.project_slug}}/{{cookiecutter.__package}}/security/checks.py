"""`flask auth check`: what could be safer, as Django's `check --deploy` tells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app

from . import weaknesses
from .weaknesses import Config, older, secret, when


@dataclass(frozen=True)
class Rule:
    """Where to look, why it matters, and the setting that mends it.

    An id with an E is an error, with a W a warning.
    """

    id: str
    look: Callable[[Config], str | None]
    why: str
    fix: str
    deploy: bool = False


def find(deploy: bool) -> Iterator[dict[str, str]]:
    """Yield the findings; with `deploy`, those of production too."""
    silenced = current_app.config["CHECKS_SILENCED"]
    for rule in RULES:
        if rule.id in silenced or (rule.deploy and not deploy):
            continue
        if problem := rule.look(current_app.config):
            severity = "error" if ".E" in rule.id else "warning"
            yield {
                "id": rule.id,
                "severity": severity,
                "problem": problem,
                "why": rule.why,
                "fix": rule.fix,
            }


RULES = [
    Rule(
        "auth.E001",
        secret("SECRET_KEY"),
        "Who guesses it makes tokens (ASVS 11.1, 13.3).",
        "A fresh FLASK_SECRET_KEY; the refusal at start-up has the command",
    ),
    Rule(
        "auth.E002",
        secret("SECURITY_PASSWORD_SALT"),
        "Who guesses it can try passwords on a stolen table (ASVS 11.4).",
        "FLASK_SECURITY_PASSWORD_SALT, before the first password is stored",
    ),
    Rule(
        "auth.E003",
        weaknesses.fallbacks,
        "An old key still makes tokens that are accepted (ASVS 13.3).",
        "Remove it from FLASK_SECRET_KEY_FALLBACKS",
    ),
    Rule(
        "auth.E004",
        weaknesses.same_secret,
        "Each secret does one thing (NIST SP 800-57, 5.2).",
        "Another FLASK_SECURITY_PASSWORD_SALT, before the first password is stored",
    ),
    Rule(
        "auth.E005",
        older("SECURITY_TOKEN_MAX_AGE", timedelta(hours=1)),
        "A stolen token is of use that long (ASVS 9.2; RFC 9700, 2.2).",
        "FLASK_SECURITY_TOKEN_MAX_AGE=900",
    ),
    Rule(
        "auth.E006",
        older("SECURITY_REFRESH_TOKEN_MAX_AGE", timedelta(days=90)),
        "A session that never ends is a second password (ASVS 7.3).",
        "FLASK_SECURITY_REFRESH_TOKEN_MAX_AGE=2592000",
    ),
    Rule(
        "auth.E007",
        older("SECURITY_REFRESH_TOKEN_MAX_IDLE", timedelta(days=30)),
        "A device that was lost stays logged in (ASVS 7.3).",
        "FLASK_SECURITY_REFRESH_TOKEN_MAX_IDLE=604800",
    ),
    Rule(
        "auth.E008",
        weaknesses.cost,
        "A stolen table is guessed at faster (ASVS 11.4.2).",
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS in security/settings.py",
    ),
    Rule(
        "auth.W009",
        weaknesses.weak_hashes,
        "They are as weak as on the day they were made (ASVS 11.4.2).",
        "Each is renewed at its user's next login",
    ),
    Rule(
        "auth.E010",
        weaknesses.env_file,
        "It has the secrets (ASVS 13.3.2).",
        "chmod 600 .env",
    ),
    Rule(
        "auth.E011",
        weaknesses.old_libraries,
        "Their weaknesses are public (ASVS 15.2.1).",
        "make lock, or install requirements.txt again",
    ),
    Rule(
        "auth.E020",
        when(
            "The app runs in debug or test mode.", lambda c: c["DEBUG"] or c["TESTING"]
        ),
        "Errors show the code, and may run some (ASVS 13.4.2).",
        "FLASK_DEBUG=false",
        deploy=True,
    ),
    Rule(
        "auth.E021",
        weaknesses.seed_password,
        "It has been on a screen and in a file (ASVS 6.3.2).",
        "flask users change_password EMAIL",
        deploy=True,
    ),
    Rule(
        "auth.E022",
        weaknesses.memory_limits,
        "A guesser has as many tries as there are workers (ASVS 6.3.1).",
        "FLASK_RATELIMIT_STORAGE_URI=redis://...",
        deploy=True,
    ),
    Rule(
        "auth.E023",
        weaknesses.sqlite,
        "Each machine has its own: who is out on one is in on another (ASVS 7.4.1).",
        "FLASK_SQLALCHEMY_DATABASE_URI of a database server",
        deploy=True,
    ),
    Rule(
        "auth.E024",
        when("TRUSTED_HOSTS is not set.", lambda c: not c["TRUSTED_HOSTS"]),
        "A client may name any host as the API's own (RFC 9110, section 7.2).",
        """FLASK_TRUSTED_HOSTS='["api.example.com"]'""",
        deploy=True,
    ),
    Rule(
        "auth.E025",
        when("PROXY_COUNT is 0.", lambda c: not c["PROXY_COUNT"]),
        "Behind a proxy every client then has the proxy's address (ASVS 4.1.3).",
        "FLASK_PROXY_COUNT=1",
        deploy=True,
    ),
    Rule(
        "auth.E026",
        when("HTTP Basic is on.", lambda c: c["HTTP_BASIC_AUTH"]),
        "The password travels with every request (RFC 7617, section 4).",
        "FLASK_HTTP_BASIC_AUTH=false",
        deploy=True,
    ),
    Rule(
        "auth.E027",
        when("HSTS_SECONDS is 0.", lambda c: not c["HSTS_SECONDS"]),
        "A browser may be led to speak without TLS (ASVS 3.4.1).",
        "FLASK_HSTS_SECONDS=31536000",
        deploy=True,
    ),
    Rule(
        "auth.E028",
        when("CORS_ORIGINS lets every page in.", lambda c: "*" in c["CORS_ORIGINS"]),
        "Any page may call the API from its visitor's browser (ASVS 3.4.2).",
        """FLASK_CORS_ORIGINS='["https://app.example.com"]'""",
        deploy=True,
    ),
]
