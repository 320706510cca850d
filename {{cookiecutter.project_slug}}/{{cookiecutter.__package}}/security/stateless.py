"""Stateless: no cookie session is kept, every request says who calls."""

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SessionInterface, SessionMixin


class StatelessSessionInterface(SessionInterface):
    """Gives the library a session for one request, and never sets a cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Start empty, whatever cookie the request has."""
        return SecureCookieSession()

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Keep nothing."""
