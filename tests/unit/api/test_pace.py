"""Spacing reads."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.pace import Pace


def test_reads_that_come_together_are_spaced_evenly():
    pace = Pace(per_minute=60)
    assert [pace.reserve(100.0) for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_reads_that_are_slow_enough_do_not_wait():
    pace = Pace(per_minute=60)
    assert [pace.reserve(now) for now in (100.0, 101.0, 105.0)] == [0.0, 0.0, 0.0]


def test_a_quiet_time_is_not_saved_up_for_a_burst():
    pace = Pace(per_minute=60)
    pace.reserve(0.0)
    assert [pace.reserve(1000.0) for _ in range(3)] == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("per_minute", [1, 7, 120])
def test_no_minute_holds_more_than_the_budget(per_minute):
    pace = Pace(per_minute)
    moments = [pace.reserve(0.0) for _ in range(per_minute * 3)]
    gaps = [moments[place + per_minute] - moments[place] for place in range(per_minute * 2)]
    assert min(gaps) >= 60.0 - 1e-6
