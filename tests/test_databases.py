"""The generated project on each database server."""

import os
import uuid

import pytest
from conftest import run
from sqlalchemy import create_engine, make_url, text

SERVERS = {"postgresql": "TEST_POSTGRESQL_URI", "mariadb": "TEST_MARIADB_URI"}


@pytest.fixture
def database(request):
    """Return the URI of a new, empty database on the server that the environment names."""
    variable = SERVERS[request.param]
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no server")
    server = make_url(os.environ[variable])
    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield server.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name}"))
    engine.dispose()


@pytest.mark.full
@pytest.mark.parametrize(
    ("choice", "database"), [(name, name) for name in SERVERS], indirect=["database"]
)
def test_project_passes_its_own_tests_on_a_server(bake, choice, database):
    environment = {**os.environ, "TEST_DATABASE_URI": database}
    done = run(["make", "test"], bake(database=choice), env=environment)
    assert "Total coverage: 100.00%" in done.stdout
