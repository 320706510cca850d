"""Fixtures, each on the one before: settings, make_app, app, client, auth."""

import gc
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, Row, event, text
from werkzeug.test import TestResponse
from werkzeug.utils import import_string

PACKAGE = import_string("{{ cookiecutter.__package }}")

# With this path the tests run from any folder.
MIGRATIONS = str(Path(__file__).parent.parent / "migrations")

# Each collection walks through all that is imported: a few are enough.
gc.set_threshold(100_000)

EMAIL = "ada@example.com"
PASSWORD = "correct horse battery"

# An address of nobody, and a password of nobody.
OTHER_EMAIL = "grace@example.com"
OTHER_PASSWORD = "another horse battery"

# Real schemes at the lowest cost that each allows: fast, and the same code.
CHEAP_HASHES = {
    "argon2__memory_cost": 8,
    "argon2__time_cost": 1,
    "argon2__parallelism": 1,
    "bcrypt__rounds": 4,
    "pbkdf2_sha512__rounds": 1,
}


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the settings of the tests. TEST_DATABASE_URI names another database."""
    sqlite = f"sqlite:///{tmp_path_factory.mktemp('database')}/test.db"
    return {
        "TESTING": True,
        "SECRET_KEY": "kJ8-wq0ZyR5vN3xT7bLdM2fHcP9sGuE4",
        "SECURITY_PASSWORD_SALT": "vT4_hX1mQz6RkW8pYn3CjB9dLfS2gA7e",
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": CHEAP_HASHES,
        # Attempts of one test would count in the next; some tests switch it on.
        "RATELIMIT_ENABLED": False,
        "SQLALCHEMY_DATABASE_URI": os.environ.get("TEST_DATABASE_URI") or sqlite,
    }


@pytest.fixture(scope="session")
def real_costs() -> dict[str, Any]:
    """Return the costs of password hashes outside the tests."""
    return PACKAGE.security.settings.SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS


@pytest.fixture(scope="session")
def migrated(settings: dict[str, Any]) -> Iterator[Flask]:
    """Create the tables, as `flask db upgrade` does, and drop them at the end."""
    app = PACKAGE.create_app(settings)
    with app.app_context():
        upgrade(MIGRATIONS)
    yield app
    with app.app_context():
        downgrade(MIGRATIONS, revision="base")
        app.extensions["sqlalchemy"].engine.dispose()


@event.listens_for(Engine, "connect")
def do_not_wait_for_the_disk(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def clean(migrated: Flask) -> Iterator[None]:
    """Empty the tables when the test has ended."""
    yield
    with migrated.app_context():
        database = migrated.extensions["sqlalchemy"]
        with database.engine.begin() as connection:
            for table in reversed(database.metadata.sorted_tables):
                connection.execute(table.delete())


@contextmanager
def make_apps(settings: dict[str, Any]) -> Iterator[Callable[..., Flask]]:
    """Give a function that makes apps, and close their connections at the end."""
    apps = []

    def make(**changes: Any) -> Flask:
        apps.append(PACKAGE.create_app({**settings, **changes}))
        return apps[-1]

    yield make
    for app in apps:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()


@contextmanager
def catch_logging() -> Iterator[SimpleNamespace]:
    """Catch how an app that is no test configures logging, which stays as it is."""
    caught = SimpleNamespace(options={}, filters=[], levels=[])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging, "basicConfig", caught.options.update)
        patch.setattr(logging.getLogger("werkzeug"), "filters", caught.filters)
        logger = logging.getLogger(PACKAGE.__name__)
        patch.setattr(logger, "setLevel", caught.levels.append)
        yield caught


@pytest.fixture
def make_app(settings: dict[str, Any], clean: None) -> Iterator[Callable[..., Flask]]:
    """Return a function that makes an app with some settings changed."""
    with make_apps(settings) as make:
        yield make


@pytest.fixture(scope="session")
def shared_app(migrated: Flask) -> Flask:
    """Return the app of all tests: to make one takes long.

    A folder of tests that needs other settings has an app of its own.
    """
    return migrated


@pytest.fixture(scope="session")
def user_row(migrated: Flask) -> dict[str, Any]:
    """Return the row of a user, for every test: to make one takes long."""
    with migrated.app_context():
        session = migrated.extensions["sqlalchemy"].session
        user = PACKAGE.security.users.create_user(EMAIL, PASSWORD)
        names = user.__table__.columns.keys()
        row = {name: getattr(user, name) for name in names if name != "id"}
        session.delete(user)
        session.commit()
    return row


def add_user(app: Flask, row: dict[str, Any]) -> Flask:
    with app.app_context():
        database = app.extensions["sqlalchemy"]
        with database.engine.begin() as connection:
            connection.execute(database.metadata.tables["auth_user"].insert(), row)
    return app


@pytest.fixture
def app(shared_app: Flask, clean: None, user_row: dict[str, Any]) -> Iterator[Flask]:
    """Return the shared app, with one user.

    What a test changes in its settings is undone.
    """
    settings = dict(shared_app.config)
    yield add_user(shared_app, user_row)
    shared_app.config.clear()
    shared_app.config.update(settings)


@pytest.fixture
def new_app(make_app: Callable[..., Flask], user_row: dict[str, Any]) -> Flask:
    """Return an app with one user for this test alone, to add views to."""
    return add_user(make_app(), user_row)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def flask(app: Flask) -> Callable[..., Any]:
    """Return the `flask` command: flask("auth", "seed")."""
    return lambda *words, **options: FlaskCliRunner(app).invoke(args=words, **options)


@pytest.fixture
def in_app(app: Flask) -> Callable[..., Any]:
    """Return a function that calls another one in an app context, for no request."""

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with app.app_context():
            return function(*args, **kwargs)

    return call


@pytest.fixture
def grace(in_app: Callable[..., Any]) -> str:
    """Create another user, and return the e-mail address."""
    in_app(PACKAGE.security.users.create_user, OTHER_EMAIL, OTHER_PASSWORD)
    return OTHER_EMAIL


@pytest.fixture
def engine(app: Flask) -> Engine:
    """Return the app's connections to its database."""
    with app.app_context():
        engine: Engine = app.extensions["sqlalchemy"].engine
        return engine


@pytest.fixture
def sql(engine: Engine) -> Callable[..., list[Row[Any]]]:
    """Return a function that runs SQL: sql("DELETE FROM auth_user")."""

    def run(statement: str, **values: Any) -> list[Row[Any]]:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture
def queries() -> Iterator[list[str]]:
    """Return a list of the SQL that apps run from now on."""
    queries: list[str] = []

    def record(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        queries.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    yield queries
    event.remove(Engine, "before_cursor_execute", record)


@dataclass
class Tokens:
    """What a login gives."""

    access: str
    refresh: str


@dataclass
class Auth:
    """What a user does."""

    client: FlaskClient

    def login(self, email: str = EMAIL, password: str = PASSWORD) -> TestResponse:
        return self.client.post("/login", json={"email": email, "password": password})

    def tokens(self) -> Tokens:
        user = self.login().json["response"]["user"]
        return Tokens(user["authentication_token"], user["refresh_token"])

    def token(self, email: str = EMAIL) -> str:
        """Return an access token, as `flask auth token` does: a login takes longer."""
        app = self.client.application
        with app.app_context():
            user = PACKAGE.security.users.find_user_by_email(email)
            age = app.config["SECURITY_TOKEN_MAX_AGE"]
            return PACKAGE.security.sessions.create_session_for_script(user, age)

    def headers(self, email: str = EMAIL) -> dict[str, str]:
        """Return the header of a request with a new token."""
        return {"Authorization": f"Bearer {self.token(email)}"}

    def refresh(self, token: str) -> TestResponse:
        return self.client.post("/refresh-token", json={"refresh_token": token})

    def logout(self, token: str) -> TestResponse:
        headers = {"Authentication-Token": token}
        return self.client.post("/logout", headers=headers)

    def call(self, token: str) -> TestResponse:
        return self.client.get("/dummy-api/", headers={"Authentication-Token": token})


@pytest.fixture
def auth(client: FlaskClient) -> Auth:
    return Auth(client)


@pytest.fixture
def create_app() -> Callable[..., Flask]:
    """Return create_app itself, for tests that need no database."""
    return PACKAGE.create_app


@pytest.fixture
def package() -> ModuleType:
    """Return the package that the tests are about."""
    return PACKAGE


@pytest.fixture
def project() -> Path:
    """Return the folder of this project."""
    return Path(__file__).parent.parent
