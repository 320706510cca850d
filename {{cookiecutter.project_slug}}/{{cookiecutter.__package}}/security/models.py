"""Accounts and their sessions: tables auth_user, auth_role, auth_refresh_tracker."""

from datetime import datetime
from secrets import token_hex
from typing import Any

from flask import current_app, g
from flask_security import RefreshTrackerMixin, RoleMixin, UserMixin, hash_password
from sqlalchemy import Column, ForeignKey, Index, String, Table, update
from sqlalchemy.dialects.mysql import VARCHAR
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from ..database import Base, IgnoringCase, UtcDateTime, db
from . import passwords

user_roles = Table(
    "auth_user_role",
    Base.metadata,
    Column("user_id", ForeignKey("auth_user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("auth_role.id", ondelete="CASCADE"), primary_key=True),
)


# On MariaDB: in any case, but with its accents.
Address = String(254).with_variant(
    VARCHAR(254, collation="utf8mb4_uca1400_as_ci"), "mysql", "mariadb"
)


class Role(Base, RoleMixin):
    """What `roles_required` asks for, by its name."""

    __tablename__ = "auth_role"

    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))


class User(Base, UserMixin):
    """Someone who can log in."""

    __tablename__ = "auth_user"

    email: Mapped[str] = mapped_column(Address)
    password: Mapped[str | None] = mapped_column(String(255))
    first_name: Mapped[str | None] = mapped_column(String(80))
    last_name: Mapped[str | None] = mapped_column(String(80))

    # False: no login, and no token of theirs is accepted.
    active: Mapped[bool] = mapped_column(default=True)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # Stands for the user in tokens: a new value ends them all.
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)

    # Kept by Flask-Security at each login. 45 characters: the longest IPv6 text.
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    current_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_login_ip: Mapped[str | None] = mapped_column(String(45))
    current_login_ip: Mapped[str | None] = mapped_column(String(45))
    login_count: Mapped[int] = mapped_column(default=0)

    roles: Mapped[list[Role]] = relationship(secondary=user_roles)

    refresh_trackers: Mapped[list["RefreshTracker"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )

    @validates("current_login_ip", "last_login_ip")
    def _fit(self, _: str, address: str | None) -> str | None:
        # What a proxy names need not be an address.
        return address and address[:45]

    @validates("login_count")
    def _count(self, _: str, count: int) -> Any:
        # Added up by the database: of two log-ins at once both count.
        more = count - (self.login_count or 0)
        return User.login_count + more if self.id else count

    @validates("active")
    def _deactivate(self, _: str, active: bool) -> bool:
        # The tokens of now must not come back when the account does.
        if not active:
            self.fs_uniquifier = token_hex(16)
        return active

    def verify_and_update_password(self, password: str) -> bool:
        """Check a password; if it is right, renew a hash that is not as today's.

        Who is revoked, changed or deleted while it is hashed does not get in.
        """
        user_id, active, stored = self.id, self.active, self.password
        stands_for_them = self.fs_uniquifier
        right = passwords.verify(password, stored)
        context = current_app.extensions["security"].pwd_context
        if right and active and context.needs_update(stored):
            _replace_hash(user_id, stored, hash_password(password))
        # After a wrong password too: an unknown address costs a second query as well.
        now = db.session.get(User, user_id, populate_existing=True)
        return right and now is not None and now.fs_uniquifier == stands_for_them

    def augment_auth_token(self, tdata: dict[str, Any]) -> None:
        """Name the session in an access token: the caller's, or a new one."""
        tdata["sid"] = g.setdefault("family", token_hex(16))

    def get_security_payload(self) -> dict[str, Any]:
        """What a login answers about the user, beside the token."""
        return {"id": self.id, "email": self.email}


def _replace_hash(user_id: int, old: str | None, new: str) -> None:
    # Unless the user has a new password meanwhile.
    this = update(User).where(User.id == user_id, User.password == old)
    db.session.execute(this.values(password=new))


class RefreshTracker(Base, RefreshTrackerMixin):
    """A session: one login on one device, renewed by its refresh tokens."""

    __tablename__ = "auth_refresh_tracker"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("auth_user.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(64))
    # Tokens name the session by this.
    refresh_family: Mapped[str] = mapped_column(String(64), unique=True)
    # Counts the refresh tokens: all but the newest are spent.
    gen: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


# Two addresses differ by more than case, and a login finds its row by an index.
Index("uq_auth_user_email_lower", IgnoringCase(User.email), unique=True)
