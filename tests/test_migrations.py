"""Drafts of migrations run as they are: up, down and up, with rows, on each database."""

import contextlib
import json
import os
import re
import textwrap

import pytest
import requests
from conftest import ROOT, SERVERS, new_database, run, seed_user
from sqlalchemy import create_engine
from test_databases import try_flask

pytestmark = pytest.mark.full

DATABASES = ["sqlite", *SERVERS]
NOTE, USER = "notes/models.py", "security/models.py"

# After these lines of the models a column is added.
LAST_COLUMN = {
    NOTE: "    text: Mapped[str] = mapped_column(Text)\n",
    USER: "    last_name: Mapped[str | None] = mapped_column(String(80))\n",
}


def add(column, file=NOTE, imports=""):
    """Return a change of the models that adds a line."""
    line = LAST_COLUMN[file]
    return {
        file: {line: f"{line}    {column}\n", "\nfrom sqlalchemy": f"\n{imports}\nfrom sqlalchemy"}
    }


NEW_TABLE = """

class Tag(Base):
    __tablename__ = "tag"
    note_id: Mapped[int] = mapped_column(
        ForeignKey("note.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(Enum("a", "b", name="kind"))
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
"""
NEW_TABLE_IMPORTS = "from datetime import datetime\nfrom sqlalchemy import Enum\n"
BOOLEAN = "mapped_column(Boolean, server_default=false())"
BOOLEAN_IMPORTS = "from sqlalchemy import Boolean, false"
ENUM = 'mapped_column(Enum("low", "high", name="level")'
CHANGES = {
    "nullable column": add("colour: Mapped[str | None] = mapped_column(String(20))"),
    "NOT NULL column": add('priority: Mapped[int] = mapped_column(server_default="3")'),
    "boolean": add(f"done: Mapped[bool] = {BOOLEAN}", imports=BOOLEAN_IMPORTS),
    "unique column": add("slug: Mapped[str | None] = mapped_column(String(50), unique=True)"),
    "longer string": {NOTE: {"String(200)": "String(300)"}},
    "nullable instead of NOT NULL": {NOTE: {"text: Mapped[str]": "text: Mapped[str | None]"}},
    "foreign key with index": add(
        'parent_id: Mapped[int | None] = mapped_column(ForeignKey("note.id"), index=True)'
    ),
    "foreign key": add(
        "editor_id: Mapped[int | None] = mapped_column("
        'ForeignKey("auth_user.id", ondelete="SET NULL"))'
    ),
    "index": {NOTE: {"mapped_column(String(200))": "mapped_column(String(200), index=True)"}},
    "unique together": add(
        '__table_args__ = (UniqueConstraint("user_id", "title"),)',
        imports="from sqlalchemy import UniqueConstraint",
    ),
    "Enum": add(f"level: Mapped[str | None] = {ENUM})", imports="from sqlalchemy import Enum"),
    "NOT NULL Enum": add(
        f'level: Mapped[str] = {ENUM}, server_default="low")', imports="from sqlalchemy import Enum"
    ),
    "new table": {
        NOTE: {
            "\nfrom sqlalchemy import": f"\n{NEW_TABLE_IMPORTS}from sqlalchemy import",
            "import Base\n": "import Base, UtcDateTime\n",
            "# noqa: RUF012\n": f"# noqa: RUF012\n{NEW_TABLE}",
        }
    },
    "user: nullable column": add("phone: Mapped[str | None] = mapped_column(String(20))", USER),
    "user: unique column": add(
        "handle: Mapped[str | None] = mapped_column(String(50), unique=True)", USER
    ),
    "user: boolean": add(f"news: Mapped[bool] = {BOOLEAN}", USER, BOOLEAN_IMPORTS),
    "user: longer string": {
        USER: {
            LAST_COLUMN[USER]: LAST_COLUMN[USER].replace("80", "99"),
        }
    },
    "column dropped": {
        USER: {"    description: Mapped[str | None] = mapped_column(String(255))\n": ""}
    },
}


@pytest.fixture
def change(bake, installed, request):
    """Return a function that changes the models of a project, and migrates it."""
    kind = request.param
    project = installed(bake(database=kind))
    run([".venv/bin/python", "first_run.py"], project)

    def change(changes, steps=()):
        edit_models(project, changes)
        with contextlib.ExitStack() as stack:
            uris = [stack.enter_context(new_database(kind)) for _ in range(2)]
            uris = [
                uri or f"sqlite:///{project}/{name}.db"
                for uri, name in zip(uris, "ab", strict=True)
            ]
            command = [".venv/bin/python", ROOT / "tests/migrating.py"]
            command += [json.dumps(steps), uris[1]]
            environment = {**os.environ, "FLASK_SQLALCHEMY_DATABASE_URI": uris[0]}
            printed = run(command, project, env=environment).stdout
        return json.loads(printed.splitlines()[-1])

    change.project, change.kind = project, kind
    return change


def edit_models(project, changes):
    for name, replacements in changes.items():
        file = project / "token_auth_api" / name
        text = file.read_text("utf-8")
        for old, new in replacements.items():
            assert old in text
            text = text.replace(old, new, 1)
        file.write_text(text, "utf-8")


UNCHANGED = {"changed": True, "down": [], "up again": [], "models": [], "rows": [1, 2]}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("change", DATABASES, indirect=True)
def test_draft_runs_up_and_down_and_up_and_keeps_everything_else(change, changes):
    assert change(changes) == UNCHANGED


@pytest.mark.parametrize("change", DATABASES, indirect=True)
def test_column_is_renamed_as_the_documentation_says(change):
    page = (change.project / "docs/resources.md").read_text("utf-8")
    block = re.search(r"^ *with op.batch_alter_table.*?(?=^ *```)", page, re.M | re.S)
    step = textwrap.dedent(block[0])
    up = textwrap.indent(step, "    ")
    down = up.replace('"title"', "OLD").replace('"name"', '"title"').replace("OLD", '"name"')
    renamed = {NOTE: {"    title: Mapped[str]": "    name: Mapped[str]"}}
    assert change(renamed, [up, down]) == UNCHANGED


REFUSED = {
    "NOT NULL without a default": (
        add("priority: Mapped[int]"),
        "note.priority is NOT NULL and has no server_default: rows that exist would have no "
        "value. Add a server_default, or make it nullable first: docs/resources.md.",
    ),
    "user: NOT NULL without a default": (
        add("phone: Mapped[str] = mapped_column(String(20), default='')", USER),
        "auth_user.phone is NOT NULL and has no server_default",
    ),
    "Enum without a name": (
        add(
            'level: Mapped[str | None] = mapped_column(Enum("low", "high"))',
            imports="from sqlalchemy import Enum",
        ),
        "note.level is an Enum without a name, which PostgreSQL needs. "
        'Write: Enum(..., name="level")',
    ),
    "renamed": (
        {NOTE: {"    title: Mapped[str]": "    name: Mapped[str]"}},
        "note.name is NOT NULL and has no server_default",
    ),
}


@pytest.mark.parametrize(("changes", "problem"), REFUSED.values(), ids=REFUSED)
def test_draft_that_could_not_run_is_refused_with_advice(bake, installed, changes, problem):
    project = installed(bake())
    run([".venv/bin/python", "first_run.py"], project)
    run([".venv/bin/flask", "db", "upgrade"], project)
    edit_models(project, changes)
    refused = try_flask(project, "db", "migrate")
    assert refused.returncode == 1
    assert problem in refused.stderr
    assert "Traceback" not in refused.stderr
    assert len(list(project.glob("migrations/versions/*.py"))) == 3


def test_draft_that_may_be_a_rename_says_so(bake, installed):
    project = installed(bake())
    run([".venv/bin/python", "first_run.py"], project)
    run([".venv/bin/flask", "db", "upgrade"], project)
    edit_models(project, {USER: {"    description: Mapped": "    remark: Mapped"}})
    done = try_flask(project, "db", "migrate")
    assert done.returncode == 0
    assert "auth_role.description is dropped, and auth_role.remark is added" in done.stderr


# A database that was created with another character set than the texts need.
ODD_DATABASES = {
    "mariadb": "CREATE DATABASE {} CHARACTER SET latin1",
    "postgresql": "CREATE DATABASE {} ENCODING 'LATIN1' TEMPLATE template0 "
    "LC_COLLATE 'C' LC_CTYPE 'C'",
}


@pytest.fixture
def odd_project(bake, installed, monkeypatch, request):
    """Return a project on a database with an odd character set."""
    kind = request.param
    project = installed(bake(database=kind))
    run([".venv/bin/python", "first_run.py"], project)
    with new_database(kind, ODD_DATABASES[kind]) as uri:
        monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", uri)
        run([".venv/bin/flask", "db", "upgrade"], project)
        yield project


@pytest.mark.parametrize("odd_project", ["mariadb"], indirect=True)
def test_every_text_is_stored_whatever_the_character_set_of_the_database(odd_project, serve):
    run([".venv/bin/flask", "auth", "seed"], odd_project)
    base, user = serve(odd_project), seed_user(odd_project)
    login = requests.post(f"{base}/login", json=user, timeout=30).json()
    headers = {"Authorization": f"Bearer {login['response']['user']['authentication_token']}"}
    note = {"title": "ひらがな 🎉", "text": "Zoë — Ωmega"}
    created = requests.post(f"{base}/notes/", json=note, headers=headers, timeout=30)
    assert created.status_code == 201
    assert {name: created.json()[name] for name in note} == note
    assert requests.get(f"{base}/readyz", timeout=30).status_code == 200


@pytest.mark.parametrize("odd_project", ["postgresql"], indirect=True)
def test_wrong_encoding_of_the_server_is_told(odd_project, serve):
    problem = "The encoding of the database is not UTF8: create it with ENCODING 'UTF8'."
    answer = requests.get(f"{serve(odd_project)}/readyz", timeout=30)
    assert (answer.status_code, answer.json()["detail"]) == (503, problem)
    assert f"auth.E057 error: {problem}" in try_flask(odd_project, "auth", "check").stdout


@pytest.mark.parametrize("odd_project", ["mariadb"], indirect=True)
def test_wrong_character_set_of_a_table_is_told(odd_project, serve):
    engine = create_engine(os.environ["FLASK_SQLALCHEMY_DATABASE_URI"])
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE note CONVERT TO CHARACTER SET latin1")
    answer = requests.get(f"{serve(odd_project)}/readyz", timeout=30)
    assert answer.status_code == 503
    assert "character set of a table is not utf8mb4" in answer.json()["detail"]
    assert "auth.E057" in try_flask(odd_project, "auth", "check").stdout


DROP_CONSTRAINT = """
import sys
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine

with create_engine(sys.argv[1]).begin() as connection:
    operations = Operations(MigrationContext.configure(connection))
    with operations.batch_alter_table("auth_user") as table:
        table.drop_constraint("uq_auth_user_email", type_="unique")
"""


@pytest.mark.parametrize("change", DATABASES, indirect=True)
def test_lost_constraint_and_old_tables_are_found(change, monkeypatch):
    kind, project = change.kind, change.project
    with new_database(kind) as uri:
        uri = uri or f"sqlite:///{project}/lost.db"
        monkeypatch.setenv("FLASK_SQLALCHEMY_DATABASE_URI", uri)
        run([".venv/bin/flask", "db", "upgrade", "0002"], project)
        assert "auth.E056 error: The database has revision 0002" in check(project)
        run([".venv/bin/flask", "db", "upgrade"], project)
        assert "auth.E05" not in check(project)
        run([".venv/bin/python", "-c", DROP_CONSTRAINT, uri], project)
        assert "auth.E054 error: auth_user.email is not unique" in check(project)


def check(project):
    return try_flask(project, "auth", "check").stdout
