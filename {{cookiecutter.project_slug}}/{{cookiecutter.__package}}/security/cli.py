"""`flask auth`: accounts and tokens, from the command line."""

import click
from flask import Flask
from flask.cli import AppGroup

from . import users
from .models import User

auth = AppGroup("auth", help="Accounts and tokens.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(auth)


@auth.command()
@click.option("--email", envvar="SEED_USER_EMAIL", show_envvar=True)
@click.option("--password", envvar="SEED_USER_PASSWORD", show_envvar=True)
def seed(email: str | None, password: str | None) -> None:
    """Make the first user, if there is none with that address."""
    if not email or not password:
        raise click.UsageError("Set SEED_USER_EMAIL and SEED_USER_PASSWORD.")
    if users.find(email):
        click.echo(f"{email} is there: left as it is.")
        return
    try:
        users.create(email, password)
    except users.Refused as reason:
        raise click.ClickException(f"SEED_USER: {reason}") from None
    click.echo(f"Made the user {email}.")


@auth.command()
@click.argument("email")
def token(email: str) -> None:
    """Print a fresh token of EMAIL, for scripts."""
    click.echo(_account(email).get_auth_token())


@auth.command()
@click.argument("email")
def revoke(email: str) -> None:
    """End every token of EMAIL, at once."""
    users.revoke_tokens(_account(email))
    click.echo(f"Every token of {email} is revoked.")


def _account(email: str) -> User:
    if user := users.find(email):
        return user
    raise click.UsageError(f"There is no account {email!r}.")
