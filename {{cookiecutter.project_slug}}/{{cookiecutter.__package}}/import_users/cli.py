"""`flask auth import-users FILE`."""

import csv
from collections.abc import Iterator
from secrets import token_hex
from typing import IO

import click
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..database import db, utc_now
from ..logs import audit
from ..security import User
from ..security.cli import auth
from ..security.users import normalize_email
from .hashes import PREFIX, find_problem

REQUIRED = {"email", "password_hash"}
NAMES = ["first_name", "last_name"]
OPTIONAL = {*NAMES, "active"}
ACTIVE = {"true": True, "1": True, "": True, "false": False, "0": False}

# In characters: the columns have as many.
MAX_NAME_LENGTH = 80

# Addresses in one query.
BATCH = 500


@auth.command()
@click.argument("file", type=click.File(encoding="utf-8-sig"))
def import_users(file: IO[str]) -> None:
    """Import users with password hashes of another system from the CSV file FILE.

    Its first line names the columns: email, password_hash and, as you like, first_name,
    last_name and active (true or false). Known hashes are those of Django and Werkzeug,
    plain bcrypt and plain argon2. Users that exist are left as they are. If a line is
    wrong, nobody is imported.
    """
    users, problems = read_users(file)
    if problems:
        message = "\n  ".join(["Nobody was imported:", *problems])
        raise click.ClickException(message)
    existing = find_existing(list(users))
    db.session.add_all(user for email, user in users.items() if email not in existing)
    try:
        db.session.commit()
    except IntegrityError:
        # Without the driver's message: it may have the values of a row.
        message = "Nobody was imported: the users were changed meanwhile. Try again."
        raise click.ClickException(message) from None
    for email in sorted(existing):
        click.echo(f"{email} already exists. Nothing was changed.")
    count = len(users) - len(existing)
    audit("users imported", count=count)
    click.echo(f"Imported {count} users.")


def read_users(file: IO[str]) -> tuple[dict[str, User], list[str]]:
    """Return the users of a CSV file, and what is wrong with it."""
    users: dict[str, User] = {}
    problems: list[str] = []
    reader = csv.DictReader(file, restval="", strict=True)
    try:
        columns = set(reader.fieldnames or [])
        if not REQUIRED <= columns <= REQUIRED | OPTIONAL:
            names = ", ".join([*sorted(REQUIRED), *sorted(OPTIONAL)])
            return {}, [f"line 1: the columns are not those of: {names}"]
        for row in reader:
            email = normalize_email(row["email"]) or ""
            found = list(find_problems(row, email, email in users))
            problems += [f"line {reader.line_num}: {problem}" for problem in found]
            if not found:
                users[email] = make_user(email, row)
    except (csv.Error, UnicodeDecodeError) as error:
        problems.append(f"line {reader.line_num + 1}: {type(error).__name__}")
    return users, problems


def find_problems(row: dict[str, str], email: str, again: bool) -> Iterator[str]:
    """Yield what is wrong with a line, without its hash."""
    if None in row:
        yield "it has more fields than the first line"
    if not email:
        yield "it has no e-mail address that can be used"
    if again:
        yield "an earlier line has the same e-mail address"
    if problem := find_problem(row["password_hash"]):
        yield problem
    for name in NAMES:
        text = row.get(name, "")
        if len(text) > MAX_NAME_LENGTH or "\0" in text:
            yield f"{name} has more than {MAX_NAME_LENGTH} characters, or a NUL"
    if row.get("active", "").lower() not in ACTIVE:
        yield "active is neither true nor false"


def make_user(email: str, row: dict[str, str]) -> User:
    """Make a user of a line."""
    return User(
        email=email,
        password=PREFIX + row["password_hash"],
        active=ACTIVE[row.get("active", "").lower()],
        confirmed_at=utc_now(),
        fs_uniquifier=token_hex(16),
        **{name: row.get(name) or None for name in NAMES},
    )


def find_existing(emails: list[str]) -> set[str]:
    """Return which addresses have an account."""
    batches = [emails[i : i + BATCH] for i in range(0, len(emails), BATCH)]
    statements = [select(User.email).where(User.email.in_(batch)) for batch in batches]
    return {email for each in statements for email in db.session.scalars(each)}
