"""Extension points: where features meet this package, and each other.

A feature never imports another. Its init_app(app) adds to these lists and
dictionaries, which this package reads:

    get_extension_points(app).cleanups["old exports"] = delete_old_exports

To remove the feature removes what it added.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from flask import Flask, Request, Response, current_app
from flask_security import UserMixin
from sqlalchemy import Connection


class Credential(NamedTuple):
    """A kind of credential: the first kind that a request carries decides."""

    # What the request carries of this kind; None: nothing.
    read: Callable[[Request], Any]
    # Who it stands for; None: it is refused.
    find_caller: Callable[[Any], UserMixin | None]
    # What a 401 response asks for: WWW-Authenticate.
    challenge: str | None = None


class Check(NamedTuple):
    """A check of `flask auth check`. An id with E is an error, with W a warning."""

    id: str
    # Returns what is wrong, as a sentence, or None; it gets app.config.
    find_problem: Callable[[Mapping[str, Any]], str | None]
    why: str
    fix: str
    # Whether it matters in production only: --deploy.
    deploy: bool = False


@dataclass
class ExtensionPoints:
    """What the features of one app have added."""

    # Who does a request stand for? security/access.py asks, in this order.
    credentials: list[Credential] = field(default_factory=list)

    # Why is a new password refused? A sentence, or None.
    password_rules: list[Callable[[str], str | None]] = field(default_factory=list)

    # What is missing after the right password? A response that says so, or None.
    login_steps: list[Callable[[Any], Response | None]] = field(default_factory=list)

    # Hashes that this app has not made: what verifies a password against one, by the
    # text that it begins with in the database. It runs in the queue of hashes.
    password_hashes: dict[str, Callable[[str, str], bool]] = field(default_factory=dict)

    # What else ends with the sessions of a user: in the same transaction, on its
    # connection, given the user's id.
    access_ends: list[Callable[[Connection, int], None]] = field(default_factory=list)

    # What is stored about a user, as JSON, by its name; and what a deletion erases that
    # does not go with the user's row, on the connection of the transaction.
    exports: dict[str, Callable[[int], Any]] = field(default_factory=dict)
    erasures: list[Callable[[Connection, int], None]] = field(default_factory=list)

    # What `flask auth cleanup` deletes, by its name: each returns how many rows.
    cleanups: dict[str, Callable[[], int]] = field(default_factory=dict)

    # What makes /readyz 503: a sentence, or None; an error of the database does too.
    readiness: list[Callable[[], str | None]] = field(default_factory=list)

    # What `flask auth check` looks at.
    checks: list[Check] = field(default_factory=list)

    # The scopes that exist, each with what it allows: `scope_required` takes no other.
    scopes: dict[str, str] = field(default_factory=dict)


def init_app(app: Flask) -> None:
    """Start with nothing."""
    app.extensions["extension_points"] = ExtensionPoints()


def get_extension_points(app: Flask = current_app) -> ExtensionPoints:
    """Return what the features of an app have added."""
    points: ExtensionPoints = app.extensions["extension_points"]
    return points
