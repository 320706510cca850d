"""Fixtures: an app with every account flow, which sends no email but keeps it."""

from functools import partial

import pytest

from tests.conftest import make_apps

FLOWS = {
    "ACCOUNT_FLOWS": ["register", "reset", "change", "change-email"],
    "FRONT_END_URL": "https://app.example.com",
    "MAIL_BACKEND": "memory",
}


@pytest.fixture(scope="session")
def shared_app(migrated, settings):
    """Return the app of these tests: to make one takes long."""
    with make_apps({**settings, **FLOWS}) as make:
        yield make()


@pytest.fixture
def make_app(make_app):
    """Return a function that makes an app with some settings changed."""
    return partial(make_app, **FLOWS)


@pytest.fixture
def outbox(app):
    """Return the emails that the app has sent."""
    outbox = app.extensions["outbox"]
    outbox.clear()
    return outbox
