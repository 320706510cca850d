"""Access: who does a request stand for, and may they call?

By default a token in a header counts, and where HTTP_BASIC_AUTH is on an e-mail address
and a password. Nothing in a URL, a body or a cookie counts.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from flask import Flask, Request, Response, abort, current_app, g, request
from flask_security import Security, UserMixin
from flask_security import auth_token_required as token_required
from sqlalchemy import bindparam, select
from werkzeug.datastructures import Authorization, MultiDict
from werkzeug.local import LocalProxy

from ..database import db
from ..errors import problem
from . import passwords, tokens
from .extension_points import Credential, get_extension_points
from .library import get_library
from .login import LoginCredentials
from .models import Session, User
from .rate_limits import count_write

__all__ = ["token_required"]

# They establish who calls: what credentials the request has does not matter.
LOGIN_ENDPOINTS = frozenset({"security.login", "security.refresh_token"})

# Counted for each user, but for the logout: everybody can end their session.
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
LOGOUT = "sessions.logout"

# Built once: building a statement costs more than running it.
is_caller = (User.fs_uniquifier == bindparam("uniquifier")) & User.active
is_alive = (Session.key == bindparam("key")) & Session.revoked_at.is_(None)
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
    active = True


def init_app(app: Flask, library: Security) -> None:
    """Replace the library's authentication, and its 401 responses."""
    library.login_manager.request_loader(load_caller)
    library.unauthn_handler(respond_unauthenticated)
    credentials = get_extension_points(app).credentials
    credentials.append(Credential(get_token, find_caller_by_token))
    if app.config["HTTP_BASIC_AUTH"]:
        credentials.append(Credential(get_basic_credentials, find_caller_by_password))


def load_caller(request: Request) -> Caller | None:
    """Find who calls, once in a request.

    An error of the database is raised, not taken for an invalid token.
    """
    if "caller" not in g:
        login = request.endpoint in LOGIN_ENDPOINTS
        g.caller = None if login else _authenticate(request)
    return cast(Caller | None, g.caller)


def _authenticate(request: Request) -> UserMixin | None:
    for credential in get_extension_points().credentials:
        if (value := credential.read(request)) is not None:
            caller = credential.find_caller(value)
            if caller and request.method in WRITES and request.endpoint != LOGOUT:
                count_write(cast(Caller, caller).id)
            return caller
    return None


def _load_account() -> UserMixin:
    if "account" not in g:
        caller = load_caller(request)
        user = db.session.get(User, caller.id) if caller else None
        g.account = user or get_library().login_manager.anonymous_user()
    return cast(UserMixin, g.account)


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
    claims = tokens.read_access_token(token)
    if claims is None:
        return None
    g.session_key = claims["key"]
    with current_app.extensions["single_query_engine"].connect() as connection:
        user_id = connection.scalar(SELECT_CALLER_ID, claims)
    return Caller(user_id, claims["uniquifier"]) if user_id else None


def get_basic_credentials(request: Request) -> Authorization | None:
    """Return the address and password of HTTP Basic, if they are there."""
    try:
        authorization = request.authorization
    except ValueError:  # not Base64
        return None
    is_basic = authorization is not None and authorization.type == "basic"
    return authorization if is_basic else None


def find_caller_by_password(authorization: Authorization) -> Caller | None:
    """Return the user, after the checks of POST /login and with the same work."""
    password = authorization.password or ""
    if len(password) > passwords.MAX_LENGTH:
        return None
    fields = {"email": authorization.username, "password": password}
    form = LoginCredentials(MultiDict(fields))
    if not form.validate():
        return None
    db.session.commit()  # the hash may have been replaced
    g.account = cast(User, form.user)
    return Caller(g.account.id, g.account.fs_uniquifier)


def respond_unauthenticated(
    mechanisms: list[str] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """Answer 401, with the challenges of RFC 6750 and RFC 7617."""
    has_token = get_token(request) is not None
    response = problem(
        401,
        "The token is invalid or has expired. POST /login returns a new one."
        if has_token
        else "This endpoint requires a token. POST /login returns one.",
    )
    if current_app.config["HTTP_BASIC_AUTH"]:
        realm = current_app.config["SECURITY_DEFAULT_HTTP_AUTH_REALM"]
        response.headers.add("WWW-Authenticate", f'Basic realm="{realm}"')
    bearer = 'Bearer error="invalid_token"' if has_token else "Bearer"
    response.headers.add("WWW-Authenticate", bearer)
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
        if g.caller.scopes is not None and name not in g.caller.scopes:
            response = problem(403, f"The token does not have the scope {name}.")
            challenge = f'Bearer error="insufficient_scope", scope="{name}"'
            response.headers["WWW-Authenticate"] = challenge
            abort(response)

    return _guard_with(check)


def _guard_with(check: Callable[[], None]) -> Guard:
    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if load_caller(request) is None:
                abort(respond_unauthenticated())
            check()
            return current_app.ensure_sync(view)(*args, **kwargs)

        return guarded

    return decorate
