"""Find, make and change accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any, cast

from flask import current_app
from flask_security import hash_password, uia_email_mapper
from sqlalchemy import CursorResult, String, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from ..database import IgnoringCase, db, utc_now
from ..logs import audit
from .models import User

# Built once: making a statement costs more than running it.
BY_ADDRESS = select(User).where(
    IgnoringCase(User.email) == IgnoringCase(bindparam("address", type_=String))
)


class Refused(ValueError):
    """The account cannot be made, or changed; the message says why.

    `field` is the one of the request that is the reason.
    """

    def __init__(self, message: str, field: str = "token") -> None:
        """Say why, and where."""
        super().__init__(message)
        self.field = field


def one_spelling(email: str) -> str | None:
    """Return an address as it is counted, however it is written; None: it is none."""
    address = uia_email_mapper(email)
    return address.lower() if address else None


def find(email: str) -> User | None:
    """Return the account with this address, however it is written."""
    address = uia_email_mapper(email) or ""
    user = db.session.scalar(BY_ADDRESS, {"address": address})
    # MariaDB takes some letters for others: each would be a new way to guess.
    return user if user and user.email.lower() == address.lower() else None


def create(email: str, password: str) -> User:
    """Make an active account with a confirmed address, or raise Refused."""
    address = address_of(email)
    password = new_hash(password, email=address)
    user: User = current_app.extensions["security"].datastore.create_user(
        email=address, password=password, confirmed_at=utc_now()
    )
    with _unique_address():
        db.session.commit()
    return user


def address_of(email: str) -> str:
    """Return the address as it is kept, or raise Refused."""
    if address := uia_email_mapper(email):
        return str(address)
    raise Refused(f"{email!r} is not an e-mail address that can be used", "email")


def new_hash(password: str, field: str = "password", **about: str | None) -> str:
    """Hash a new password, or raise Refused.

    `about` has the owner's OWN_WORDS, as far as they are known.
    """
    rules = current_app.extensions["security"].password_util
    reasons, password = rules.validate(password, True, **about)
    if reasons:
        raise Refused("; ".join(reasons), field)
    return str(hash_password(password))


def change(uniquifier: str, **columns: Any) -> None:
    """Change an account and end all its tokens, or raise Refused.

    `uniquifier` is the one that the token had which allows it. Of several changes at
    once one is made: what allowed the others has ended with it.
    """
    as_it_was = update(User).where(User.fs_uniquifier == uniquifier, User.active)
    changes = as_it_was.values(fs_uniquifier=token_hex(16), **columns)
    with _unique_address():
        done = cast(CursorResult[Any], db.session.execute(changes))
        db.session.commit()
    if done.rowcount != 1:
        raise Refused("the account has been changed meanwhile")


@contextmanager
def _unique_address() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        db.session.rollback()
        raise Refused("there is an account with this address already") from None


def revoke_tokens(user: User) -> None:
    """End every token of the user, at once."""
    current_app.extensions["security"].datastore.set_uniquifier(user)
    db.session.commit()
    audit("tokens revoked", user=user.id)
