"""The dependencies can be installed: from the locks, and in their lowest versions."""

import itertools
import os
import re
import sys
from pathlib import Path

import pytest
from conftest import BUILD_LOCK, QUESTIONS, ROOT, new_database, run
from packaging.requirements import Requirement
from test_combinations import CHOICES, find_pythons

# pip trusts the certificates of the machine; uv does so with this setting.
ENVIRONMENT = os.environ | {"UV_SYSTEM_CERTS": "true"}
UV = Path(sys.executable).with_name("uv")

LOCKS = ["requirements.txt", "requirements-dev.txt"]
TEMPLATES = [ROOT / "{{cookiecutter.project_slug}}" / name for name in LOCKS]

# The options in a lock: each combination of their answers has its own dependencies.
OPTIONS_IN_LOCKS = sorted(
    {name for lock in TEMPLATES for name in re.findall(r"cookiecutter\.(\w+)", lock.read_text())}
)
ANSWERS_IN_LOCKS = [
    dict(zip(OPTIONS_IN_LOCKS, values, strict=True))
    for values in itertools.product(*[CHOICES[name] for name in OPTIONS_IN_LOCKS])
]


def uv_pip(command, *arguments):
    """Return a command of uv. Without --python it would change these tests' environment."""
    return [UV, "pip", command, "--python", ".venv/bin/python", *arguments]


PIP = [".venv/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes"]
BOTH = ["requirements-build.txt", "LOCK"]
INSTALLERS = {
    "pip": [
        [sys.executable, "-m", "venv", ".venv"],
        [*PIP, "-r", "requirements-build.txt"],
        [*PIP, "--no-build-isolation", "-r", "LOCK"],
        [".venv/bin/python", "-m", "pip", "check"],
    ],
    "uv": [
        [UV, "venv", "--quiet", "--python", sys.executable, ".venv"],
        uv_pip("install", "--quiet", "--require-hashes", "-r", "requirements-build.txt"),
        uv_pip("sync", "--quiet", "--require-hashes", "--no-build-isolation", *BOTH),
        uv_pip("check", "--quiet"),
    ],
}

IMPORT_ALL = """
import importlib, pkgutil, token_auth_api as package
for module in pkgutil.walk_packages(package.__path__, "token_auth_api."):
    importlib.import_module(module.name)
"""


def join_answers(value):
    return " ".join(map(str, value.values())) if isinstance(value, dict) else None


@pytest.mark.full
@pytest.mark.parametrize("installer", INSTALLERS.values(), ids=INSTALLERS)
@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize("answers", ANSWERS_IN_LOCKS, ids=join_answers)
def test_project_can_be_imported_with_what_a_lock_installs(bake, answers, lock, installer):
    project = bake(**answers)
    for command in installer:
        run([lock if word == "LOCK" else word for word in command], project, env=ENVIRONMENT)
    run([".venv/bin/python", "-c", IMPORT_ALL], project)


@pytest.mark.full
@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_project_passes_its_own_tests_with_the_lowest_versions(bake, database):
    """Types are checked only with the locked versions: older stubs are incomplete."""
    project = bake(database=database)
    lowest = ["--resolution", "lowest-direct", "-r", "pyproject.toml", "--group", "dev"]
    run([UV, "venv", "--quiet", "--python", sys.executable, ".venv"], project)
    run(uv_pip("install", "--quiet", *lowest), project, env=ENVIRONMENT)
    flask = re.search(r'"flask>=([\d.]+)', (project / "pyproject.toml").read_text("utf-8"))[1]
    installed = run(uv_pip("freeze"), project).stdout
    assert f"flask=={flask}" in installed
    with new_database(database) as uri:
        environment = os.environ | {"TEST_DATABASE_URI": uri}
        done = run([".venv/bin/python", "-m", "pytest"], project, env=environment)
    assert "Total coverage: 100.00%" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("python", list(find_pythons()), ids=os.path.basename)
def test_every_python_makes_the_same_locks(bake, python):
    project = bake()
    path = f"{UV.parent}{os.pathsep}{os.environ['PATH']}"
    locks = []
    for other in (sys.executable, python):
        run(["make", "lock"], project, env=ENVIRONMENT | {"PATH": path, "UV_PYTHON": other})
        locks.append([(project / name).read_text("utf-8") for name in [*LOCKS, BUILD_LOCK.name]])
    assert locks[0] == locks[1]


@pytest.mark.deep
def test_audit_checks_every_lock():
    printed = run([sys.executable, "scripts/audit.py", "--dry-run"], ROOT).stdout
    projects = len(ANSWERS_IN_LOCKS)
    locks = len(LOCKS) * (1 + projects) + projects  # each project has a lock of the build
    assert len(re.findall(r"would have audited \d+ packages", printed)) == locks


# --- Every file is locked, for every platform --------------------------------------------

GLIBC = [f"manylinux_2_{minor}" for minor in range(5, 29)]
MUSL = ["musllinux_1_1", "musllinux_1_2"]
X86 = {"platform_machine": "x86_64"}
ARM = {"platform_machine": "aarch64"}
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
MAC = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
WINDOWS = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"}
PLATFORMS = {
    "Linux, glibc, x86_64": ([f"{name}_x86_64" for name in GLIBC], LINUX | X86),
    "Linux, glibc, aarch64": ([f"{name}_aarch64" for name in GLIBC], LINUX | ARM),
    "Linux, musl, x86_64": ([f"{name}_x86_64" for name in MUSL], LINUX | X86),
    "Linux, musl, aarch64": ([f"{name}_aarch64" for name in MUSL], LINUX | ARM),
    "macOS, x86_64": (["macosx_13_0_x86_64"], MAC | X86),
    "macOS, arm64": (["macosx_14_0_arm64"], MAC | {"platform_machine": "arm64"}),
    "Windows": (["win_amd64"], WINDOWS | {"platform_machine": "AMD64"}),
}
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
# It comes as source only, and so for every platform: requirements-build.txt builds it.
SOURCES = {"flask-principal"}


def select_entries(lock, platform, python):
    """Return a lock with the requirements of a platform alone, without their conditions."""
    environment = platform | {"python_version": python, "python_full_version": f"{python}.9"}
    selected = ""
    for entry in re.findall(r"^\S.*?(?<!\\)\n", lock, re.MULTILINE | re.DOTALL):
        text, hashes = entry.replace("\\\n", " ").split(" --hash", 1)
        requirement = Requirement(text)
        marker = requirement.marker
        if requirement.name not in SOURCES and (not marker or marker.evaluate(environment)):
            selected += f"{requirement.name}{requirement.specifier} --hash{hashes}"
    return selected


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Return a folder for downloads: most wheels are for every platform."""
    return tmp_path_factory.mktemp("wheels")


@pytest.fixture
def download(tmp_path, wheels):
    """Return a function that downloads what locks have for a platform: wheels only."""

    def download(locks, python, tags, platform):
        texts = [select_entries(lock.read_text("utf-8"), platform, python) for lock in locks]
        lines = sorted({line for text in texts for line in text.splitlines(keepends=True)})
        lock = tmp_path / "lock.txt"
        lock.write_text("".join(lines))
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
        target = [word for tag in tags for word in ("--platform", tag)]
        options = ["--python-version", python, "--no-deps", "--require-hashes"]
        run([*pip, *target, *options, "--dest", wheels, "-r", lock], ROOT)
        return lines

    return download


on_every_platform = pytest.mark.parametrize(("tags", "platform"), PLATFORMS.values(), ids=PLATFORMS)


@pytest.mark.full
@pytest.mark.parametrize("python", PYTHONS)
@on_every_platform
def test_every_platform_has_locked_wheels(bake, download, platform, python, tags):
    locks = [bake(database=name) / "requirements-dev.txt" for name in QUESTIONS["database"]]
    assert len(download([*locks, BUILD_LOCK], python, tags, platform)) > 50
    assert download([ROOT / "requirements.txt"], python, tags, platform)


def test_only_the_named_packages_are_left_out():
    entry = "flask-principal==1 \\\n    --hash=sha256:0\n"
    other = "b==2 ; sys_platform != 'win32' \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n"
    linux = select_entries(entry + other, LINUX, "3.11")
    assert linux.split() == ["b==2", "--hash=sha256:1", "--hash=sha256:2"]
    assert select_entries(entry + other, WINDOWS, "3.11") == ""


@pytest.mark.full
@pytest.mark.parametrize("database", QUESTIONS["database"])
def test_project_is_installed_offline_from_what_the_readme_downloads(bake, database):
    project = bake(database=database)
    readme = (project / "README.md").read_text("utf-8")
    (download,) = re.findall(r"^ *(\S+ -m pip download .*)$", readme, re.MULTILINE)
    run([sys.executable, "-m", "venv", ".venv"], project)
    run([*PIP, "-r", BUILD_LOCK.name], project)
    run(download.split(), project)
    offline = ["--no-index", "--find-links", "wheels"]
    environment = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull}
    run([sys.executable, "-m", "venv", "--clear", ".venv"], project)
    run([*PIP, *offline, "-r", BUILD_LOCK.name], project, env=environment)
    install = [*PIP, *offline, "--no-build-isolation", "-r", "requirements.txt"]
    run(install, project, env=environment)
    run([".venv/bin/python", "-c", IMPORT_ALL], project)
