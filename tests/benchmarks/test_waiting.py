"""The benchmark of waiting works; no test can hold its numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dev import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.airflow3, pytest.mark.benchmark]


def test_the_quick_form_measures_our_trigger(tmp_path: Path) -> None:
    numbers = tmp_path / "waiting.json"
    options = ["--quick", "--only", "ours", "--json", str(numbers)]
    command = [sys.executable, "-m", "dev.benchmarks.waiting", *options]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    reports = json.loads(numbers.read_text())["steady"]
    assert {report["spec"]["case"] for report in reports} == {"ours"}
    assert [
        report for report in reports if not report["latencies"] or report["missed"] or report["wrong"]
    ] == []
