from __future__ import annotations

import pytest

from airflow_provider_layers.api.budget import READS_PER_MINUTE
from airflow_provider_layers.plugins.allowance import BURST, PER_MINUTE, Allowance


def taken(allowance, now, most=1000):
    return sum(allowance.take(now) for _ in range(most))


def test_even_its_first_minute_leaves_something_to_the_smallest_tier():
    allowance = Allowance(now=0.0)
    assert sum(taken(allowance, float(second)) for second in range(60)) == BURST + 59
    assert READS_PER_MINUTE["standard"] > BURST + PER_MINUTE


def test_after_a_burst_they_come_at_their_rate():
    allowance = Allowance(now=0.0)
    assert taken(allowance, 0.0) == BURST
    assert [taken(allowance, now) for now in (0.5, 1.0, 1.0, 4.0)] == [0, 1, 0, 3]


def test_rest_is_not_saved_up_without_end():
    assert taken(Allowance(now=0.0), 86_400.0) == BURST


@pytest.mark.parametrize("per_minute", [1, 10, 60])
def test_less_may_be_allowed(per_minute):
    allowance = Allowance(per_minute, now=0.0)
    first = min(BURST, per_minute)
    assert taken(allowance, 0.0) == first
    assert taken(allowance, 60.0) == first


def test_a_refusal_stops_all_for_as_long_as_it_says():
    allowance = Allowance(now=0.0)
    allowance.refused(20.0, now=5.0)
    allowance.refused(1.0, now=6.0)
    assert [allowance.take(now) for now in (6.0, 24.9, 25.0)] == [False, False, True]
