"""Look every locked version up among the known weaknesses: `make audit`.

It needs the network, and fails when a version cannot be looked up. What is given on the
command line goes to pip-audit.
"""

import subprocess
import sys
import tempfile

from lock import ROOT, bake_each

AUDIT = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        locks = [
            lock
            for project in [ROOT, *bake_each(folder).values()]
            for lock in sorted(project.glob("requirements*.txt"))
        ]
        weak = []
        for lock in locks:
            print(f"{lock.parent.name}/{lock.name}", flush=True)
            if subprocess.run([*AUDIT, *sys.argv[1:], "--requirement", lock]).returncode:
                weak.append(lock)
    sys.exit(f"{len(weak)} of {len(locks)} locks failed." if weak else None)


if __name__ == "__main__":
    main()
