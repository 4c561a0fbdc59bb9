"""The short form of ``make chaos``: faults, kills, marks and clears for about a minute."""

from __future__ import annotations

import pytest

from dev.chaos.campaign import SHORT, run_chaos
from dev.chaos.report import format_table, has_passed

pytestmark = [pytest.mark.airflow3, pytest.mark.chaos]


def test_each_job_is_paid_for_once_whatever_happens() -> None:
    progress: list[str] = []
    rows = run_chaos("chaos-short", SHORT, progress.append)
    assert has_passed(rows), "\n".join([*progress, format_table(rows)])
