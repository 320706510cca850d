"""Measure: `make bench`, or `make bench PARTS="in_process http"`.

What is found is printed, and goes into docs/performance.md. With --quick it means nothing,
and goes nowhere: that is to see whether this still works.
"""

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from . import generator, growth, in_process, login, over_http, report, round_trips, start
from .contestants import Bench
from .plan import FULL, QUICK, ROOT

PARTS = {
    "in_process": in_process.measure,
    "http": over_http.measure,
    "storm": over_http.storm,
    "login": login.measure,
    "round_trips": round_trips.measure,
    "start": start.measure,
    "growth": growth.measure,
    "generator": generator.measure,
}


def main() -> None:
    """Run the parts that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="see whether it works")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with TemporaryDirectory(prefix="bench-") as folder:
        page = ROOT / "docs/performance.md"
        if asked.quick:
            page = Path(shutil.copy(page, folder))
        bench = Bench(QUICK if asked.quick else FULL, Path(folder), page)
        for part in asked.parts or PARTS:
            print(f"\n## {part}\n", flush=True)
            text = PARTS[part](bench)
            print(text, flush=True)
            report.write(page, part, text)


if __name__ == "__main__":
    main()
