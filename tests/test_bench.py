"""The benchmark works. What it finds is for docs/performance.md, and no test's business."""

import re

import pytest
from conftest import ROOT, environment_of, run

PAGE = ROOT / "docs/performance.md"


@pytest.mark.full
def test_every_part_of_the_benchmark_works_and_a_try_changes_nothing(bake):
    python = environment_of(ROOT / "bench/requirements.txt") / "bin/python"
    environment_of(bake(database="postgresql") / "requirements-dev.txt")
    before = PAGE.read_bytes()
    printed = run([python, "-m", "bench", "--quick"], ROOT).stdout
    parts = re.split("^## ", printed, flags=re.MULTILINE)[1:]
    assert all("| ---" in part or "Not measured" in part for part in parts)
    assert set(re.findall(r"<!-- (\w+) -->", PAGE.read_text("utf-8"))) == {
        part.split()[0] for part in parts
    }
    assert PAGE.read_bytes() == before
