"""How a caller gets in, in one place.

A token in a header, or e-mail and password by HTTP Basic where HTTP_BASIC_AUTH is on.
Nothing in a URL, a body or a cookie counts.
"""

from typing import cast

from flask import Request, Response, current_app, g, request
from flask_security import Security
from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import Authorization, MultiDict

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
    select(User)
    .options(joinedload(User.roles))
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
    security.login_manager.request_loader(load_user)
    security.unauthn_handler(unauthenticated)
    security.unauthz_handler(unauthorized)


def load_user(request: Request) -> User | None:
    """Find who calls, once a request.

    An error of the database is raised, not taken for a bad token.
    """
    if "caller" not in g:
        g.caller = None if request.endpoint in ENTRANCES else _authenticate(request)
    return cast(User | None, g.caller)


def _authenticate(request: Request) -> User | None:
    if token := token_of(request):
        return user_of(token)
    if current_app.config["HTTP_BASIC_AUTH"]:
        return _user_of_basic(request)
    return None


def token_of(request: Request) -> str | None:
    """Return the token that a request carries, wherever a header may carry one."""
    if token := request.headers.get("Authentication-Token", "").strip():
        return token
    authorization = _authorization(request)
    if authorization and authorization.type == "bearer":
        return authorization.token
    return None


def _authorization(request: Request) -> Authorization | None:
    try:
        return request.authorization
    except ValueError:  # not Base64
        return None


def user_of(token: str) -> User | None:
    """Return the active user that a valid token of a live session stands for."""
    claims = tokens.read(token)
    if claims is None:
        return None
    g.family = claims["family"]
    return db.session.scalars(BY_TOKEN, claims).unique().one_or_none()


def _user_of_basic(request: Request) -> User | None:
    authorization = _authorization(request)
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
    return cast(User, form.user)


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
