"""Checks of who can reach the API: host names, origins, the API reference."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values, find_dotenv

from ..security import Check
from .connections import is_local

Config = Mapping[str, Any]

FIRST_ENVIRONMENT = Path("/proc/self/environ")

# Under these anybody can have a name: a few of https://publicsuffix.org.
PUBLIC_SUFFIX = re.compile(
    r"[a-z]+|(ac|co|com|edu|go|gob|gov|ne|net|nom|or|org)\.[a-z]{2}"
    r"|(.+\.)?(amazonaws\.com|appspot\.com|azurewebsites\.net|cloudfront\.net|fly\.dev"
    r"|github\.io|herokuapp\.com|netlify\.app|ngrok\.io|onrender\.com|pages\.dev"
    r"|run\.app|vercel\.app|workers\.dev)"
)


def find_wide_host(config: Config) -> str | None:
    """Check that every trusted host name is one that this service may own."""
    wide = [
        place
        for place, host in enumerate(config["TRUSTED_HOSTS"] or [], 1)
        if is_public(host)
    ]
    items = ", ".join(map(str, wide))
    return f"TRUSTED_HOSTS allows names of others: item {items}." if wide else None


def is_public(host: str) -> bool:
    """Say whether everybody can have a name like this, or below it."""
    name = host.lower().strip("*.")
    return "*" in host or not name or bool(PUBLIC_SUFFIX.fullmatch(name))


def find_public_reference(config: Config) -> str | None:
    """Check that the API reference is not served.

    `flask` reads .flaskenv, which is for development; gunicorn.conf.py leaves it out.
    """
    name = "FLASK_API_DOCS"
    files = [dotenv_values(find_dotenv(f, usecwd=True)) for f in (".flaskenv", ".env")]
    given = files[1].get(name) or read_first_environment().get(name)
    for_development = name in files[0] and not given
    return "API_DOCS is on." if config["API_DOCS"] and not for_development else None


def read_first_environment() -> dict[str, str]:
    """Return the environment that the process was started with, before any file."""
    try:
        items = FIRST_ENVIRONMENT.read_text("utf-8", "replace").split("\0")
    except OSError:  # no Linux
        return {}
    return dict(item.split("=", 1) for item in items if "=" in item)


def find_plain_origins(config: Config) -> str | None:
    """Check that pages which may call the API come over TLS, or from this machine."""
    urls = map(urlsplit, config["CORS_ORIGINS"])
    plain = any(url.scheme == "http" and not is_local(url.hostname) for url in urls)
    return "CORS_ORIGINS allows an origin without TLS." if plain else None


CHECKS = [
    Check(
        "auth.E047",
        find_wide_host,
        "A client can send the host name of another service (RFC 9110, section 7.2).",
        """Set FLASK_TRUSTED_HOSTS='["api.example.com", "127.0.0.1"]'.""",
        deploy=True,
    ),
    Check(
        "auth.E048",
        find_public_reference,
        "Everybody can read which endpoints there are (ASVS 13.4.5).",
        "Set FLASK_API_DOCS=false.",
        deploy=True,
    ),
    Check(
        "auth.E053",
        find_plain_origins,
        "Whoever changes that page on its way can call the API (ASVS 3.4.2).",
        """Set FLASK_CORS_ORIGINS='["https://app.example.com"]'.""",
        deploy=True,
    ),
]
