"""Passwords: what a new one must be, and how many are hashed at a time."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from hashlib import sha1
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from flask import Flask, current_app
from flask_security import PasswordUtil, Security, hash_password, verify_password
from passlib.context import CryptContext
from werkzeug.exceptions import ServiceUnavailable

from ..database import db
from ..logs import audit

# Checked before any other work on a password: normalising a long one is costly.
LENGTH_MAX = 256

# What is known of an account, and tried first by who guesses.
OWN_WORDS = ("email", "first_name", "last_name")

# How many may wait for their turn, and how long: the others are told to come back.
WAITING = 8
WAIT_SECONDS = 10
RETRY_SECONDS = 5

# The service of breached passwords answers with some 40 KiB.
RANGE_BYTES_MAX = 256 * 1024


def init_app(app: Flask, security: Security) -> None:
    """Bound the hashing that the library does."""
    at_once = app.config["HASHES_AT_ONCE"]
    bounded = BoundedContext(**security.pwd_context.to_dict())
    bounded.line = ThreadPoolExecutor(at_once)
    bounded.room = threading.BoundedSemaphore(at_once + WAITING)
    security.pwd_context = bounded


def check_room() -> None:
    """Raise ServiceUnavailable (503) if a password could not be hashed now."""
    room = current_app.extensions["security"].pwd_context.room
    if not room.acquire(blocking=False):
        raise busy()
    room.release()


def busy() -> ServiceUnavailable:
    """Make the answer to a log-in that does not fit."""
    detail = "Too many log-ins at a time. Try again in a moment."
    return ServiceUnavailable(detail, retry_after=RETRY_SECONDS)


def verify(password: str, stored: str | None) -> bool:
    """Check a password; a hash that no scheme can read never matches.

    What was read in this session is read anew after it.
    """
    # Others need the connection more: hashing is most of a log-in.
    db.session.rollback()
    try:
        return verify_password(password, stored or "")
    except ValueError:
        hash_password(password)  # the work of a real check: timing tells nothing
        return False


class PasswordRules(PasswordUtil):
    """The library's rules, and ours (NIST SP 800-63B-4, section 3.1.1.2)."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return the reasons to refuse (None: it is good) and the normalised password.

        `kwargs` has the account's `email`, or its `user`.
        """
        if len(password) > LENGTH_MAX:
            return [f"Password must be at most {LENGTH_MAX} characters"], password
        reasons, normalised = super().validate(password, is_register, **kwargs)
        least = current_app.config["SECURITY_PASSWORD_LENGTH_MIN"]
        if not reasons and len(self._without_own_words(normalised, kwargs)) < least:
            reasons = [f"Beside your name and address at least {least} characters"]
        if not reasons and is_breached(normalised):
            reasons = ["Password is known from a breach"]
        return reasons, normalised

    def _without_own_words(self, password: str, about: dict[str, Any]) -> str:
        # They are not forbidden: they count for nothing.
        user = about.get("user")
        own = [about.get(name) or getattr(user, name, None) for name in OWN_WORDS]
        text = self.normalize(" ".join(filter(None, own))).casefold()
        words = re.findall(r"\S{4,}", text) + re.findall(r"[^\W_]{4,}", text)
        longest_first = map(re.escape, sorted(words, key=len, reverse=True))
        return re.sub("|".join(longest_first), "", password.casefold())


def is_breached(password: str) -> bool:
    """Ask PASSWORD_BREACH_URL, which learns the first 20 bits of a digest.

    False where none is set, or none answers: that is logged.
    """
    if not (url := current_app.config["PASSWORD_BREACH_URL"]):
        return False
    digest = sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    # Padding: the length of an answer shall not tell which one it is.
    question = Request(f"{url}/{digest[:5]}", headers={"Add-Padding": "true"})
    seconds = current_app.config["PASSWORD_BREACH_SECONDS"]
    try:
        with urlopen(question, timeout=seconds) as answer:
            known = answer.read(RANGE_BYTES_MAX).decode()
    except (OSError, HTTPException, ValueError) as error:
        audit("breaches not asked", reason=type(error).__name__)
        return False
    # What is only padding has the count 0.
    return bool(re.search(rf"^{digest[5:]}:0*[1-9]", known, re.MULTILINE))


class BoundedContext(CryptContext):
    """Hashes a few passwords at a time: each takes its memory and its core."""

    # First come, first served: a lock would let the luckiest in, and some never.
    line: ThreadPoolExecutor
    room: threading.BoundedSemaphore

    def hash(self, *args: Any, **kwargs: Any) -> str:
        """Hash, or raise ServiceUnavailable (503)."""
        return str(self._in_turn(super().hash, *args, **kwargs))

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        """Verify, or raise ServiceUnavailable (503)."""
        return bool(self._in_turn(super().verify, *args, **kwargs))

    def _in_turn(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self.room.acquire(blocking=False):
            raise busy()
        try:
            turn = self.line.submit(work, *args, **kwargs)
            wait([turn], WAIT_SECONDS)
            if turn.cancel():  # it had not begun
                raise busy()
            return turn.result()
        finally:
            self.room.release()
