"""The tests find faults: each fault is put into a copy of this repository, where they fail.

A fault is a text that is replaced in one file, and the tests that must fail.
"""

import subprocess
import sys
from dataclasses import dataclass

import pytest
from conftest import copy_this_version

PROJECT = "{{cookiecutter.project_slug}}"


@dataclass
class Fault:
    """What to break, and which tests must fail."""

    file: str
    old: str
    new: str
    tests: str
    name: str = ""


FAULTS = {
    "file of an answer that is left": Fault(
        "hooks/post_gen_project.py",
        '["Dockerfile", ".dockerignore", "compose.yaml"]',
        '["Dockerfile", ".dockerignore"]',
        "test_combinations.py",
        "has_exactly_its_files",
    ),
    "file of a feature that is left": Fault(
        "hooks/post_gen_project.py",
        '*("{package}/copy_data", "tests/copy_data"),',
        '*("{package}/copy_data",),',
        "test_combinations.py",
        "has_exactly_its_files",
    ),
    "line of a feature that is left": Fault(
        "hooks/post_gen_project.py",
        '*("    accounts", "    backup", "    basic_auth"',
        '*("    accounts", "    basic_auth"',
        "test_file_tree.py",
        "create_app_of_core",
    ),
    "other file that a feature changes": Fault(
        "hooks/post_gen_project.py",
        '"docs/security.md": [',
        '"docs/resources.md": ["##"],\n        "docs/security.md": [',
        "test_combinations.py",
        "files_of_core",
    ),
    "file that is never the same": Fault(
        "hooks/post_gen_project.py",
        "    print(NEXT_STEPS",
        '    open("Makefile", "a").write(f"# {id(ANSWERS)}\\n")\n    print(NEXT_STEPS',
        "test_combinations.py",
        "same_answers_give_the_same_bytes",
    ),
    "condition in a file": Fault(
        f"{PROJECT}/compose.yaml",
        '{%- elif cookiecutter.database == "mariadb" %}\n    image',
        '{%- elif cookiecutter.database == "sqlite" %}\n    image',
        "test_combinations.py",
        "with_a_schema",
    ),
    "version in a lock": Fault(
        f"{PROJECT}/requirements.txt",
        "\nblinker==",
        "\nblinker==0.",
        "test_dependencies.py",
        "a_lock_installs and uv and not dev",
    ),
    "line of a lock": Fault(
        f"{PROJECT}/requirements.txt",
        "\nblinker==",
        "\nclick==",
        "test_dependencies.py",
        "a_lock_installs and uv and not dev",
    ),
    "rule for a line of text": Fault(
        "hooks/pre_gen_project.py",
        '("Cc", "Cs", "Zl", "Zp")',
        '("Cs", "Zl", "Zp")',
        "test_hostile_answers.py",
        "appears_unchanged and description",
    ),
    "rule for a slug": Fault(
        "hooks/pre_gen_project.py",
        "if keyword.iskeyword(package):",
        "if False:",
        "test_answers.py",
        "rule_refuses",
    ),
    "quotes in TOML": Fault(
        f"{PROJECT}/pyproject.toml",
        """ | replace('"', '\\\\"')""",
        "",
        "test_hostile_answers.py",
        "appears_unchanged and author_name",
    ),
}


def run_tests(folder, fault):
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    select = [f"tests/{fault.tests}", "-k", fault.name]
    return subprocess.run([*command, *select], cwd=folder, capture_output=True, text=True)


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_fault_is_found(tmp_path, fault, record_property):
    folder = copy_this_version(tmp_path / "copy")
    path = folder / fault.file
    text = path.read_text("utf-8")
    assert fault.old in text
    path.write_text(text.replace(fault.old, fault.new, 1), "utf-8")
    done = run_tests(folder, fault)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout
    record_property("faults injected and found", 1)


@pytest.mark.full
def test_copy_without_a_fault_passes(tmp_path):
    folder = copy_this_version(tmp_path / "copy")
    for fault in {fault.name: fault for fault in FAULTS.values()}.values():
        done = run_tests(folder, fault)
        assert done.returncode == 0, done.stdout
