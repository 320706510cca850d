"""Checks of the files that hold the data: who can read them."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import current_app

from ..database import db
from ..security import Check


def find_readable_data(config: Mapping[str, Any]) -> str | None:
    """Check who can read the database of SQLite, its folder and its backups."""
    # Windows has no such modes.
    wide = os.name != "nt" and [path for path in list_data() if is_shared(path)]
    return f"Other users can read: {', '.join(map(str, wide))}." if wide else None


def list_data() -> list[Path]:
    """Return the folders of data that exist, and the databases in them."""
    found: set[Path] = set()
    folders = {Path(current_app.instance_path)}
    url = db.engine.url
    name = url.database or ""
    if url.get_backend_name() == "sqlite" and name.strip(":") not in ("", "memory"):
        file = Path(name.removeprefix("file:").partition("?")[0])
        folders.add(file.parent)
        # With its journals (-wal, -shm). It may have any name.
        found.update(file.parent.glob(f"{file.name}*"))
    for folder in filter(Path.is_dir, folders):
        found.update([folder, *folder.glob("*.db*")])
    return sorted(found)


def is_shared(path: Path) -> bool:
    """Say whether others than its owner may do something with a file or a folder."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o77)


CHECKS = [
    Check(
        "auth.E034",
        find_readable_data,
        "The database has the users, their password hashes and all data (ASVS 13.3.2).",
        "Run: chmod 700 FOLDER, and chmod 600 FILE. A database needs its own folder.",
    ),
]
