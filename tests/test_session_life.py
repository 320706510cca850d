"""How a session ends, over real HTTP: two clients of one user, before and after."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from conftest import env_of, run, seed_user

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

    def renew(self) -> int:
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


def flask(project: Path, *words: str) -> None:
    run([project / ".venv/bin/flask", *words], project)


def states(clients: list[Client]) -> list[int]:
    """Say how each client's access and refresh tokens fare, in this order."""
    return [status for client in clients for status in (client.call(), client.renew())]


def test_reuse_of_a_refresh_token_ends_that_session_alone(devices):
    laptop, phone = devices
    stolen = Client(laptop.base, laptop.access, laptop.refresh)
    assert laptop.renew() == 200
    assert laptop.call() == 200
    assert stolen.renew() == 401
    assert states([laptop, stolen, phone]) == [401, 401, 401, 401, 200, 200]


def test_logout_ends_this_session_alone(devices):
    laptop, phone = devices
    assert laptop.log_out() == 200
    assert states([laptop, phone]) == [401, 401, 200, 200]
    assert laptop.log_out() == 401


ENDS = {
    "revoke": ["auth", "revoke"],
    "deactivation": ["users", "deactivate"],
    "password change": ["users", "change_password", "--password", "another horse battery"],
}


@pytest.mark.parametrize("command", ENDS.values(), ids=ENDS)
def test_every_session_of_the_user_ends(devices, project, command):
    flask(project, *command, seed_user(project)["email"])
    assert states(devices) == [401, 401, 401, 401]


def test_sessions_of_before_a_deactivation_stay_ended(devices, project):
    email = seed_user(project)["email"]
    flask(project, "users", "deactivate", email)
    assert requests.post(f"{devices[0].base}/login", json=seed_user(project)).status_code == 401
    flask(project, "users", "activate", email)
    assert states(devices) == [401, 401, 401, 401]
    assert devices[0].log_in(seed_user(project)).call() == 200


def test_key_is_rotated_without_ending_a_session(devices, project, serve):
    old = env_of(project)["FLASK_SECRET_KEY"]
    new = "n" + old[::-1]
    both = serve(project, FLASK_SECRET_KEY=new, FLASK_SECRET_KEY_FALLBACKS=f'["{old}"]')
    only_new = serve(project, FLASK_SECRET_KEY=new)
    laptop, phone = (Client(both, device.access, device.refresh) for device in devices)
    assert states([laptop]) == [200, 200]
    # What the laptop has now is signed with the new key, what the phone has is not.
    laptop.base = phone.base = only_new
    assert states([laptop, phone]) == [200, 200, 401, 401]
