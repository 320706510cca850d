"""Roles: looked up when a view asks for them, not with each request."""

from functools import cached_property
from typing import Any

from flask import Flask
from flask_principal import (  # type: ignore[import-untyped]
    Identity,
    RoleNeed,
    identity_changed,
    identity_loaded,
)
from flask_security import Security

from .access import current_user


def init_app(app: Flask, security: Security) -> None:
    """Tell Flask-Principal, which `roles_required` asks, who calls."""
    # It would load the caller before each request, to /healthz too, and with the
    # token once more, each time with all roles.
    security.principal.identity_loaders.clear()
    security.principal.identity_loader(CallerIdentity)
    for signal in (identity_loaded, identity_changed):
        for receiver in list(signal.receivers_for(app)):
            signal.disconnect(receiver, app)


class CallerIdentity(Identity):
    """Whoever calls."""

    def __init__(self) -> None:
        """Look nothing up."""

    @cached_property
    def provides(self) -> set[Any]:
        """What the caller may do, to compare with what a view needs."""
        return {RoleNeed(role.name) for role in getattr(current_user, "roles", [])}
