"""Make a release of the template: check, stamp the version, commit, tag.

Run it with `make release VERSION=0.2.0`. It changes this clone alone: pushing is yours.
"""

import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHANGELOG = "CHANGELOG.md"
HEADING = re.compile(r"^## (\d+\.\d+\.\d+)\b", re.MULTILINE)

# Where the version stands: in this repository, and in what it generates.
STAMPED = {
    "pyproject.toml": re.compile(r'(?<=^version = ")[^"]+', re.MULTILINE),
    "{{cookiecutter.project_slug}}/README.md": re.compile(
        r"(?<=cookiecutter-flask-token-auth )\d[\w.]*\w"
    ),
}


def git(*words: str, root: Path = ROOT) -> str:
    """Run git, and return what it prints."""
    done = subprocess.run(["git", *words], cwd=root, check=True, text=True, capture_output=True)
    return done.stdout.strip()


def parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def last_release(root: Path = ROOT) -> str | None:
    """Return the commit of the last release: its tag's, or where the changelog names it."""
    versions = HEADING.findall((root / CHANGELOG).read_text("utf-8"))
    if not versions:
        return None
    if git("tag", "--list", f"v{versions[0]}", root=root):
        return git("rev-parse", f"v{versions[0]}^{{commit}}", root=root)
    named = git("log", "--format=%H", f"-S## {versions[0]}", "--", CHANGELOG, root=root)
    return named.splitlines()[-1]


def unreleased(changelog: str) -> str:
    """Return what the changelog says of the next version."""
    after = changelog.partition("\n## Unreleased\n")[2]
    return re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip()


def find_problems(version: str) -> list[str]:
    """Return a sentence for everything that stands against this release."""
    changelog = (ROOT / CHANGELOG).read_text("utf-8")
    problems = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return [f"{version!r} is no version: write VERSION=0.2.0, say."]
    if any(parts(version) <= parts(released) for released in HEADING.findall(changelog)):
        problems.append(f"{version} is not above what the changelog has released.")
    if git("tag", "--list", f"v{version}"):
        problems.append(f"There is a tag v{version}.")
    if not re.search("^- ", unreleased(changelog), re.MULTILINE):
        problems.append("The changelog has no entry under Unreleased.")
    if (branch := git("branch", "--show-current")) != "main":
        problems.append(f"This is the branch {branch!r}, not main.")
    if git("status", "--porcelain"):
        problems.append("There are changes that are not committed.")
    if not problems and subprocess.run(["make", "check"], cwd=ROOT).returncode:
        problems.append("make check fails.")
    return problems


def stamp(version: str) -> None:
    """Write the version where it stands."""
    for name, place in STAMPED.items():
        text, count = place.subn(version, (ROOT / name).read_text("utf-8"))
        assert count == 1, name
        (ROOT / name).write_text(text, "utf-8")


def commit(subject: str) -> None:
    git("commit", "--all", "--quiet", "--message", subject)


def main(version: str) -> None:
    if problems := find_problems(version):
        sys.exit("\n".join(["Nothing was released.", *problems]))
    changelog = (ROOT / CHANGELOG).read_text("utf-8")
    today = datetime.datetime.now(datetime.UTC).date()
    released = f"\n## Unreleased\n\n## {version} - {today}\n"
    changed = changelog.replace("\n## Unreleased\n", released, 1)
    (ROOT / CHANGELOG).write_text(changed, "utf-8")
    stamp(version)
    commit(f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"{version}\n\n{unreleased(changelog)}")

    # What is made from here on is no longer that version: it is before the next one.
    major, minor, patch = parts(version)
    stamp(f"{major}.{minor}.{patch + 1}.dev0")
    commit(f"Begin what comes after {version}")
    print(f"Released {version}, in this clone. To publish it: git push --follow-tags")


if __name__ == "__main__":
    main(sys.argv[1])
