"""Accounts, in tables auth_user and auth_role."""

from datetime import datetime
from typing import Any

from flask_security import RoleMixin, UserMixin, hash_password
from sqlalchemy import Column, ForeignKey, Index, String, Table, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..database import Base, UtcDateTime

user_roles = Table(
    "auth_user_role",
    Base.metadata,
    Column("user_id", ForeignKey("auth_user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("auth_role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base, RoleMixin):
    """What `roles_required` asks for, by its name."""

    __tablename__ = "auth_role"

    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))


class User(Base, UserMixin):
    """Someone who can log in."""

    __tablename__ = "auth_user"

    email: Mapped[str] = mapped_column(String(254))
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

    def verify_and_update_password(self, password: str) -> bool:
        """Check a password; a hash that no scheme can read never matches."""
        try:
            return super().verify_and_update_password(password)
        except ValueError:
            hash_password(password)  # the work of a real check: timing tells nothing
            return False

    def get_security_payload(self) -> dict[str, Any]:
        """What a login answers about the user, beside the token."""
        return {"id": self.id, "email": self.email}


# Two addresses differ by more than case, and a login finds its row by an index.
Index("uq_auth_user_email_lower", func.lower(User.email), unique=True)
