"""Export and erase what is stored about a user: GDPR, articles 15, 17 and 20."""

import json
from functools import partial
from typing import Any

from flask import Flask
from sqlalchemy import select

from ..database import db
from ..logs import audit
from .extension_points import get_extension_points
from .models import Session, User, end_access

# Not about the user, and of use to an attacker.
SECRET_COLUMNS = {"password", "password_is_initial", "fs_uniquifier", "key"}


def init_app(app: Flask) -> None:
    """Export the user's own row and sessions; features add theirs."""
    exports = get_extension_points(app).exports
    exports["user"] = partial(export_rows, User.id)
    exports["sessions"] = partial(export_rows, Session.user_id)


def export_rows(owner: Any, user_id: int) -> list[Any]:
    """Return a user's rows, in values that JSON has and without secrets.

    `owner` is the column with the user's id: Note.user_id.
    """
    table = owner.class_.__table__
    columns = [column for column in table.c if column.name not in SECRET_COLUMNS]
    rows = db.session.execute(select(*columns).where(owner == user_id)).mappings()
    exported: list[Any] = json.loads(
        json.dumps([dict(row) for row in rows], default=str)
    )
    return exported


def export_user(user: User) -> dict[str, Any]:
    """Return everything that is stored about a user, in values that JSON has."""
    exports = get_extension_points().exports
    return {name: export(user.id) for name, export in exports.items()}


def delete_user(user: User) -> None:
    """Delete a user, with everything that is stored about them."""
    user_id, connection = user.id, db.session.connection()
    end_access(connection, user_id)
    for erase in get_extension_points().erasures:
        erase(connection, user_id)
    db.session.delete(user)
    db.session.commit()
    audit("user deleted", user=user_id)
