"""Accounts that their users manage: ACCOUNTS names the parts that are served.

A letter goes out whether or not there is an account, so that the answer and the work
are the same. The token in it shows whose the address is.
"""

from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_security import auth_token_required as token_required
from flask_security import check_and_get_token_status
from sqlalchemy import select

from ..database import db, utc_now
from ..errors import problem
from ..logs import audit
from . import letters, limits, users
from .access import current_user
from .models import User
from .passwords import OWN_WORDS

Answer = tuple[dict[str, Any], int]


def init_app(app: Flask) -> None:
    """Serve the parts, and send letters."""
    letters.init_app(app)
    blueprint = Blueprint("accounts", __name__)
    for part in app.config["ACCOUNTS"]:
        for path, view in PARTS[part].items():
            blueprint.post(path)(view)
    blueprint.register_error_handler(users.Refused, _refused)
    app.register_blueprint(blueprint)


def register() -> Answer:
    """Send a token that makes an account, or word that there is one."""
    address = users.address_of(_field("email"))
    _count_letter(address)
    kind = "registered" if users.find(address) else "register"
    _send(kind, address, "confirm", email=address)
    return _answer(202)


def confirm_register() -> Answer:
    """Make the account. Whoever has the letter chooses the password, nobody else."""
    user = users.create(_claims("confirm")["email"], _field("password"))
    audit("account made", user=user.id)
    return _answer(201, user=user.get_security_payload())


def reset() -> Answer:
    """Send a token that sets a new password, or word that there is no account."""
    address = users.address_of(_field("email"))
    _count_letter(address)
    user = users.find(address)
    if user and user.active:
        _send("reset", user.email, "reset", uid=user.fs_uniquifier)
    else:
        _send("unknown", address, "reset")
    return _answer(202)


def confirm_reset() -> Answer:
    """Set the new password. Every session ends: the user logs in again."""
    claims = _claims("reset")
    _set_password(_account(claims), claims["uid"], "password")
    return _answer(200)


@token_required
def change() -> Answer:
    """Set a new password. Every session ends: the user logs in again."""
    _check_password(current_user)
    _set_password(current_user, g.caller.fs_uniquifier, "new_password")
    return _answer(200)


@token_required
def change_email() -> Answer:
    """Send a token to the new address, or word that it has an account."""
    address = users.address_of(_field("email"))
    _check_password(current_user)
    _count_letter(address)
    kind = "registered" if users.find(address) else "change-email"
    claims = {"uid": g.caller.fs_uniquifier, "email": address}
    _send(kind, address, "change_email", **claims)
    return _answer(202)


def confirm_change_email() -> Answer:
    """Take the new address. Every session ends: the user logs in again."""
    claims = _claims("change_email")
    new = {"email": claims["email"], "confirmed_at": utc_now()}
    _change(_account(claims), claims["uid"], "address", **new)
    return _answer(200)


PARTS = {
    "register": {"/register": register, "/register/confirm": confirm_register},
    "reset": {"/reset": reset, "/reset/confirm": confirm_reset},
    "change": {"/change": change},
    "change-email": {
        "/change-email": change_email,
        "/change-email/confirm": confirm_change_email,
    },
}


def _count_letter(address: str) -> None:
    # Before it is sent: of many at once none is too many, and one that fails counts.
    limits.attempt(users.one_spelling(address), "LETTER")(False)


def _field(name: str) -> str:
    return cast(str, request.get_json()[name])


def _send(kind: str, address: str, purpose: str, **claims: str) -> None:
    serializer = getattr(current_app.extensions["security"], f"{purpose}_serializer")
    letters.send(kind, address, serializer.dumps(claims))


def _claims(purpose: str) -> dict[str, str]:
    settle = limits.attempt()
    age = current_app.config["ACCOUNT_TOKEN_MAX_AGE"]
    expired, invalid, claims = check_and_get_token_status(_field("token"), purpose, age)
    settle(not invalid)
    if expired or invalid:
        raise users.Refused("It is not valid, or no longer: ask for a new letter.")
    return cast(dict[str, str], claims)


def _account(claims: dict[str, str]) -> User:
    # Every use of a token, and deactivation, gives the account another uniquifier.
    named = select(User).where(User.fs_uniquifier == claims["uid"])
    if user := db.session.scalar(named):
        return user
    raise users.Refused("It has been used, or the account has changed.")


def _check_password(user: User) -> None:
    settle = limits.attempt(users.one_spelling(user.email))
    rules = current_app.extensions["security"].password_util
    right = user.verify_and_update_password(rules.normalize(_field("password")))
    settle(right)
    if not right:
        raise users.Refused("It is not right.", "password")


def _set_password(user: User, uniquifier: str, field: str) -> None:
    about = {word: getattr(user, word) for word in OWN_WORDS}
    db.session.rollback()  # hashing takes long, and others need the connection
    password = users.new_hash(_field(field), field, **about)
    _change(user, uniquifier, "password", password=password)


def _change(user: User, uniquifier: str, what: str, **columns: Any) -> None:
    email = user.email
    users.change(uniquifier, **columns)
    audit(f"{what} changed", user=user.id)
    letters.tell(f"{what}-changed", email)


def _answer(code: int, **response: Any) -> Answer:
    return {"meta": {"code": code}, "response": response}, code


def _refused(reason: users.Refused) -> Response:
    errors = {reason.field: [str(reason)]}
    return problem(422, "The fields are not as they should be.", errors)
