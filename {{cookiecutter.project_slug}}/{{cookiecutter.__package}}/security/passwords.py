"""Passwords: what a new one must be, and how many are hashed at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app
from flask_security import PasswordUtil, Security, hash_password, verify_password
from passlib.context import CryptContext
from werkzeug.exceptions import ServiceUnavailable

from ..database import db

# Checked before any other work on a password: normalising a long one is costly.
LENGTH_MAX = 256

# How many may wait for their turn, and how long: the others are told to come back.
WAITING = 8
WAIT_SECONDS = 10
RETRY_SECONDS = 5


def init_app(app: Flask, security: Security) -> None:
    """Bound the hashing that the library does."""
    at_once = app.config["HASHES_AT_ONCE"]
    bounded = BoundedContext(**security.pwd_context.to_dict())
    bounded.turns = threading.BoundedSemaphore(at_once)
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
    """The library's rules, and two of our own (NIST SP 800-63B-4, section 3.1.1.2)."""

    def validate(
        self, password: str, is_register: bool, **kwargs: Any
    ) -> tuple[list[str] | None, str]:
        """Return the reasons to refuse (None: it is good) and the normalised password.

        `kwargs` has the account's `email`, or its `user`.
        """
        if len(password) > LENGTH_MAX:
            return [f"Password must be at most {LENGTH_MAX} characters"], password
        reasons, normalised = super().validate(password, is_register, **kwargs)
        email = kwargs.get("email") or getattr(kwargs.get("user"), "email", None)
        if not reasons and email and normalised.casefold() == email.casefold():
            reasons = ["Password must not be the e-mail address"]
        return reasons, normalised


class BoundedContext(CryptContext):
    """Hashes a few passwords at a time: each takes its memory and its core."""

    turns: threading.BoundedSemaphore
    room: threading.BoundedSemaphore

    def hash(self, *args: Any, **kwargs: Any) -> str:
        """Hash, or raise ServiceUnavailable (503)."""
        with self._turn():
            return super().hash(*args, **kwargs)

    def verify(self, *args: Any, **kwargs: Any) -> bool:
        """Verify, or raise ServiceUnavailable (503)."""
        with self._turn():
            return super().verify(*args, **kwargs)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _held(self.room, 0), _held(self.turns, WAIT_SECONDS):
            yield


@contextmanager
def _held(places: threading.BoundedSemaphore, seconds: float) -> Iterator[None]:
    if not places.acquire(timeout=seconds):
        raise busy()
    try:
        yield
    finally:
        places.release()
