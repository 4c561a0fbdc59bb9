"""When to poll next."""

from __future__ import annotations

import pytest

from airflow_provider_layers.polling.intervals import (
    HISTORY_SIZE,
    INITIAL_INTERVAL,
    TAIL,
    DurationEstimate,
    DurationHistory,
    PollInterval,
)

JOB = ("job", "content_generate", "video")
ENOUGH = round(1 / TAIL)


def history(*durations, key=JOB):
    known = DurationHistory()
    for seconds in durations:
        known.add(key, seconds)
    return known


def test_pauses_grow_from_2_s_by_1_3_up_to_10_s():
    pauses = [round(PollInterval().pause(polls, jitter=0.0), 2) for polls in range(1, 10)]
    assert pauses == [2.0, 2.6, 3.38, 4.39, 5.71, 7.43, 9.65, 10.0, 10.0]


def test_half_a_second_of_jitter_is_added():
    assert PollInterval().pause(1, jitter=1.0) == 2.5
    assert PollInterval().pause(50, jitter=1.0) == 10.5
    assert PollInterval().pause(1, jitter=1.0, estimate=DurationEstimate(remaining=7.0, spread=0.0)) == 7.5


def test_the_longest_pause_can_be_chosen():
    assert PollInterval(max_interval=1.0).pause(1, jitter=0.0) == 1.0
    assert PollInterval(max_interval=60.0).pause(30, jitter=0.0) == 60.0


def test_a_wait_of_days_does_not_overflow():
    assert PollInterval(max_interval=30.0).pause(10**6, jitter=0.0) == 30.0


@pytest.mark.parametrize("polls", [1, 100])
@pytest.mark.parametrize(
    ("remaining", "spread", "pause"),
    [
        (3600.0, 60.0, 30.0),  # far: three times the longest pause
        (20.0, 60.0, 20.0),  # nearer: up to where the end becomes likely
        (5.0, 60.0, 10.0),  # likely, and spread: the longest pause
        (5.0, 0.0, 5.0),
        (0.0, 16.0, 4.0),  # likely, and close together: four polls over it
        (-50.0, 16.0, 4.0),
        (-50.0, 0.0, INITIAL_INTERVAL),
    ],
)
def test_polls_are_rare_while_the_end_is_far_and_frequent_around_it(polls, remaining, spread, pause):
    estimate = DurationEstimate(remaining, spread)
    assert PollInterval(max_interval=10.0).pause(polls, jitter=0.0, estimate=estimate) == pause


def test_the_pause_while_the_end_is_far_can_be_chosen():
    far = DurationEstimate(remaining=1e6, spread=0.0)
    assert PollInterval(max_interval=30.0, far_interval=900.0).pause(1, jitter=0.0, estimate=far) == 900.0


@pytest.mark.parametrize("remaining", [-1e9, 0.0, 1e9, float("inf")])
@pytest.mark.parametrize("spread", [0.0, 10.0, 1e9])
def test_no_estimate_leads_to_a_pause_outside_the_bounds(remaining, spread):
    pause = PollInterval(max_interval=10.0).pause(1, jitter=0.0, estimate=DurationEstimate(remaining, spread))
    assert INITIAL_INTERVAL <= pause <= 30.0
    near = DurationEstimate(-1.0, spread)
    assert PollInterval(max_interval=0.5).pause(9, jitter=0.0, estimate=near) == 0.5


def test_below_ten_durations_there_is_no_estimate():
    assert DurationHistory().estimate(JOB, 1.0) is None
    assert history(*[60.0] * (ENOUGH - 1)).estimate(JOB, 1.0) is None
    assert history(*[60.0] * ENOUGH).estimate(JOB, 1.0) == DurationEstimate(remaining=59.0, spread=0.0)


def test_keys_are_separate():
    known = history(*[60.0] * ENOUGH)
    assert known.estimate(("job", "content_generate", "slideshow"), 1.0) is None
    assert known.estimate((), 1.0) is None


def test_eight_of_ten_ends_lie_within_the_estimate():
    assert history(*range(1, 101)).estimate(JOB, 0.0) == DurationEstimate(remaining=11, spread=80)


def test_what_has_lasted_long_is_compared_with_what_lasted_longer():
    """Half of them take 10 s and half 1,000 s: at 20 s it is plain which of them this is."""
    known = history(*[10.0, 1000.0] * ENOUGH)
    assert known.estimate(JOB, 0.0) == DurationEstimate(remaining=10.0, spread=990.0)
    assert known.estimate(JOB, 20.0) == DurationEstimate(remaining=980.0, spread=0.0)


def test_what_lasts_longer_than_all_before_has_no_estimate():
    known = history(*[60.0] * ENOUGH)
    assert known.estimate(JOB, 59.9) is not None
    assert known.estimate(JOB, 60.0) is None


def test_the_order_of_arrival_does_not_matter():
    durations = [float(number * 37 % 101) for number in range(HISTORY_SIZE)]
    assert history(*durations).estimate(JOB, 0.0) == history(*sorted(durations)).estimate(JOB, 0.0)


def test_the_oldest_durations_are_forgotten():
    known = history(*[1000.0] * HISTORY_SIZE, *[10.0] * HISTORY_SIZE)
    assert known.estimate(JOB, 0.0) == DurationEstimate(remaining=10.0, spread=0.0)
    mixed = history(*[10.0] * HISTORY_SIZE, *[1000.0] * (HISTORY_SIZE // 2))
    assert mixed.estimate(JOB, 0.0) == DurationEstimate(remaining=10.0, spread=990.0)


def test_the_history_is_bounded_in_durations_and_keys():
    known = DurationHistory()
    for number in range(2 * HISTORY_SIZE):
        for seconds in range(3 * HISTORY_SIZE if number == 0 else 1):
            known.add(("job", str(number)), float(seconds))
            arrived, ranked = known._durations["job", str(number)]
            assert len(arrived) == len(ranked) <= HISTORY_SIZE
    assert len(known._durations) == HISTORY_SIZE


def test_the_key_that_was_added_to_longest_ago_is_forgotten():
    known = history(*[60.0] * ENOUGH)
    for number in range(HISTORY_SIZE - 1):
        known.add(("job", str(number)), 1.0)
    known.add(JOB, 60.0)
    known.add(("job", "another"), 1.0)
    assert known.estimate(JOB, 1.0) is not None
    assert ("job", "0") not in known._durations


def test_an_estimate_of_an_unknown_key_does_not_add_it():
    known = DurationHistory()
    known.estimate(JOB, 1.0)
    assert not known._durations
