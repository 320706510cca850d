"""Copy all rows from another database, to move up from SQLite: `flask copy-data`."""

from flask import Flask

from . import cli


def init_app(app: Flask) -> None:
    """Add the command."""
    app.cli.add_command(cli.copy_data)
