"""How a caller gets in, in one place.

A token in a header, or e-mail and password by HTTP Basic where HTTP_BASIC_AUTH is on.
Nothing in a URL, a body or a cookie counts.
"""

from typing import cast

from flask import Request, Response, current_app, g, request
from flask_security import Security, UserMixin
from sqlalchemy import bindparam, select
from werkzeug.datastructures import MultiDict
from werkzeug.local import LocalProxy

from ..database import db
from ..errors import problem
from . import tokens
from .credentials import Credentials
from .models import RefreshTracker, User
from .passwords import LENGTH_MAX as PASSWORD_LENGTH_MAX

# These establish who calls; what the request says of it beforehand does not matter.
ENTRANCES = frozenset({"security.login", "security.refresh_token"})

# Built once: making a statement costs more than running it.
BY_TOKEN = (
    select(User.id)
    .join(RefreshTracker, RefreshTracker.user_id == User.id)
    .where(
        User.fs_uniquifier == bindparam("uniquifier"),
        User.active,
        RefreshTracker.refresh_family == bindparam("family"),
        RefreshTracker.revoked_at.is_(None),
    )
)


def init_app(security: Security) -> None:
    """Replace the library's ways in, and its answers to those who stay out."""
    security.login_manager.request_loader(load_caller)
    security.unauthn_handler(unauthenticated)
    security.unauthz_handler(unauthorized)


class Caller(UserMixin):
    """Who calls: enough to let them in. Their account is `current_user`."""

    active = True

    def __init__(self, id: int, fs_uniquifier: str) -> None:
        """Take what the token and its user's row say."""
        self.id = id
        self.fs_uniquifier = fs_uniquifier


def load_caller(request: Request) -> Caller | None:
    """Find who calls, once a request.

    An error of the database is raised, not taken for a bad token.
    """
    if "caller" not in g:
        g.caller = None if request.endpoint in ENTRANCES else _authenticate(request)
    return cast(Caller | None, g.caller)


def _account() -> UserMixin:
    if "account" not in g:
        caller = load_caller(request)
        user = db.session.get(User, caller.id) if caller else None
        library = current_app.extensions["security"]
        g.account = user or library.login_manager.anonymous_user()
    return cast(UserMixin, g.account)


# The account of who calls, loaded when a view asks: a token request needs a row of it.
current_user = cast(User, LocalProxy(_account))


def _authenticate(request: Request) -> Caller | None:
    if token := token_of(request):
        return caller_of(token)
    if current_app.config["HTTP_BASIC_AUTH"]:
        return _caller_of_basic(request)
    return None


def token_of(request: Request) -> str | None:
    """Return the token that a request carries, wherever a header may carry one."""
    if token := request.headers.get("Authentication-Token", "").strip():
        return token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def caller_of(token: str) -> Caller | None:
    """Return the active user that a valid token of a live session stands for."""
    claims = tokens.read(token)
    if claims is None:
        return None
    g.family = claims["family"]
    with current_app.extensions["lookups"].connect() as connection:
        user_id = connection.scalar(BY_TOKEN, claims)
    return Caller(user_id, claims["uniquifier"]) if user_id else None


def _caller_of_basic(request: Request) -> Caller | None:
    try:
        authorization = request.authorization
    except ValueError:  # not Base64
        return None
    if authorization is None or authorization.type != "basic":
        return None
    password = authorization.password or ""
    if len(password) > PASSWORD_LENGTH_MAX:
        return None
    # As POST /login does: the same checks, the same work when they fail.
    fields = {"email": authorization.username, "password": password}
    form = Credentials(MultiDict(fields))
    if not form.validate():
        return None
    db.session.commit()  # the hash may have been renewed
    g.account = cast(User, form.user)
    return Caller(g.account.id, g.account.fs_uniquifier)


def unauthenticated(
    mechanisms: list[str], headers: dict[str, str] | None = None
) -> Response:
    """Answer 401, with the challenges of RFC 6750 and RFC 7617."""
    sent = token_of(request) is not None
    answer = problem(
        401,
        "The token is not valid, or no longer: POST /login gives a new one."
        if sent
        else "This needs a token: POST /login gives one.",
    )
    if current_app.config["HTTP_BASIC_AUTH"]:
        realm = current_app.config["SECURITY_DEFAULT_HTTP_AUTH_REALM"]
        answer.headers.add("WWW-Authenticate", f'Basic realm="{realm}"')
    bearer = 'Bearer error="invalid_token"' if sent else "Bearer"
    answer.headers.add("WWW-Authenticate", bearer)
    return answer


def unauthorized(check: str, params: list[str] | None = None) -> Response:
    """Answer 403: we know who calls, and they may not."""
    return problem(403, "Your account does not have the role that this needs.")
