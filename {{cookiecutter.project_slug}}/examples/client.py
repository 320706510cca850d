"""A client that stays logged in. It needs Requests: pip install requests."""

import os
import threading
import time
from typing import Any

import requests
from requests.auth import AuthBase


class Bearer(AuthBase):
    """Send a token, also if ~/.netrc has a password for the host."""

    def __init__(self, token: str) -> None:
        """Store the token."""
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header, and replace one that the caller has set."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """Call the API as one user. Threads may share a client.

    A token is refreshed when 80 % of its lifetime are over. If the API refuses one
    earlier, the client refreshes it or logs in again, and sends the request once more.
    """

    def __init__(self, url: str, email: str, password: str) -> None:
        """Store the user. The first request logs in."""
        self._url = url.rstrip("/")
        self._user = {"email": email, "password": password}
        self._lock = threading.Lock()
        self._token = self._refresh_token = ""
        self._refresh_at = 0.0

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request, with the options of requests.request; return the answer.

        If a login is refused, requests.HTTPError is raised.
        """
        token = self._get_valid_token()
        answer = self._send(method, path, auth=Bearer(token), **options)
        if answer.status_code == 401:
            token = self._get_valid_token(refused=token)
            answer = self._send(method, path, auth=Bearer(token), **options)
        return answer

    def _get_valid_token(self, refused: str = "") -> str:
        # One thread at a time: a refresh token that is used twice ends the session.
        with self._lock:
            if self._token == refused or time.monotonic() >= self._refresh_at:
                self._refresh()
            return self._token

    def _refresh(self) -> None:
        now = time.monotonic()
        # A refresh token is valid once, even if the answer is lost, so forget it first.
        refresh_token, self._refresh_token = self._refresh_token, ""
        answer = None
        if refresh_token:
            body = {"refresh_token": refresh_token}
            answer = self._send("POST", "/refresh-token", json=body)
        if answer is None or answer.status_code == 401:
            answer = self._send("POST", "/login", json=self._user)
        answer.raise_for_status()
        user = answer.json()["response"]["user"]
        self._token = user["authentication_token"]
        self._refresh_token = user["refresh_token"]
        self._refresh_at = now + 0.8 * user["expires_in"]

    def _send(
        self, method: str, path: str, timeout: float = 10, **options: Any
    ) -> requests.Response:
        url = self._url + path
        return requests.request(method, url, timeout=timeout, **options)


if __name__ == "__main__":
    client = Client(*(os.environ[f"API_{x}"] for x in ("URL", "EMAIL", "PASSWORD")))
    print(client.request("GET", "/dummy-api/").json())
    client.request("POST", "/logout")
