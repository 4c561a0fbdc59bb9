"""The benchmark of waiting runs; what it measures is nothing that a test could hold."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dev.home import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.airflow3
def test_the_quick_form_measures_ours(tmp_path: Path) -> None:
    numbers = tmp_path / "waiting.json"
    command = [
        sys.executable,
        "-m",
        "dev.benchmarks.waiting",
        "--quick",
        "--only",
        "ours",
        "--json",
        str(numbers),
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    steady = json.loads(numbers.read_text())["steady"]
    assert {one["order"]["case"] for one in steady} == {"ours"}
    assert all(one["latencies"] and not one["missed"] and not one["wrong"] for one in steady)
