"""Make a release of the template: check, write the version, commit, tag.

Run it with `make release VERSION=0.2.0`. It changes only this clone; nothing is pushed.
"""

import datetime
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHANGELOG = "CHANGELOG.md"
HEADING = re.compile(r"^## (\d+\.\d+\.\d+)\b", re.MULTILINE)

# The files that name the version, and the pattern that finds it in each.
VERSION_PATTERNS = {
    "pyproject.toml": re.compile(r'(?<=^version = ")[^"]+', re.MULTILINE),
    "{{cookiecutter.project_slug}}/README.md": re.compile(
        r"(?<=cookiecutter-flask-token-auth )\d[\w.]*\w"
    ),
}


def git(*arguments: str, root: Path = ROOT) -> str:
    """Run git; return its output."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, text=True, capture_output=True)
    return done.stdout.strip()


def split_version(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def find_last_release(root: Path = ROOT) -> str | None:
    """Return the commit of the last release: by its tag, or by the commit that named it."""
    versions = HEADING.findall((root / CHANGELOG).read_text("utf-8"))
    if not versions:
        return None
    if git("tag", "--list", f"v{versions[0]}", root=root):
        return git("rev-parse", f"v{versions[0]}^{{commit}}", root=root)
    commits = git("log", "--format=%H", f"-S## {versions[0]}", "--", CHANGELOG, root=root)
    return commits.splitlines()[-1]


def get_unreleased_notes(changelog: str) -> str:
    """Return the section "Unreleased" of the changelog."""
    after = changelog.partition("\n## Unreleased\n")[2]
    return re.split(r"^## ", after, maxsplit=1, flags=re.MULTILINE)[0].strip()


def find_problems(version: str) -> list[str]:
    """Return one sentence for each reason why this release cannot be made."""
    changelog = (ROOT / CHANGELOG).read_text("utf-8")
    problems = []
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return [f"VERSION must be three numbers, such as 0.2.0, not {version!r}."]
    released = map(split_version, HEADING.findall(changelog))
    if any(split_version(version) <= other for other in released):
        problems.append(f"{version} is not above every version in the changelog.")
    if git("tag", "--list", f"v{version}"):
        problems.append(f"There is a tag v{version} already.")
    if not re.search("^- ", get_unreleased_notes(changelog), re.MULTILINE):
        problems.append("The changelog has no entry under Unreleased.")
    if (branch := git("branch", "--show-current")) != "main":
        problems.append(f"A release is made from main, and this is the branch {branch!r}.")
    if git("status", "--porcelain"):
        problems.append("There are changes that are not committed.")
    if not problems and subprocess.run(["make", "check"], cwd=ROOT).returncode:
        problems.append("make check fails.")
    return problems


def write_version(version: str) -> None:
    """Write the version into every file that names it."""
    for name, pattern in VERSION_PATTERNS.items():
        text, count = pattern.subn(version, (ROOT / name).read_text("utf-8"))
        assert count == 1, name
        (ROOT / name).write_text(text, "utf-8")


def commit(subject: str) -> None:
    git("commit", "--all", "--quiet", "--message", subject)


def main(version: str) -> None:
    if problems := find_problems(version):
        sys.exit("\n".join(["Nothing was released.", *problems]))
    changelog = (ROOT / CHANGELOG).read_text("utf-8")
    notes = get_unreleased_notes(changelog)
    today = datetime.datetime.now(datetime.UTC).date()
    released = f"\n## Unreleased\n\n## {version} - {today}\n"
    changed = changelog.replace("\n## Unreleased\n", released, 1)
    (ROOT / CHANGELOG).write_text(changed, "utf-8")
    write_version(version)
    commit(f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"{version}\n\n{notes}")

    # Later commits are not that version any more: they lead to the next one.
    major, minor, patch = split_version(version)
    write_version(f"{major}.{minor}.{patch + 1}.dev0")
    commit(f"Begin the version after {version}")
    print(f"Released {version} in this clone. To publish it: git push --follow-tags")


if __name__ == "__main__":
    main(sys.argv[1])
