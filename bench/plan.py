"""How many measurements a run makes, and on which CPU cores."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache"
BENCH = Path(__file__).parent
INSIDE = BENCH / "inside"
PEERS = BENCH / "peers"

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]


@dataclass(frozen=True)
class Plan:
    """Counts of one run. Rounds are interleaved: every round measures every contestant once."""

    rounds: int
    requests: int  # per round, in process
    seconds: int  # of load per round, over HTTP
    starts: int
    logins: int
    bakes: int
    sizes: tuple[int, ...]  # numbers of users in the databases of the growth part
    slow: bool  # also run what takes minutes: installations and test suites


FULL = Plan(15, 400, 3, 7, 60, 15, (100, 10_000, 1_000_000), slow=True)
QUICK = Plan(2, 20, 1, 1, 3, 1, (10, 100), slow=False)


def pin_to_core(core: int, *command: object) -> list[str]:
    """Return the command, run by taskset on one core if the system has taskset."""
    prefix = ["taskset", "-c", str(core)] if shutil.which("taskset") else []
    return [*prefix, *map(str, command)]
