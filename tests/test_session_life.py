"""How sessions end, over real HTTP, with two clients of one user."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from conftest import read_env, run, seed_user

pytestmark = pytest.mark.full


@dataclass
class Client:
    """A device that is logged in."""

    base: str
    access: str = ""
    refresh: str = ""

    def post(self, path: str, **options: object) -> requests.Response:
        answer = requests.post(f"{self.base}/{path}", timeout=20, **options)
        if answer.ok and "user" in answer.json()["response"]:
            user = answer.json()["response"]["user"]
            self.access, self.refresh = user["authentication_token"], user["refresh_token"]
        return answer

    def log_in(self, user: dict[str, str]) -> "Client":
        assert self.post("login", json=user).status_code == 200
        return self

    def refresh_tokens(self) -> int:
        return self.post("refresh-token", json={"refresh_token": self.refresh}).status_code

    def log_out(self) -> int:
        return self.post("logout", headers={"Authorization": f"Bearer {self.access}"}).status_code

    def call(self) -> int:
        headers = {"Authorization": f"Bearer {self.access}"}
        return requests.get(f"{self.base}/dummy-api/", headers=headers, timeout=20).status_code


@pytest.fixture
def devices(project: Path, serve) -> list[Client]:
    """Return two clients that are logged in as the same user: a laptop and a phone."""
    base = serve(project)
    both = [Client(base).log_in(seed_user(project)) for _ in range(2)]
    assert [client.call() for client in both] == [200, 200]
    return both


def flask(project: Path, *arguments: str) -> None:
    run([project / ".venv/bin/flask", *arguments], project)


def use_tokens(clients: list[Client]) -> list[int]:
    """Return the statuses of each client's access token and refresh token, in this order."""
    return [status for client in clients for status in (client.call(), client.refresh_tokens())]


def test_reuse_of_a_refresh_token_ends_that_session_only(devices):
    laptop, phone = devices
    stolen = Client(laptop.base, laptop.access, laptop.refresh)
    assert laptop.refresh_tokens() == 200
    assert laptop.call() == 200
    assert stolen.refresh_tokens() == 401
    assert use_tokens([laptop, stolen, phone]) == [401, 401, 401, 401, 200, 200]


def test_logout_ends_this_session_only(devices):
    laptop, phone = devices
    assert laptop.log_out() == 200
    assert use_tokens([laptop, phone]) == [401, 401, 200, 200]
    assert laptop.log_out() == 401


COMMANDS = {
    "revoke": ["auth", "revoke"],
    "deactivation": ["users", "deactivate"],
    "password change": ["users", "change_password", "--password", "another horse battery"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_session_of_the_user_ends(devices, project, command):
    flask(project, *command, seed_user(project)["email"])
    assert use_tokens(devices) == [401, 401, 401, 401]


def test_sessions_stay_ended_when_the_user_is_activated_again(devices, project):
    email = seed_user(project)["email"]
    flask(project, "users", "deactivate", email)
    assert requests.post(f"{devices[0].base}/login", json=seed_user(project)).status_code == 401
    flask(project, "users", "activate", email)
    assert use_tokens(devices) == [401, 401, 401, 401]
    assert devices[0].log_in(seed_user(project)).call() == 200


def test_key_is_rotated_without_ending_a_session(devices, project, serve):
    old = read_env(project)["FLASK_SECRET_KEY"]
    new = "n" + old[::-1]
    both = serve(project, FLASK_SECRET_KEY=new, FLASK_SECRET_KEY_FALLBACKS=f'["{old}"]')
    only_new = serve(project, FLASK_SECRET_KEY=new)
    laptop, phone = (Client(both, device.access, device.refresh) for device in devices)
    assert use_tokens([laptop]) == [200, 200]
    # The laptop's new tokens are signed with the new key, the phone's with the old one.
    laptop.base = phone.base = only_new
    assert use_tokens([laptop, phone]) == [200, 200, 401, 401]
