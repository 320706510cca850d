"""Drafts of `flask db migrate`: completed, so that they run as they are.

Alembic writes what differs between the models and the database. What it leaves open is
decided here, for SQLite, PostgreSQL and MariaDB alike: a draft may run on each of them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import click
from alembic.autogenerate import renderers
from alembic.operations import ops
from flask import current_app
from sqlalchemy import Column, Enum
from sqlalchemy.sql.elements import False_, True_

IndexOp = ops.CreateIndexOp | ops.DropIndexOp


class EnumOp(ops.MigrateOperation):
    """Create or drop the type of an Enum, which PostgreSQL has beside the tables."""

    def __init__(self, action: str, enum: Enum) -> None:
        """Take "create" or "drop", and the type."""
        self.action, self.enum = action, enum


@renderers.dispatch_for(EnumOp)
def render_enum(context: Any, step: EnumOp) -> str:
    """Write it into a draft: it does nothing on other databases."""
    labels = ", ".join(map(repr, step.enum.enums))
    enum = f"sa.Enum({labels}, name={step.enum.name!r})"
    return f"{enum}.{step.action}(op.get_bind(), checkfirst=True)"


def complete(context: Any, revision: Any, scripts: list[ops.MigrationScript]) -> None:
    """Complete a draft, or raise ClickException with what the models must say."""
    for script in scripts:
        upgrade, downgrade = script.upgrade_ops, script.downgrade_ops
        if upgrade is None or downgrade is None:
            continue
        if problems := [*find_problems(upgrade.ops)]:
            raise click.ClickException("\n".join(["No draft was written.", *problems]))
        for warning in find_renames(upgrade.ops):
            click.echo(warning, err=True)
        for column in find_new_columns(downgrade.ops):
            # The rows have no value for it any more.
            column.nullable = column.nullable or column.server_default is None
        upgrade.ops = [*arrange(upgrade.ops)]
        downgrade.ops = [*arrange(downgrade.ops)]


def find_new_columns(steps: Iterable[Any]) -> Iterator[Column[Any]]:
    """Yield the columns that are added to tables which may have rows."""
    for step in steps:
        if isinstance(step, ops.ModifyTableOps):
            yield from find_new_columns(step.ops)
        elif isinstance(step, ops.AddColumnOp):
            yield step.column


def find_problems(steps: list[Any]) -> Iterator[str]:
    """Yield why columns cannot be added, with what to do."""
    for step in steps:
        table = getattr(step, "table_name", None)
        new = [] if isinstance(step, ops.ModifyTableOps) else get_columns(step)
        for column in [*find_new_columns([step]), *new]:
            if isinstance(column.type, Enum) and not column.type.name:
                yield (
                    f"{table}.{column.name} is an Enum without a name, which "
                    f'PostgreSQL needs. Write: Enum(..., name="{column.name}")'
                )
        for column in find_new_columns([step]):
            if not column.nullable and column.server_default is None:
                yield (
                    f"{table}.{column.name} is NOT NULL and has no server_default: "
                    "rows that exist would have no value. Add a server_default, or "
                    "make it nullable first: docs/resources.md."
                )


def find_renames(steps: list[Any]) -> Iterator[str]:
    """Yield where a draft loses the values of a column that may be renamed."""
    for step in steps:
        parts = step.ops if isinstance(step, ops.ModifyTableOps) else []
        added = [column.name for column in find_new_columns([step])]
        for part in parts:
            if added and isinstance(part, ops.DropColumnOp):
                table = step.table_name
                yield (
                    f"{table}.{part.column_name} is dropped, and {table}.{added[0]} is "
                    "added. If it has a new name, its values would be lost: "
                    "docs/resources.md says how to rename it."
                )


def arrange(steps: list[Any]) -> Iterator[Any]:
    """Yield the steps, in an order and a form that each database can run."""
    dropped_tables = {s.table_name for s in steps if isinstance(s, ops.DropTableOp)}
    for step in steps:
        if isinstance(step, ops.ModifyTableOps) and step.table_name in dropped_tables:
            continue  # its indexes go with it; MariaDB needs them for foreign keys
        created = [EnumOp("create", enum) for enum in find_enums(step, ops.AddColumnOp)]
        dropped = [
            EnumOp("drop", enum)
            for enum in find_enums(step, ops.DropColumnOp, ops.DropTableOp)
            if not is_used_elsewhere(enum, step)
        ]
        yield from created
        if isinstance(step, ops.ModifyTableOps):
            yield from split(step)
        else:
            if isinstance(step, ops.CreateTableOp):
                # MariaDB keeps what a failed migration has done: it can run again.
                step.if_not_exists = True
            yield step
        yield from dropped


def split(table: ops.ModifyTableOps) -> Iterator[Any]:
    """Take indexes out of the batches, in which SQLite copies the table.

    Outside they can be repeated, as MariaDB needs it, and keep their order with the
    foreign keys that need them.
    """
    batch: list[Any] = []
    for step in [*table.ops, None]:
        if batch and (step is None or isinstance(step, IndexOp)):
            yield ops.ModifyTableOps(table.table_name, batch, schema=table.schema)
            batch = []
        if isinstance(step, ops.CreateIndexOp):
            step.if_not_exists = True
        if isinstance(step, ops.DropIndexOp):
            step.if_exists = True
        if isinstance(step, IndexOp):
            yield step
        elif step is not None:
            batch.append(step)


def get_columns(step: Any) -> list[Column[Any]]:
    """Return the columns that a step adds or drops."""
    match step:
        case ops.AddColumnOp():
            return [step.column]
        case ops.DropColumnOp():
            return [step.to_column()]
        case ops.CreateTableOp() | ops.DropTableOp():
            return list(step.to_table().columns)
        case ops.ModifyTableOps():
            return [column for part in step.ops for column in get_columns(part)]
    return []


def find_enums(step: Any, *kinds: type[Any]) -> Iterator[Enum]:
    """Yield the types with a name of their own that steps of some kinds have."""
    parts = step.ops if isinstance(step, ops.ModifyTableOps) else [step]
    for part in parts:
        for column in get_columns(part) if isinstance(part, kinds) else []:
            if isinstance(column.type, Enum) and column.type.native_enum:
                yield column.type


def is_used_elsewhere(enum: Enum, step: Any) -> bool:
    """Say whether other columns of the models have a type of this name."""
    dropped = {(step.table_name, column.name) for column in get_columns(step)}
    return any(
        isinstance(column.type, Enum)
        and column.type.name == enum.name
        and (table.name, column.name) not in dropped
        for table in current_app.extensions["migrate"].db.metadata.tables.values()
        for column in table.columns
    )


def render_item(kind: str, item: Any, context: Any) -> Any:
    """Write types of the app with their imports, and booleans for each database."""
    if kind == "server_default" and isinstance(item.arg, True_ | False_):
        return "sa.true()" if isinstance(item.arg, True_) else "sa.false()"
    name, module = type(item).__name__, type(item).__module__
    if kind != "type" or not module.startswith(f"{current_app.import_name}."):
        return False
    context.imports.add(f"from {module} import {name}")
    return f"{name}()"
