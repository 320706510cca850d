"""How `flask db` runs the migrations: on the app's own engine."""

import warnings
from logging.config import fileConfig

from alembic import context
from flask import current_app

fileConfig(str(context.config.config_file_name), disable_existing_loggers=False)

# An index on an expression is written by hand: no two engines show it alike.
BY_HAND = {"uq_auth_user_email_lower"}
warnings.filterwarnings("ignore", ".*expression-based index")

migrate = current_app.extensions["migrate"]
settings = {
    "target_metadata": migrate.db.metadata,
    "include_object": lambda _, name, *__: name not in BY_HAND,
    **migrate.configure_args,
}


def run_offline() -> None:
    """Print the SQL (`flask db upgrade --sql`), for someone else to run."""
    context.configure(
        dialect_name=migrate.db.engine.dialect.name, literal_binds=True, **settings
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Change the database."""
    with migrate.db.engine.connect() as connection:
        context.configure(connection=connection, **settings)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
