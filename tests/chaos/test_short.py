"""The short form of ``make chaos``: two minutes of faults, kills, marks and clears."""

from __future__ import annotations

import pytest

from dev.chaos.plan import SHORT
from dev.chaos.report import failed, table
from dev.chaos.show import run


@pytest.mark.airflow3
def test_a_job_is_paid_for_once_whatever_happens() -> None:
    said: list[str] = []
    rows = run("chaos-short", SHORT, said.append)
    assert not failed(rows), "\n".join([*said, table(rows)])
