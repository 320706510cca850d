"""Every part of the benchmark runs. Its results are in docs/performance.md, and not tested."""

import re

import pytest
from conftest import ROOT, get_environment, run

PAGE = ROOT / "docs/performance.md"


@pytest.mark.full
def test_every_part_of_the_benchmark_runs_and_quick_changes_no_page(bake):

    python = get_environment(ROOT / "bench/requirements.txt") / "bin/python"
    get_environment(bake(database="postgresql") / "requirements-dev.txt")
    before = PAGE.read_bytes()
    printed = run([python, "-m", "bench", "--quick"], ROOT).stdout
    parts = re.split("^## ", printed, flags=re.MULTILINE)[1:]
    assert all("| ---" in part or "Not measured" in part for part in parts)
    assert set(re.findall(r"<!-- (\w+) -->", PAGE.read_text("utf-8"))) == {
        part.split()[0] for part in parts
    }
    assert PAGE.read_bytes() == before
