"""Draft a migration and run it up, down and up, with rows. Runs in a project's environment.

    python migrating.py STEPS MODELS_URI

STEPS is JSON: the step up and the step down, or nothing to have them drafted. MODELS_URI is
an empty database, into which the models themselves make their tables, to compare with.
"""

import json
import os
import sys
from pathlib import Path

sys.path[0] = os.getcwd()

# ruff: noqa: E402
import token_auth_api
from flask_migrate import downgrade, migrate, revision, upgrade
from sqlalchemy import create_engine, inspect, text

MARIADB_COLLATIONS = """
    SELECT table_name, column_name, character_set_name, collation_name
    FROM information_schema.columns WHERE table_schema = DATABASE()
"""


def read_schema(engine):
    """Return all that a database says of its tables, by name."""
    inspector = inspect(engine)
    inspector.clear_cache()
    schema = {}
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        columns = inspector.get_columns(table)
        schema[table] = {
            "columns": {
                c["name"]: (str(c["type"]), c["nullable"], normalize(c["default"])) for c in columns
            },
            "primary key": inspector.get_pk_constraint(table),
            "unique": by_name(inspector.get_unique_constraints(table)),
            "indexes": by_name(inspector.get_indexes(table)),
            "foreign keys": by_name(inspector.get_foreign_keys(table)),
        }
    if engine.dialect.name == "mysql":
        with engine.connect() as connection:
            rows = connection.execute(text(MARIADB_COLLATIONS)).all()
        schema["collations"] = {tuple(row[:2]): tuple(row[2:]) for row in rows}
        schema["collations"].pop(("alembic_version", "version_num"), None)
    return {name: sort(described) for name, described in schema.items()}


def sort(value):
    if not isinstance(value, dict):
        return str(value)
    return sorted([str(key), sort(item)] for key, item in value.items())


def by_name(items):
    return {item["name"]: {**item, "name": ""} for item in items}


def normalize(default):
    """Return a default as text: databases write brackets, quotes and casts around it."""
    return default and str(default).split("::")[0].strip("()'").lower()


def add_rows(engine):
    """Add a user and two notes, as SQL: the models may not fit the tables yet."""
    moment = "'2026-01-31 12:00:00'"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO auth_user (id, created_at, modified_at, email, active, "
            "password_is_initial, fs_uniquifier, login_count) VALUES "
            f"(1, {moment}, {moment}, 'ada@example.com', true, false, 'a', 0)"
        )
        for number in (1, 2):
            connection.exec_driver_sql(
                "INSERT INTO note (id, created_at, modified_at, user_id, title, text, version) "
                f"VALUES ({number}, {moment}, {moment}, 1, 'Note {number}', 'Text', 1)"
            )


def count_rows(engine):
    with engine.connect() as connection:
        counts = [f"SELECT count(*) FROM {table}" for table in ("auth_user", "note")]
        return [connection.exec_driver_sql(count).scalar() for count in counts]


def main(steps, models_uri):
    """Print what differs as JSON; nothing differs if every list is empty."""
    app = token_auth_api.create_app()
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        engine = database.engine
        upgrade(revision="0003")
        add_rows(engine)
        before = read_schema(engine)
        if steps := json.loads(steps):
            revision(message="Change", rev_id="0004")
            file = Path("migrations/versions/0004_change.py")
            up, down = steps
            text = file.read_text("utf-8").replace("    pass", up, 1)
            file.write_text(text.replace("    pass", down, 1), "utf-8")
        else:
            migrate(message="Change", rev_id="0004")
        upgrade()
        after = read_schema(engine)
        downgrade(revision="0003")
        back = read_schema(engine)
        upgrade()
        again = read_schema(engine)
        models = create_engine(models_uri)
        database.metadata.create_all(models)
        differences = {
            "changed": before != after,
            "down": find_differences(before, back),
            "up again": find_differences(after, again),
            "models": find_differences(read_schema(models), again),
            "rows": count_rows(engine),
        }
    print(json.dumps(differences))


def find_differences(expected, found):
    keys = sorted({*expected, *found})
    return [(k, expected.get(k), found.get(k)) for k in keys if expected.get(k) != found.get(k)]


if __name__ == "__main__":
    main(*sys.argv[1:])
