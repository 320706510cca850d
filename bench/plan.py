"""How much is measured, and on which cores it runs."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
HERE = Path(__file__).parent
INSIDE = HERE / "inside"
PEERS = HERE / "peers"

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


@dataclass(frozen=True)
class Plan:
    """Counts of one run. Rounds are interleaved: each contestant in every one."""

    rounds: int
    requests: int  # in a round, in process
    seconds: int  # of load in a round, over HTTP
    starts: int
    logins: int
    bakes: int
    sizes: tuple[int, ...]  # users, for the growth
    slow: bool  # also what takes minutes: installing, the tests


FULL = Plan(15, 400, 3, 7, 60, 15, (100, 10_000, 1_000_000), slow=True)
QUICK = Plan(2, 20, 1, 1, 3, 1, (10, 100), slow=False)


def pinned(core: int, *command: object) -> list[str]:
    """Return a command that runs on one core, where the system can do that."""
    pin = ["taskset", "-c", str(core)] if shutil.which("taskset") else []
    return [*pin, *map(str, command)]
