"""Run the benchmarks: `make bench`, or `make bench PARTS="in_process http"`.

The results are printed, and written into docs/performance.md. With --quick they are
meaningless and docs/performance.md stays as it is: it only tries whether every part runs.
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
    "concurrent_logins": over_http.measure_during_logins,
    "login": login.measure,
    "round_trips": round_trips.measure,
    "start": start.measure,
    "growth": growth.measure,
    "generator": generator.measure,
}


def main() -> None:
    """Run the parts named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="only try whether the parts run")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    with TemporaryDirectory(prefix="bench-") as folder:
        page = ROOT / "docs/performance.md"
        if arguments.quick:
            page = Path(shutil.copy(page, folder))
        bench = Bench(QUICK if arguments.quick else FULL, Path(folder), page)
        for part in arguments.parts or PARTS:
            print(f"\n## {part}\n", flush=True)
            text = PARTS[part](bench)
            print(text, flush=True)
            report.write_section(page, part, text)


if __name__ == "__main__":
    main()
