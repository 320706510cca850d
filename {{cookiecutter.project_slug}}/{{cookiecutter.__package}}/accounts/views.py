"""The account flows.

An email is sent whether or not there is an account, so that the response and the work
are the same: no enumeration. The token in it shows that its reader owns the address.
"""

from collections.abc import Collection
from typing import Any, cast

from flask import Blueprint, current_app, request
from itsdangerous import BadData, SignatureExpired
from sqlalchemy import select

from ..database import db, utc_now
from ..emails import notify, send_email
from ..logs import audit
from ..security import (
    InvalidAccountRequest,
    User,
    current_user,
    get_caller,
    token_required,
    users,
)
from ..security.passwords import USER_ATTRIBUTES
from ..security.rate_limits import check_rate_limit
from ..security.request_validation import EMAIL, PASSWORD, TOKEN
from ..security.tokens import get_serializer, load

Result = tuple[dict[str, Any], int]

# What a token in an email is good for.
TOKEN_PURPOSES = ("register", "reset", "change-email")

# The fields of each endpoint, with their maximum lengths.
FIELDS = {
    "accounts.register": EMAIL,
    "accounts.confirm_register": TOKEN | PASSWORD,
    "accounts.reset": EMAIL,
    "accounts.confirm_reset": TOKEN | PASSWORD,
    "accounts.change": PASSWORD | {"new_password": PASSWORD["password"]},
    "accounts.change_email": EMAIL | PASSWORD,
    "accounts.confirm_change_email": TOKEN,
}


def register() -> Result:
    """Send a token that creates an account, or the message that there is one."""
    email = users.require_email(_get_field("email"))
    _count_email("register", email)
    if users.find_user_by_email(email):
        send_email("registered", email)
    else:
        _send_token("register", email, email=email)
    return _make_result(202)


def confirm_register() -> Result:
    """Create the account. Only the reader of the email chooses its password."""
    email = _read_token("register")["email"]
    user = users.create_user(email, _get_field("password"))
    audit("account created", user=user.id)
    return _make_result(201, user=user.get_security_payload())


def reset() -> Result:
    """Send a token that sets a password, or the message that there is no account."""
    email = users.require_email(_get_field("email"))
    _count_email("reset", email)
    user = users.find_user_by_email(email)
    if user and user.active:
        _send_token("reset", user.email, uid=user.fs_uniquifier)
    else:
        send_email("unknown", email)
    return _make_result(202)


def confirm_reset() -> Result:
    """Set the new password. Every session ends: the user logs in again."""
    claims = _read_token("reset")
    _set_password(_find_user(claims), claims["uid"], "password")
    return _make_result(200)


@token_required
def change() -> Result:
    """Set a new password. Every session ends: the user logs in again."""
    _check_password(current_user)
    _set_password(current_user, get_caller().fs_uniquifier, "new_password")
    return _make_result(200)


@token_required
def change_email() -> Result:
    """Send a token to the new address, or the message that it has an account."""
    email = users.require_email(_get_field("email"))
    _check_password(current_user)
    _count_email("change-email", email)
    if users.find_user_by_email(email):
        send_email("registered", email)
    else:
        _send_token("change-email", email, uid=get_caller().fs_uniquifier, email=email)
    return _make_result(202)


@token_required
def confirm_change_email() -> Result:
    """Set the new e-mail address, for the user who requested it.

    Whoever else reads the email cannot use its token. Every session ends: the user logs
    in again.
    """
    claims = _read_token("change-email")
    if claims["uid"] != get_caller().fs_uniquifier:
        raise InvalidAccountRequest(
            "The link belongs to another account, or the account has changed: "
            "log in to the account that requested it, or request a new one."
        )
    new = {"email": claims["email"], "confirmed_at": utc_now()}
    _change_user(current_user, claims["uid"], "email", **new)
    return _make_result(200)


FLOWS = {
    "register": {"/register": register, "/register/confirm": confirm_register},
    "reset": {"/reset": reset, "/reset/confirm": confirm_reset},
    "change": {"/change": change},
    "change-email": {
        "/change-email": change_email,
        "/change-email/confirm": confirm_change_email,
    },
}


def make_blueprint(flows: Collection[str]) -> Blueprint:
    """Make the blueprint of some flows."""
    blueprint = Blueprint("accounts", __name__)
    for flow in flows:
        for path, view in FLOWS[flow].items():
            blueprint.post(path)(view)
    return blueprint


def _count_email(flow: str, email: str) -> None:
    # Before it is sent: many requests at the same time cannot pass the limit, and an
    # email that cannot be sent counts as well.
    check_rate_limit(flow, users.normalize_email(email), "EMAIL")(False)


def _get_field(name: str) -> str:
    return cast(str, request.get_json()[name])


def _send_token(purpose: str, recipient: str, **claims: str) -> None:
    token = get_serializer(purpose).dumps(claims)
    link = f"POST /{purpose}/confirm takes this token: {token}"
    # Of the setting only: a client can forge the Host header. What is behind the # is
    # in no request, no log and no Referer.
    if front_end := current_app.config["FRONT_END_URL"]:
        link = f"{front_end}/{purpose}/confirm#token={token}"
    age = current_app.config["ACCOUNT_TOKEN_MAX_AGE"].total_seconds()
    send_email(purpose, recipient, link=link, minutes=int(age // 60))


def _read_token(purpose: str) -> dict[str, str]:
    age = current_app.config["ACCOUNT_TOKEN_MAX_AGE"]
    try:
        claims = load(purpose, _get_field("token"), age)
    except (BadData, UnicodeError) as error:
        # Only invented tokens count, so that they do not close the flow to others.
        check_rate_limit(f"{purpose}/confirm")(isinstance(error, SignatureExpired))
        message = "The link is invalid or has expired: request a new one."
        raise InvalidAccountRequest(message) from None
    return cast(dict[str, str], claims)


def _find_user(claims: dict[str, str]) -> User:
    # A used token, a new password and a deactivation change the uniquifier.
    statement = select(User).where(User.fs_uniquifier == claims["uid"])
    if user := db.session.scalar(statement):
        return user
    message = "The link has been used, or the account has changed: request a new one."
    raise InvalidAccountRequest(message)


def _check_password(user: User) -> None:
    record = check_rate_limit("change", user.email)
    password = users.normalize_password(_get_field("password"))
    right = user.verify_and_update_password(password)
    record(right)
    if not right:
        raise InvalidAccountRequest("The password is wrong.", "password")


def _set_password(user: User, uniquifier: str, field: str) -> None:
    known = {name: getattr(user, name) for name in USER_ATTRIBUTES}
    db.session.rollback()  # hashing is slow: others can use the connection meanwhile
    password = users.hash_new_password(_get_field(field), field, **known)
    columns = {"password": password, "password_is_initial": False}
    _change_user(user, uniquifier, "password", **columns)


def _change_user(user: User, uniquifier: str, what: str, **columns: Any) -> None:
    email, user_id = user.email, user.id
    users.change_user(user_id, uniquifier, **columns)
    audit(f"{what} changed", user=user_id)
    notify(f"{what}-changed", email)


def _make_result(code: int, **response: Any) -> Result:
    return {"meta": {"code": code}, "response": response}, code
