"""Users, roles and sessions: tables auth_user, auth_role, auth_session."""

from datetime import datetime
from secrets import token_hex
from typing import Any

from flask_security import RoleMixin, UserMixin, hash_password
from sqlalchemy import Column, Connection, ForeignKey, String, Table, inspect, update
from sqlalchemy.dialects.mysql import VARCHAR
from sqlalchemy.event import listens_for
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from ..database import Base, UtcDateTime, db, utc_now
from . import email_addresses, passwords
from .extension_points import get_extension_points

user_roles = Table(
    "auth_user_role",
    Base.metadata,
    Column("user_id", ForeignKey("auth_user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("auth_role.id", ondelete="CASCADE"), primary_key=True),
)


# Equal by code points, on MariaDB too: email_addresses.py gives each address one form.
EmailAddress = String(254).with_variant(
    VARCHAR(254, collation="utf8mb4_bin"), "mysql", "mariadb"
)


class Role(Base, RoleMixin):
    """What `roles_required` asks for, by its name."""

    __tablename__ = "auth_role"

    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))


class User(Base, UserMixin):
    """Someone who can log in."""

    __tablename__ = "auth_user"

    email: Mapped[str] = mapped_column(EmailAddress, unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    first_name: Mapped[str | None] = mapped_column(String(80))
    last_name: Mapped[str | None] = mapped_column(String(80))

    # Whether it is still the one that `flask auth seed` was given.
    password_is_initial: Mapped[bool] = mapped_column(default=False)

    # False: no login, and no token of the user is accepted.
    active: Mapped[bool] = mapped_column(default=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # Names the user in tokens: a new value ends them all.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)

    # Kept by Flask-Security at each login. 45 characters: the longest IPv6 text.
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    current_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_login_ip: Mapped[str | None] = mapped_column(String(45))
    current_login_ip: Mapped[str | None] = mapped_column(String(45))
    login_count: Mapped[int] = mapped_column(default=0)

    roles: Mapped[list[Role]] = relationship(secondary=user_roles)

    sessions: Mapped[list["Session"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, back_populates="user"
    )

    @validates("email")
    def _normalize_email(self, _: str, email: str) -> str:
        return email_addresses.normalize(email)

    @validates("active")
    def _end_tokens(self, _: str, active: bool) -> bool:
        # Today's tokens must stay invalid when the user is activated again.
        if not active:
            self.fs_uniquifier = token_hex(16)
        return active

    def verify_and_update_password(self, password: str) -> bool:
        """Check a password; if it is right, replace a hash with outdated parameters.

        A user who is revoked, changed or deleted in the meantime is refused.
        """
        # Read now: the row may be gone after the hash.
        user_id, active, stored = self.id, self.active, self.password
        uniquifier = self.fs_uniquifier
        right = passwords.verify(password, stored)
        if not (right and active):
            return right
        if passwords.needs_new_hash(stored):
            _replace_hash(user_id, stored, hash_password(password))
        now = db.session.get(User, user_id, populate_existing=True)
        return now is not None and now.fs_uniquifier == uniquifier

    def get_security_payload(self) -> dict[str, Any]:
        """Return what a login answers about the user, beside the tokens."""
        return {"id": self.id, "email": email_addresses.to_unicode(self.email)}


def _replace_hash(user_id: int, old: str | None, new: str) -> None:
    # Unless the user has a new password in the meantime.
    statement = update(User).where(User.id == user_id, User.password == old)
    db.session.execute(statement.values(password=new))


class Session(Base):
    """A session: one login on one device, kept alive by its refresh tokens."""

    __tablename__ = "auth_session"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("auth_user.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(64))
    # Names the session in tokens.
    key: Mapped[str] = mapped_column(String(64), unique=True)
    # Counts the refresh tokens: all but the newest are spent.
    generation: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship(back_populates="sessions")


def end_access(connection: Connection, user_id: int) -> None:
    """End the sessions of a user, and what features have added, in this transaction."""
    is_alive = (Session.user_id == user_id) & Session.revoked_at.is_(None)
    connection.execute(update(Session).where(is_alive).values(revoked_at=utc_now()))
    for end in get_extension_points().access_ends:
        end(connection, user_id)


@listens_for(User, "before_update")
def _end_access_with_tokens(_: Any, connection: Connection, user: User) -> None:
    # Before the user's row: a login locks the rows in this order too.
    if inspect(user).attrs.fs_uniquifier.history.has_changes():
        end_access(connection, user.id)
    if inspect(user).attrs.password.history.has_changes():
        user.password_is_initial = False
