"""Find and make accounts."""

from flask import current_app
from flask_security import hash_password, uia_email_mapper
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from ..database import db, utc_now
from ..logs import audit
from .models import User


class Refused(ValueError):
    """The account cannot be made; the message says why."""


def find(email: str) -> User | None:
    """Return the account with this address, in whatever case it is written."""
    address = uia_email_mapper(email) or ""
    return db.session.scalar(
        select(User).where(func.lower(User.email) == address.lower())
    )


def create(email: str, password: str) -> User:
    """Make an active account with a confirmed address, or raise Refused."""
    address = uia_email_mapper(email)
    if address is None:
        raise Refused(f"{email!r} is not an e-mail address that can be used")
    security = current_app.extensions["security"]
    reasons, password = security.password_util.validate(password, True, email=address)
    if reasons:
        raise Refused("; ".join(reasons))
    user: User = security.datastore.create_user(
        email=address, password=hash_password(password), confirmed_at=utc_now()
    )
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise Refused(f"there is an account {address!r} already") from None
    return user


def revoke_tokens(user: User) -> None:
    """End every token of the user, at once."""
    current_app.extensions["security"].datastore.set_uniquifier(user)
    db.session.commit()
    audit("tokens revoked", user=user.id)
