"""No cookies: every request says who it is."""

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SessionInterface, SessionMixin


class NoSession(SessionInterface):
    """Gives the library a session for the length of one request, and no cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Start empty, whatever cookie the request brought."""
        return SecureCookieSession()

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Keep nothing."""
