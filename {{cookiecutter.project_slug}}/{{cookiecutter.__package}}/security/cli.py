"""`flask auth`: users, tokens and sessions on the command line."""

import json

import click
from click.core import ParameterSource
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy import select

from ..database import db
from . import sessions, user_data, users
from .extension_points import get_extension_points
from .models import User

auth = AppGroup("auth", help="Users, tokens and sessions.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(auth)


@auth.command()
@click.option("--email", envvar="SEED_USER_EMAIL", show_envvar=True)
@click.option("--password", envvar="SEED_USER_PASSWORD", show_envvar=True)
@click.pass_context
def seed(context: click.Context, email: str | None, password: str | None) -> None:
    """Create the seed user, if there is no user yet; with --email, another user."""
    if not email or not password:
        raise click.UsageError("Set SEED_USER_EMAIL and SEED_USER_PASSWORD.")
    if users.find_user_by_email(email):
        click.echo(f"The user {email} already exists. Nothing was changed.")
        return
    # The seed user may have another address by now.
    typed = context.get_parameter_source("email") is ParameterSource.COMMANDLINE
    if not typed and db.session.scalar(select(User.id).limit(1)):
        message = f"There are users already, so the seed user {email} was not created."
        click.echo(message)
        return
    try:
        users.create_user(email, password, password_is_initial=True)
    except users.InvalidAccountRequest as error:
        name = f"SEED_USER_{error.field.upper()}"
        raise click.ClickException(f"{name}: {error}") from None
    click.echo(f"Created the user {email}.")


@auth.command()
@click.argument("email")
def token(email: str) -> None:
    """Print a new access token of EMAIL, for scripts."""
    user, age = _require_user(email), current_app.config["SECURITY_TOKEN_MAX_AGE"]
    if not user.active:
        raise click.ClickException(f"{email} is deactivated: a token would be refused.")
    click.echo(sessions.create_session_for_script(user, age))


@auth.command()
@click.argument("email")
def revoke(email: str) -> None:
    """End every session and token of EMAIL, at once."""
    users.revoke_tokens(_require_user(email))
    click.echo(f"Revoked every token of {email}.")


@auth.command()
@click.argument("email")
def export_user(email: str) -> None:
    """Print everything that is stored about EMAIL, as JSON."""
    user = _require_user(email)
    click.echo(json.dumps(user_data.export_user(user), indent=2))


@auth.command()
@click.argument("email")
@click.confirmation_option(prompt="Delete the user, with everything stored about them?")
def delete_user(email: str) -> None:
    """Delete EMAIL, with everything that is stored about the user."""
    user_data.delete_user(_require_user(email))
    click.echo(f"Deleted the user {email}.")


@auth.command()
def cleanup() -> None:
    """Delete what has ended: sessions, and what features add."""
    for name, delete in get_extension_points().cleanups.items():
        click.echo(f"Deleted {delete()} {name}.")


def _require_user(email: str) -> User:
    if user := users.find_user_by_email(email):
        return user
    raise click.UsageError(f"No user has the e-mail address {email!r}.")
