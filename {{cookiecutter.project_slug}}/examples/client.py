"""A client that stays logged in. It needs Requests: pip install requests."""

import os
import threading
import time
from typing import Any

import requests
from requests.auth import AuthBase


class Bearer(AuthBase):
    """Puts a token into a request, whatever ~/.netrc says of the host."""

    def __init__(self, token: str) -> None:
        """Take the token."""
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header, also where a header of the name was given."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class Client:
    """Calls the API as one user; threads may share it.

    A token is renewed when four fifths of its time are over. When one is refused all
    the same, the client gets another, by a log-in if need be, and tries once more.
    """

    def __init__(self, url: str, email: str, password: str) -> None:
        """Log in at the first request, not now."""
        self._url = url.rstrip("/")
        self._user = {"email": email, "password": password}
        self._lock = threading.Lock()
        self._token = self._refresh_token = ""
        self._renew_at = 0.0

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request, with the options of requests.request; return the answer.

        A log-in that is refused is a requests.HTTPError.
        """
        token = self._valid_token()
        answer = self._send(method, path, auth=Bearer(token), **options)
        if answer.status_code == 401:
            token = self._valid_token(refused=token)
            answer = self._send(method, path, auth=Bearer(token), **options)
        return answer

    def _valid_token(self, refused: str = "") -> str:
        # One thread renews: a refresh token that is used twice ends the session.
        with self._lock:
            if self._token == refused or time.monotonic() >= self._renew_at:
                self._renew()
            return self._token

    def _renew(self) -> None:
        now = time.monotonic()
        # It counts once, even if the answer is lost on its way.
        spent, self._refresh_token = self._refresh_token, ""
        answer = None
        if spent:
            answer = self._send("POST", "/refresh-token", json={"refresh_token": spent})
        if answer is None or answer.status_code == 401:
            answer = self._send("POST", "/login", json=self._user)
        answer.raise_for_status()
        user = answer.json()["response"]["user"]
        self._token = user["authentication_token"]
        self._refresh_token = user["refresh_token"]
        self._renew_at = now + 0.8 * user["expires_in"]

    def _send(
        self, method: str, path: str, timeout: float = 10, **options: Any
    ) -> requests.Response:
        url = self._url + path
        return requests.request(method, url, timeout=timeout, **options)


if __name__ == "__main__":
    client = Client(*(os.environ[f"API_{x}"] for x in ("URL", "EMAIL", "PASSWORD")))
    print(client.request("GET", "/dummy-api/").json())
    client.request("POST", "/logout")
