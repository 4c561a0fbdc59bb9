"""How many requests a minute a client allows itself."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_layers.polling.rate_limits import (
    BURST_SHARE,
    DECREASE_FACTOR,
    DECREASE_SECONDS,
    POLLING_SHARE,
    READ,
    RECOVERY_SHARE,
    START,
    WRITE,
    TokenBucket,
    polling_limit,
    requests_per_minute,
)
from tests.limits import READS_PER_MINUTE, STARTS_PER_MINUTE, WRITES_PER_MINUTE

NOW = 1_000_000.0


def take_all(bucket, *, now):
    """Take what may be sent at once; return how much."""
    taken = 0
    while bucket.try_take(now):
        taken += 1
    return taken


@pytest.mark.parametrize("tier", ["standard", "pilot", "partner", "unheard_of"])
def test_limits_are_those_of_the_tier(tier):
    known = tier if tier in READS_PER_MINUTE else "standard"
    limits = [requests_per_minute(tier, route_class) for route_class in (READ, WRITE, START)]
    assert limits == [table[known] for table in (READS_PER_MINUTE, WRITES_PER_MINUTE, STARTS_PER_MINUTE)]
    assert polling_limit(tier) == POLLING_SHARE * READS_PER_MINUTE[known]


@settings(max_examples=60, deadline=None)
@given(
    per_minute=st.integers(1, 300),
    burst=st.none() | st.integers(1, 300),
    pauses=st.lists(st.none() | st.floats(0.0, 90.0), min_size=1, max_size=60),
)
def test_no_minute_has_more_than_its_rate(per_minute, burst, pauses):
    bucket = TokenBucket(per_minute, burst=burst, now=NOW)
    now, sent = NOW, []
    for pause in pauses:
        # Without a pause it waits for the next request, as the watcher does.
        now += bucket.delay(now) if pause is None else pause
        sent += [now] * take_all(bucket, now=now)
    for start in sorted(set(sent)):
        assert sum(start <= moment < start + 60 - 1e-6 for moment in sent) <= per_minute


@pytest.mark.parametrize("per_minute", [1, 5, 20, 60, 96])
def test_who_waits_for_each_request_gets_nearly_all_of_the_rate(per_minute):
    bucket, now, sent = TokenBucket(per_minute, now=NOW), NOW, 0
    while now < NOW + 600:
        sent += bucket.try_take(now)
        now += bucket.delay(now)
    assert sent >= 10 * per_minute * (1 - BURST_SHARE)


def test_a_burst_may_be_sent_at_once_and_the_rest_is_spaced():
    bucket = TokenBucket(61, burst=2, now=NOW)
    assert take_all(bucket, now=NOW) == 2
    assert bucket.delay(NOW) == pytest.approx(1.0)
    assert bucket.delay(NOW + 0.4) == pytest.approx(0.6)
    assert not bucket.try_take(NOW + 0.99)
    assert bucket.try_take(NOW + 1.0)


def test_idle_time_is_not_saved_up_beyond_a_burst():
    bucket = TokenBucket(60, now=NOW)
    assert take_all(bucket, now=NOW) == 60 * BURST_SHARE
    assert take_all(bucket, now=NOW + 1e9) == 60 * BURST_SHARE


@pytest.mark.parametrize("per_minute", [1, 5])
def test_the_smallest_rate_still_allows_a_request(per_minute):
    bucket = TokenBucket(per_minute, now=NOW)
    assert take_all(bucket, now=NOW) == 1
    assert bucket.delay(NOW) == pytest.approx(60.0 / per_minute)


def test_retry_after_blocks_all_requests():
    bucket = TokenBucket(60, now=NOW)
    bucket.refused(30.0, now=NOW)
    bucket.refused(1.0, now=NOW)
    assert bucket.delay(NOW) == pytest.approx(30.0), "a shorter one does not shorten it"
    assert [bucket.blocked_for(NOW + passed) for passed in (0.0, 29.0, 30.0, 31.0)] == [30.0, 1.0, 0.0, 0.0]
    assert 1 <= take_all(bucket, now=NOW + 31.0) <= 60 * BURST_SHARE


def test_only_the_api_blocks():
    bucket = TokenBucket(60, now=NOW)
    take_all(bucket, now=NOW)
    assert bucket.blocked_for(NOW) == 0.0


def test_a_refusal_without_a_wait_empties_the_bucket():
    bucket = TokenBucket(60, now=NOW)
    bucket.refused(0.0, now=NOW)
    assert bucket.blocked_for(NOW) == 0.0
    assert bucket.delay(NOW) > 1.0


def test_refusals_that_arrive_together_lower_the_rate_once():
    bucket = TokenBucket(100, now=NOW)
    for passed in (0.0, 0.0, 5.0, DECREASE_SECONDS - 0.1):
        bucket.refused(1.0, now=NOW + passed)
    assert bucket.per_minute == pytest.approx(100 * DECREASE_FACTOR)
    bucket.refused(1.0, now=NOW + DECREASE_SECONDS)
    assert bucket.per_minute == pytest.approx(100 * DECREASE_FACTOR**2, rel=0.001)


def test_refusals_within_retry_after_do_not_lower_it_further():
    bucket = TokenBucket(100, now=NOW)
    bucket.refused(60.0, now=NOW)
    bucket.refused(60.0, now=NOW + 59.0)
    assert bucket.per_minute == pytest.approx(100 * DECREASE_FACTOR)


def test_the_rate_has_a_floor():
    bucket = TokenBucket(100, now=NOW)
    for number in range(50):
        bucket.refused(0.0, now=NOW + number * DECREASE_SECONDS)
    assert bucket.per_minute == pytest.approx(100 * RECOVERY_SHARE)


def test_the_rate_recovers_slowly_and_up_to_the_limit():
    bucket = TokenBucket(100, now=NOW)
    bucket.refused(0.0, now=NOW)
    bucket.delay(NOW + DECREASE_SECONDS)
    assert bucket.per_minute == pytest.approx(100 * DECREASE_FACTOR), "not before"
    bucket.delay(NOW + DECREASE_SECONDS + 60.0)
    assert bucket.per_minute == pytest.approx(100 * (DECREASE_FACTOR + RECOVERY_SHARE))
    bucket.delay(NOW + DECREASE_SECONDS + 3600.0)
    assert bucket.per_minute == 100


def test_another_limit_keeps_the_share_that_the_rate_has_fallen_to():
    bucket = TokenBucket(100, now=NOW)
    bucket.refused(0.0, now=NOW)
    bucket.set_limit(1000)
    assert (bucket.limit, bucket.per_minute) == (1000, pytest.approx(1000 * DECREASE_FACTOR))


@pytest.mark.parametrize("back", [10, 3600])
def test_a_clock_that_is_set_back_adds_no_tokens_and_lengthens_no_wait(back):
    bucket = TokenBucket(61, burst=2, now=NOW)
    take_all(bucket, now=NOW)
    assert bucket.delay(NOW - back) == pytest.approx(1.0)
    assert bucket.delay(NOW - back + 0.4) == pytest.approx(0.6)
    bucket.refused(30.0, now=NOW - back + 0.4)
    assert bucket.blocked_for(NOW - 2 * back) == 30.0
    assert bucket.blocked_for(NOW - 2 * back + 29.0) == pytest.approx(1.0)


class Key:
    """A key at the API: one bucket of reads for all that use it."""

    def __init__(self, per_minute):
        self.per_minute = per_minute
        self.left = float(per_minute)
        self.at = NOW

    def read(self, now):
        """Take a read; return the seconds to wait if there is none."""
        self.left = min(self.per_minute, self.left + (now - self.at) / 60 * self.per_minute)
        self.at = now
        if self.left < 1:
            return max(1.0, (1 - self.left) * 60 / self.per_minute)
        self.left -= 1
        return None


@pytest.mark.parametrize("late", [0, 600])
def test_two_watchers_of_one_key_converge_to_equal_shares(late):
    """Each alone would use nine tenths of the 120 reads a minute; the second may start later."""
    key, jitter, hours = Key(120), Random(late), 4
    buckets = [TokenBucket(polling_limit("standard"), now=NOW + started) for started in (0, late)]
    turns, sent, refused = [(NOW, 0), (NOW + late, 1)], [0, 0], 0
    settled = NOW + late + 1800
    while (turn := min(turns))[0] < settled + hours * 3600:
        now, number = turn
        turns.remove(turn)
        bucket = buckets[number]
        if bucket.try_take(now):
            wait = key.read(now)
            if wait is not None:
                bucket.refused(wait, now=now)
            sent[number] += now >= settled and wait is None
            refused += now >= settled and wait is not None
        # No timer is exact, so neither is always the first.
        turns.append((now + bucket.delay(now) + 0.05 * jitter.random(), number))
    assert max(sent) < 1.2 * sum(sent) / 2
    assert sum(sent) > 0.8 * 120 * 60 * hours, "the key is used"
    assert refused < 0.01 * sum(sent), "without many refusals"
