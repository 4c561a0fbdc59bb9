"""How many reads a minute a watcher allows itself."""

from __future__ import annotations

from random import Random

import pytest

from airflow_provider_layers.api.budget import (
    BURST,
    LEAST,
    RECOVERY,
    RETREAT,
    RETREAT_SECONDS,
    SHARE,
    Budget,
    ceiling_of,
)

NOW = 1_000_000.0


def spent(budget, *, now):
    """Give how many reads may be sent at once, and take them."""
    sent = 0
    while budget.delay(now) == 0:
        budget.take()
        sent += 1
    return sent


@pytest.mark.parametrize(
    ("tier", "reads"), [("standard", 120), ("pilot", 1200), ("partner", 6000), ("unheard_of", 120)]
)
def test_a_tier_leaves_a_share_of_its_reads_to_others(tier, reads):
    assert ceiling_of(tier) == SHARE * reads


def test_the_first_reads_may_come_at_once_and_the_next_ones_are_spaced():
    budget = Budget(60, now=NOW)
    assert spent(budget, now=NOW) == 60 * BURST
    assert budget.delay(NOW) == pytest.approx(1.0)
    assert budget.delay(NOW + 0.4) == pytest.approx(0.6)
    assert budget.delay(NOW + 1.0) == pytest.approx(0.0)


def test_a_quiet_time_is_not_saved_up_beyond_a_burst():
    budget = Budget(60, now=NOW)
    spent(budget, now=NOW)
    assert spent(budget, now=NOW + 3600) == 60 * BURST


@pytest.mark.parametrize("ceiling", [1, 5])
def test_the_smallest_budget_still_reads(ceiling):
    budget = Budget(ceiling, now=NOW)
    assert spent(budget, now=NOW) == 1
    assert budget.delay(NOW) == pytest.approx(60.0 / ceiling)


@pytest.mark.parametrize("ceiling", [1, 7, 96, 4800])
def test_no_minute_holds_more_than_the_budget_and_its_burst(ceiling):
    budget, now, moments = Budget(ceiling, now=NOW), NOW, []
    while now < NOW + 300:
        now += budget.delay(now)
        budget.take()
        moments.append(now)
    for first in moments:
        in_minute = sum(1 for one in moments if first <= one < first + 60 - 1e-6)
        assert in_minute <= ceiling + max(1, ceiling * BURST) + 1
        if ceiling > 100:
            break
    # Nothing of it is left lying either.
    assert len(moments) >= 5 * ceiling


def test_a_read_that_was_not_there_makes_the_next_wait_the_longer():
    budget = Budget(60, now=NOW)
    spent(budget, now=NOW)
    budget.take()
    assert budget.delay(NOW) == pytest.approx(2.0)


def test_retry_after_blocks_all_reads_and_leaves_no_burst_behind_it():
    budget = Budget(60, now=NOW)
    budget.refused(30.0, now=NOW)
    assert budget.delay(NOW) == pytest.approx(30.0)
    assert budget.delay(NOW + 29.0) == pytest.approx(1.0)
    assert spent(budget, now=NOW + 30.0) <= 60 * BURST


def test_a_shorter_retry_after_does_not_shorten_an_earlier_one():
    budget = Budget(60, now=NOW)
    budget.refused(30.0, now=NOW)
    budget.refused(1.0, now=NOW)
    assert budget.delay(NOW) == pytest.approx(30.0)


def test_a_refusal_that_asks_for_no_wait_empties_the_bucket():
    budget = Budget(60, now=NOW)
    budget.refused(0.0, now=NOW)
    assert budget.delay(NOW) == pytest.approx(1.0 / RETREAT)


def test_refusals_that_come_together_are_one_retreat():
    budget = Budget(100, now=NOW)
    for passed in (0.0, 0.0, 5.0, RETREAT_SECONDS - 0.1):
        budget.refused(1.0, now=NOW + passed)
    assert budget.per_minute == pytest.approx(100 * RETREAT)
    budget.refused(1.0, now=NOW + RETREAT_SECONDS)
    assert budget.per_minute == pytest.approx(100 * RETREAT**2, rel=0.001)


def test_what_arrives_while_the_api_asks_to_wait_is_no_further_retreat():
    budget = Budget(100, now=NOW)
    budget.refused(60.0, now=NOW)
    budget.refused(60.0, now=NOW + 59.0)
    assert budget.per_minute == pytest.approx(100 * RETREAT)


def test_there_is_a_floor_under_all_retreats():
    budget = Budget(100, now=NOW)
    for number in range(50):
        budget.refused(0.0, now=NOW + number * RETREAT_SECONDS)
    assert budget.per_minute == pytest.approx(100 * LEAST)


def test_the_rate_recovers_slowly_and_only_up_to_the_ceiling():
    budget = Budget(100, now=NOW)
    budget.refused(0.0, now=NOW)
    calm = NOW + RETREAT_SECONDS
    budget.delay(calm - 0.1)
    assert budget.per_minute == pytest.approx(100 * RETREAT), "not while it stands firm"
    budget.delay(calm)
    before = budget.per_minute
    budget.delay(calm + 60.0)
    assert budget.per_minute == pytest.approx(before + 100 * RECOVERY)
    budget.delay(calm + 3600.0)
    assert budget.per_minute == 100


def test_another_ceiling_keeps_the_place_below_it():
    budget = Budget(100, now=NOW)
    budget.refused(0.0, now=NOW)
    budget.raise_to(1000)
    assert (budget.ceiling, budget.per_minute) == (1000, pytest.approx(1000 * RETREAT))


def test_a_clock_that_jumps_ahead_allows_a_burst_and_no_more():
    budget = Budget(60, now=NOW)
    spent(budget, now=NOW)
    assert spent(budget, now=NOW + 1e9) == 60 * BURST


def test_a_clock_that_was_set_back_fills_nothing():
    budget = Budget(60, now=NOW - 3600)
    spent(budget, now=NOW)
    for number in range(10):
        assert budget.delay(NOW - number) == pytest.approx(1.0), "and takes nothing away"
    assert budget.delay(NOW - 9 + 0.4) == pytest.approx(0.6), "and time goes on from there"


class Key:
    """A key at the API: a bucket of reads for all who use it."""

    def __init__(self, per_minute):
        self.per_minute = per_minute
        self.left = float(per_minute)
        self.at = NOW

    def read(self, now):
        """Take a read; give the seconds to wait where there is none."""
        self.left = min(self.per_minute, self.left + (now - self.at) / 60 * self.per_minute)
        self.at = now
        if self.left < 1:
            return max(1.0, (1 - self.left) * 60 / self.per_minute)
        self.left -= 1
        return None


@pytest.mark.parametrize("late", [0, 600])
@pytest.mark.parametrize("seed", range(2))
def test_two_watchers_on_one_key_come_to_share_it(late, seed):
    """Each by itself would take four fifths of the 120 reads a minute; the second may come later."""
    key, chance, hours = Key(120), Random(seed), 4
    watchers = [Budget(ceiling_of("standard"), now=NOW + begun) for begun in (0, late)]
    turns, sent, refused = [(NOW, 0), (NOW + late, 1)], [0, 0], 0
    calm = NOW + late + 1800
    while (turn := min(turns))[0] < calm + hours * 3600:
        now, number = turn
        turns.remove(turn)
        budget = watchers[number]
        if budget.delay(now) == 0:
            budget.take()
            wait = key.read(now)
            if wait is not None:
                budget.refused(wait, now=now)
            sent[number] += now >= calm and wait is None
            refused += now >= calm and wait is not None
        # No timer is on time, so neither is always the first to ask.
        turns.append((now + budget.delay(now) + 0.05 * chance.random(), number))
    fair = sum(sent) / 2
    assert max(sent) < 1.2 * fair
    assert sum(sent) > 0.8 * 120 * 60 * hours, "the key is used"
    assert refused < 0.01 * sum(sent), "and not fought over"


@pytest.mark.parametrize("back", [10, 3600])
def test_a_clock_that_was_set_back_does_not_stop_the_reads(back):
    budget = Budget(60, now=NOW)
    for _ in range(6):
        budget.take()
    assert budget.delay(NOW - back) == 1.0
    assert budget.delay(NOW - back + 1.0) == 0.0


@pytest.mark.parametrize("ask", [Budget.delay, Budget.blocked], ids=["delay", "blocked"])
def test_what_the_api_asked_for_does_not_grow_with_a_clock_that_was_set_back(ask):
    budget = Budget(60, now=NOW)
    budget.refused(30.0, now=NOW)
    assert ask(budget, NOW - 3600) == 30.0
    assert ask(budget, NOW - 3600 + 29.0) == 1.0


def test_only_what_the_api_asked_for_blocks():
    budget = Budget(60, now=NOW)
    for _ in range(10):
        budget.take()
    assert budget.blocked(NOW) == 0.0
    budget.refused(30.0, now=NOW)
    assert [budget.blocked(NOW + passed) for passed in (0.0, 29.0, 30.0, 31.0)] == [30.0, 1.0, 0.0, 0.0]
