"""Access: who does a request stand for, and may they call?

A token in a header counts, and what features add to the credentials. Nothing in a URL,
a body or a cookie counts.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from flask import Flask, Request, Response, abort, current_app, request
from flask_security import UserMixin
from flask_security import auth_token_required as token_required
from sqlalchemy import bindparam, select
from werkzeug.local import LocalProxy

from ..database import db
from ..errors import problem
from . import tokens
from .extension_points import Credential, get_extension_points
from .library import make_anonymous_user
from .models import Session, User
from .rate_limits import count

__all__ = ["token_required"]

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

# Built once: building a statement costs more than running it.
is_caller = (User.fs_uniquifier == bindparam("uid")) & User.active
is_alive = (Session.key == bindparam("sid")) & Session.revoked_at.is_(None)
SELECT_CALLER_ID = select(User.id).join(User.sessions).where(is_caller, is_alive)

View = Callable[..., Any]
Guard = Callable[[View], View]


@dataclass(eq=False)
class Caller(UserMixin):
    """Who calls: enough to let them in. Their account is `current_user`."""

    id: int
    fs_uniquifier: str
    # What the credential allows; None: all that the account may do.
    scopes: Collection[str] | None = None
    # The session that a logout ends; None: the credential has none.
    session_key: str | None = None
    active = True


def init_app(app: Flask) -> None:
    """Accept access tokens."""
    credentials = get_extension_points(app).credentials
    credentials.append(Credential(get_token, find_caller_by_token))


def load_caller(request: Request) -> Caller | None:
    """Find who calls, once in a request.

    An error of the database is raised, not taken for an invalid token.
    """
    # With the request: an app context, as tests have one, may outlive it.
    if "auth.caller" not in request.environ:
        request.environ["auth.caller"] = _authenticate(request)
    return cast(Caller | None, request.environ["auth.caller"])


def get_caller() -> Caller:
    """Return who calls, in a guarded view."""
    return cast(Caller, load_caller(request))


def _authenticate(request: Request) -> UserMixin | None:
    for credential in get_extension_points().credentials:
        if (value := credential.read(request)) is not None:
            caller = credential.find_caller(value)
            # But for the logout: everybody can end their session.
            is_counted = request.endpoint != "sessions.logout"
            if caller and is_counted and request.method in WRITES:
                count("WRITE", user=str(cast(Caller, caller).id))
            return caller
    return None


def _load_account() -> UserMixin:
    if "auth.account" not in request.environ:
        caller = load_caller(request)
        user = db.session.get(User, caller.id) if caller else None
        request.environ["auth.account"] = user or make_anonymous_user()
    return cast(UserMixin, request.environ["auth.account"])


# The user who calls, loaded when a view asks: the guards need a row of it only.
current_user = cast(User, LocalProxy(_load_account))


def get_token(request: Request) -> str | None:
    """Return the token in a request's headers, if there is one."""
    if token := request.headers.get("Authentication-Token", "").strip():
        return token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def find_caller_by_token(token: str) -> Caller | None:
    """Return the active user of an access token whose session has not ended."""
    claims = tokens.read_token("access", token)
    if claims is None:
        return None
    with current_app.extensions["single_query_engine"].connect() as connection:
        user_id = connection.scalar(SELECT_CALLER_ID, claims)
    return Caller(user_id, claims["uid"], None, claims["sid"]) if user_id else None


def respond_unauthenticated(*_: Any) -> Response:
    """Answer 401, with the challenges of RFC 6750 and RFC 7617."""
    challenges = [kind.challenge for kind in get_extension_points().credentials]
    if get_token(request) is None:
        detail = "This endpoint requires a token. POST /login returns one."
        return refuse(detail, *challenges, "Bearer")
    detail = "The token is invalid or has expired. POST /login returns a new one."
    return refuse(detail, *challenges, 'Bearer error="invalid_token"')


def refuse(detail: str, *challenges: str | None) -> Response:
    """Answer 401, with what the response asks for."""
    response = problem(401, detail)
    for challenge in filter(None, challenges):
        response.headers.add("WWW-Authenticate", challenge)
    return response


def roles_required(*names: str) -> Guard:
    """Let in users who have all these roles; others get 403. Below `token_required`."""

    def check() -> None:
        if not set(names) <= {role.name for role in current_user.roles}:
            detail = "Your account does not have the role that this endpoint requires."
            abort(problem(403, detail))

    return _guard_with(check)


def scope_required(name: str) -> Guard:
    """Let in credentials with this scope; others get 403 (RFC 6750, section 3.1).

    The scope must be among the extension points' scopes. A login has every scope.
    """

    def check() -> None:
        if name not in get_extension_points().scopes:
            raise LookupError(f"The scope {name!r} is not declared.")
        scopes = get_caller().scopes
        if scopes is not None and name not in scopes:
            response = problem(403, f"The token does not have the scope {name}.")
            challenge = f'Bearer error="insufficient_scope", scope="{name}"'
            response.headers["WWW-Authenticate"] = challenge
            abort(response)

    return _guard_with(check)


def _guard_with(check: Callable[[], None]) -> Guard:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            check()
            return current_app.ensure_sync(view)(*args, **kwargs)

        return token_required(guarded)

    return decorate
