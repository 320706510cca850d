"""Write .env with new secrets: python first_run.py, in the project's folder.

Every variable that .env.example leaves empty gets a new secret. An existing .env is
never changed.
"""

import os
import re
import secrets
from pathlib import Path

import click
from dotenv import dotenv_values


@click.command()
def main() -> None:
    """Write .env with new secrets, readable by its owner only."""
    env = Path(".env")
    if env.exists():
        click.echo(f"{env} exists already. Nothing was changed.")
        return
    _write_private(env, _with_secrets(Path(".env.example").read_text("utf-8")))
    seed = dotenv_values(env)
    click.secho(f"Wrote {env} with new secrets. The seed user:", bold=True)
    click.echo(f"  email     {seed['SEED_USER_EMAIL']}")
    click.echo(f"  password  {seed['SEED_USER_PASSWORD']}")


def _with_secrets(example: str) -> str:
    return re.sub(
        r"^(\w+=)$",
        lambda empty: empty[1] + secrets.token_urlsafe(32),
        example,
        flags=re.MULTILINE,
    )


def _write_private(path: Path, text: str) -> None:
    # The file is created with this mode: at no moment can others read it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
