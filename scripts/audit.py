"""Check every locked version for known vulnerabilities: `make audit`.

It needs the network, and fails if a version cannot be checked. Arguments of the command
line are passed on to pip-audit.
"""

import subprocess
import sys
import tempfile

from lock import ROOT, bake_projects

AUDIT = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        locks = [
            lock
            for project in [ROOT, *bake_projects(folder).values()]
            for lock in sorted(project.glob("requirements*.txt"))
        ]
        failed = []
        for lock in locks:
            print(f"{lock.parent.name}/{lock.name}", flush=True)
            if subprocess.run([*AUDIT, *sys.argv[1:], "--requirement", lock]).returncode:
                failed.append(lock)
    sys.exit(f"{len(failed)} of {len(locks)} locks failed." if failed else None)


if __name__ == "__main__":
    main()
