"""Every pair of answers runs: faults are often where two options meet.

A few combinations contain all pairs. Each becomes a project that runs its own checks, and
its own tests on a real server of the database that it chose.
"""

import itertools
import os

import pytest
from conftest import new_database, run
from test_combinations import CHOICES, COMBINATIONS, COVERING, find_pairs


def join_answers(answers):
    return " ".join(f"{value}".lower() for value in answers.values())


def test_chosen_combinations_have_every_pair_that_is_allowed(record_property):
    allowed = {
        ((one, first), (other, second))
        for one, other in itertools.combinations(CHOICES, 2)
        for first, second in itertools.product(CHOICES[one], CHOICES[other])
        if any(answers[one] == first and answers[other] == second for answers in COMBINATIONS)
    }
    covered = set().union(*map(find_pairs, COVERING))
    record_property("pairs of answers allowed", len(allowed))
    record_property("pairs of answers covered", len(covered))
    assert covered == allowed


@pytest.mark.full
@pytest.mark.parametrize("answers", COVERING, ids=join_answers)
def test_project_of_a_pair_passes_its_own_checks(
    bake, installed, mypy_cache, answers, record_property
):
    project = installed(bake(**answers))
    with new_database(answers["database"]) as uri:
        environment = {**os.environ, **mypy_cache, "TEST_DATABASE_URI": uri}
        done = run(["make", "check", "test"], project, env=environment)
    assert "Success: no issues found" in done.stdout
    assert "Total coverage: 100.00%" in done.stdout
    record_property("combinations run", 1)


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory):
    """Return the setting of mypy's cache: one folder for each worker, for all projects."""
    return {"MYPY_CACHE_DIR": str(tmp_path_factory.mktemp("mypy"))}
