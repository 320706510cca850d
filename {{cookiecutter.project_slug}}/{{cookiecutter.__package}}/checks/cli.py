"""`flask auth check`: what is not safe, as Django's `check --deploy`."""

import json
from collections.abc import Iterator
from typing import Any

import click
from flask import current_app

from ..security import Check, get_extension_points
from ..security.cli import auth


def find_findings(deploy: bool) -> Iterator[dict[str, str]]:
    """Yield the findings; with `deploy`, also those that matter in production only."""
    for check in sorted(get_extension_points().checks, key=lambda check: check.id[-3:]):
        if check.id in current_app.config["SILENCED_CHECKS"]:
            continue
        if check.deploy and not deploy:
            continue
        if problem := find_problem(check):
            yield {
                "id": check.id,
                "severity": "error" if ".E" in check.id else "warning",
                "problem": problem,
                "why": check.why,
                "fix": check.fix,
            }


def find_problem(check: Check) -> str | None:
    """Run a check. What an error says may repeat a secret: its type is named only."""
    try:
        return check.find_problem(current_app.config)
    except Exception as error:
        return f"This cannot be checked: {type(error).__name__}."


@auth.command()
@click.option("--deploy", is_flag=True, help="Check for production.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(deploy: bool, as_json: bool) -> None:
    """Print what is not safe. Exits with 1 if a finding is an error."""
    findings: list[Any] = list(find_findings(deploy))
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    elif not findings:
        click.echo("No findings.")
    else:
        for finding in findings:
            click.secho("{id} {severity}: {problem}".format(**finding), bold=True)
            click.echo("  {why}\n  Fix: {fix}".format(**finding))
    if any(finding["severity"] == "error" for finding in findings):
        raise click.exceptions.Exit(1)
