"""`flask auth`: accounts and tokens, from the command line."""

import json

import click
from click.core import ParameterSource
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy import select

from ..database import db
from . import checks, sessions, users
from .models import User

auth = AppGroup("auth", help="Accounts and tokens.")


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(auth)


@auth.command()
@click.option("--email", envvar="SEED_USER_EMAIL", show_envvar=True)
@click.option("--password", envvar="SEED_USER_PASSWORD", show_envvar=True)
@click.pass_context
def seed(context: click.Context, email: str | None, password: str | None) -> None:
    """Make the first user, if there is no account yet; with --email, another one."""
    if not email or not password:
        raise click.UsageError("Set SEED_USER_EMAIL and SEED_USER_PASSWORD.")
    if users.find(email):
        click.echo(f"{email} is there: left as it is.")
        return
    # The first user may have another address by now.
    by_hand = context.get_parameter_source("email") is ParameterSource.COMMANDLINE
    if not by_hand and db.session.scalar(select(User.id).limit(1)):
        click.echo(f"There are accounts already: {email} was not made.")
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
    user, age = _account(email), current_app.config["SECURITY_TOKEN_MAX_AGE"]
    if not user.active:
        raise click.ClickException(f"{email} is deactivated: no token would open.")
    click.echo(sessions.open_for_script(user, age))


@auth.command()
@click.argument("email")
def revoke(email: str) -> None:
    """End every token of EMAIL, at once."""
    users.revoke_tokens(_account(email))
    click.echo(f"Every token of {email} is revoked.")


@auth.command()
@click.option("--deploy", is_flag=True, help="As for production.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def check(deploy: bool, as_json: bool) -> None:
    """Tell what could be safer; exit with 1 if something is an error."""
    findings = list(checks.find(deploy))
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    elif not findings:
        click.echo("No findings.")
    else:
        for finding in findings:
            click.secho("{id} {severity}: {problem}".format(**finding), bold=True)
            click.echo("  {why}\n  Mend it: {fix}".format(**finding))
    if any(finding["severity"] == "error" for finding in findings):
        raise click.exceptions.Exit(1)


@auth.command()
def cleanup() -> None:
    """Delete the sessions that have ended by age."""
    click.echo(f"Deleted {sessions.cleanup()} ended sessions.")


def _account(email: str) -> User:
    if user := users.find(email):
        return user
    raise click.UsageError(f"There is no account {email!r}.")
