"""Find, create and change users."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any, cast

from flask import Flask, current_app
from flask_security import hash_password, uia_email_mapper
from sqlalchemy import CursorResult, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from ..database import db, utc_now
from ..errors import invalid_fields
from ..logs import audit
from .models import User, end_access
from .passwords import PasswordRules
from .rate_limits import set_account

# Built once: building a statement costs more than running it.
SELECT_USER_BY_EMAIL = select(User).where(User.email == bindparam("email"))


class InvalidAccountRequest(ValueError):
    """A user cannot be created or changed; the message says why.

    `field` is the field of the request that is the reason. A request gets 422.
    """

    def __init__(self, message: str, field: str = "token") -> None:
        """Say why, and where."""
        super().__init__(message)
        self.field = field


def init_app(app: Flask) -> None:
    """Answer InvalidAccountRequest with 422."""
    app.register_error_handler(
        InvalidAccountRequest, lambda error: invalid_fields({error.field: [str(error)]})
    )


def normalize_email(email: str) -> str | None:
    """Return the one form of an e-mail address; None: it is invalid."""
    return uia_email_mapper(email)


def require_email(email: str) -> str:
    """Return the one form of an e-mail address, or raise InvalidAccountRequest."""
    if address := normalize_email(email):
        return address
    message = f"{email!r} is not an e-mail address that can be used."
    raise InvalidAccountRequest(message, "email")


def find_user_by_email(email: str) -> User | None:
    """Return the user with this e-mail address, in whatever form it is written."""
    address = normalize_email(email) or ""
    return db.session.scalar(SELECT_USER_BY_EMAIL, {"email": address})


def create_user(email: str, password: str, **columns: Any) -> User:
    """Create an active, confirmed user, or raise InvalidAccountRequest."""
    address = require_email(email)
    password = hash_new_password(password, email=address)
    columns |= {"fs_uniquifier": token_hex(16), "confirmed_at": utc_now()}
    user = User(email=address, password=password, **columns)
    db.session.add(user)
    with _unique_email():
        db.session.commit()
    return user


def normalize_password(password: str) -> str:
    """Return a password in the Unicode form that is hashed (NIST SP 800-63B-4)."""
    return str(PasswordRules(current_app).normalize(password))


def hash_new_password(
    password: str, field: str = "password", **known: str | None
) -> str:
    """Hash a new password, or raise InvalidAccountRequest.

    `known` has the user's USER_ATTRIBUTES, as far as they are known.
    """
    set_account(known.get("email"))
    reasons, password = PasswordRules(current_app).validate(password, True, **known)
    if reasons:
        raise InvalidAccountRequest(" ".join(reasons), field)
    return str(hash_password(password))


def change_user(user_id: int, uniquifier: str, **columns: Any) -> None:
    """Change a user and end all their tokens, or raise InvalidAccountRequest.

    `uniquifier` is the one in the token that allows the change. Of several changes at
    the same time one succeeds: it ends the tokens of the others.
    """
    statement = update(User).where(User.fs_uniquifier == uniquifier, User.active)
    with _unique_email():
        end_access(db.session.connection(), user_id)
        result = db.session.execute(
            statement.values(fs_uniquifier=token_hex(16), **columns)
        )
        if cast(CursorResult[Any], result).rowcount != 1:
            db.session.rollback()
            raise InvalidAccountRequest("The account was changed by another request.")
        db.session.commit()


@contextmanager
def _unique_email() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        db.session.rollback()
        message = "Another account has this e-mail address."
        raise InvalidAccountRequest(message) from None


def revoke_tokens(user: User) -> None:
    """End every token of the user, at once."""
    user.fs_uniquifier = token_hex(16)
    db.session.commit()
    audit("tokens revoked", user=user.id)
