"""A request costs the same however many users there are: `make bench PARTS=growth` shows it."""

import contextlib
import json

import pytest
from conftest import ROOT, SERVERS, new_database, run

pytestmark = [pytest.mark.full, pytest.mark.load]

SIZES = (100, 10_000, 1_000_000)


@pytest.fixture
def measured(request, bake, installed, tmp_path):
    """Return a function that measures a token request and a login with each number of users."""
    kind = request.param
    project = installed(bake(database=kind))
    with contextlib.ExitStack() as stack:
        made = {size: stack.enter_context(new_database(kind)) for size in SIZES}
        words = [f"{size}={uri or f'sqlite:///{tmp_path}/{size}.db'}" for size, uri in made.items()]
        command = [".venv/bin/python", ROOT / "bench/inside/growth.py", 15, *words]
        yield lambda: json.loads(run(command, project).stdout.splitlines()[-1])


@pytest.mark.parametrize("measured", ["sqlite", *SERVERS], indirect=True)
def test_request_costs_the_same_with_a_million_users(measured):
    def most_by_least():
        return max(max(medians) / min(medians) for medians in measured())

    # What else runs on the machine may spoil a measurement, not three.
    assert any(most_by_least() < 1.3 for _ in range(3))
