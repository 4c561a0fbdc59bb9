"""When to look again."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.cadence import (
    EARLY,
    ENOUGH,
    FIRST_PAUSE,
    JITTER,
    SAMPLES,
    SPECIES,
    Cadence,
    Experience,
    Outlook,
)

JOB = ("job", "content_generate", "video")


def experience(*lasted, species=JOB):
    known = Experience()
    for seconds in lasted:
        known.add(species, seconds)
    return known


def test_the_pauses_grow_from_2_s_by_1_3_up_to_10_s():
    pauses = [round(Cadence().pause(looks, chance=0.0), 2) for looks in range(1, 10)]
    assert pauses == [2.0, 2.6, 3.38, 4.39, 5.71, 7.43, 9.65, 10.0, 10.0]


def test_half_a_second_of_jitter_comes_on_top():
    assert Cadence().pause(1, chance=1.0) == 2.5
    assert Cadence().pause(50, chance=1.0) == 10.5
    assert Cadence().pause(1, chance=1.0, outlook=Outlook(left=7.0, spread=0.0)) == 7.0 + JITTER


def test_the_longest_pause_can_be_chosen():
    assert Cadence(longest=1.0).pause(1, chance=0.0) == 1.0
    assert Cadence(longest=60.0).pause(30, chance=0.0) == 60.0


def test_a_wait_of_days_does_not_overflow():
    assert Cadence(longest=30.0).pause(10**6, chance=0.0) == 30.0


@pytest.mark.parametrize("looks", [1, 100])
@pytest.mark.parametrize(
    ("left", "spread", "pause"),
    [
        (3600.0, 60.0, 30.0),  # far: rarely
        (20.0, 60.0, 20.0),  # nearer: up to where the end becomes likely
        (5.0, 60.0, 10.0),  # there, and spread: as without knowledge
        (5.0, 0.0, 5.0),
        (0.0, 16.0, 4.0),  # there, and close together: closely
        (-50.0, 16.0, 4.0),
        (-50.0, 0.0, FIRST_PAUSE),
    ],
)
def test_it_looks_rarely_early_and_closely_around_the_likely_end(looks, left, spread, pause):
    assert Cadence(longest=10.0).pause(looks, chance=0.0, outlook=Outlook(left, spread)) == pause


def test_how_far_a_pause_may_reach_can_be_chosen():
    far = Outlook(left=1e6, spread=0.0)
    assert Cadence(longest=30.0).pause(1, chance=0.0, outlook=far) == 30.0 * EARLY
    assert Cadence(longest=30.0, farthest=900.0).pause(1, chance=0.0, outlook=far) == 900.0


@pytest.mark.parametrize("left", [-1e9, -1.0, 0.0, 1.0, 1e9, float("inf")])
@pytest.mark.parametrize("spread", [0.0, 10.0, 1e9])
def test_no_outlook_makes_the_pauses_shorter_than_the_first_or_longer_than_the_farthest(left, spread):
    pause = Cadence(longest=10.0).pause(1, chance=0.0, outlook=Outlook(left, spread))
    assert FIRST_PAUSE <= pause <= 10.0 * EARLY


@pytest.mark.parametrize("longest", [0.5, 1.0])
def test_who_asks_for_short_pauses_gets_them_near_the_end(longest):
    assert Cadence(longest=longest).pause(9, chance=0.0, outlook=Outlook(-1.0, 100.0)) == longest


def test_nothing_is_known_of_what_has_ended_too_seldom():
    assert experience(*[60.0] * (ENOUGH - 1)).outlook(JOB, 1.0) is None
    assert experience(*[60.0] * ENOUGH).outlook(JOB, 1.0) == Outlook(left=59.0, spread=0.0)
    assert Experience().outlook(JOB, 1.0) is None


def test_the_species_are_told_apart():
    known = experience(*[60.0] * ENOUGH)
    assert known.outlook(("job", "content_generate", "slideshow"), 1.0) is None
    assert known.outlook((), 1.0) is None


def test_most_ends_lie_within_the_outlook():
    known = experience(*range(1, 101))
    assert known.outlook(JOB, 0.0) == Outlook(left=11, spread=80)


def test_what_has_lasted_long_is_compared_with_what_lasted_longer():
    """Half of them take 10 s and half 1,000 s: at 20 s it is plain which this one is."""
    known = experience(*[10.0, 1000.0] * ENOUGH)
    assert known.outlook(JOB, 0.0) == Outlook(left=10.0, spread=990.0)
    assert known.outlook(JOB, 20.0) == Outlook(left=980.0, spread=0.0)


def test_what_lasts_longer_than_any_before_has_no_outlook():
    known = experience(*[60.0] * ENOUGH)
    assert known.outlook(JOB, 59.9) is not None
    assert known.outlook(JOB, 60.0) is None
    assert known.outlook(JOB, 1e9) is None


def test_the_order_of_the_endings_does_not_matter():
    endings = [float(number * 37 % 101) for number in range(SAMPLES)]
    assert experience(*endings).outlook(JOB, 0.0) == experience(*sorted(endings)).outlook(JOB, 0.0)


def test_the_oldest_endings_are_forgotten():
    known = experience(*[1000.0] * SAMPLES, *[10.0] * SAMPLES)
    assert known.outlook(JOB, 0.0) == Outlook(left=10.0, spread=0.0)


def test_some_news_among_old_endings_counts_for_what_it_is():
    known = experience(*[10.0] * SAMPLES, *[1000.0] * (SAMPLES // 2))
    assert known.outlook(JOB, 0.0) == Outlook(left=10.0, spread=990.0)


def test_the_memory_is_bounded_in_samples_and_species():
    known = Experience()
    for number in range(5 * SPECIES):
        for seconds in range(3 * SAMPLES if number == 0 else ENOUGH):
            known.add(("job", str(number)), float(seconds))
            assert all(len(ranked) <= SAMPLES for _, ranked in known._lasted.values())
            assert all(len(order) <= SAMPLES for order, _ in known._lasted.values())
    assert len(known._lasted) == SPECIES


def test_the_species_that_ended_longest_ago_is_the_one_that_is_forgotten():
    known = experience(*[60.0] * ENOUGH)
    for number in range(SPECIES - 1):
        known.add(("job", str(number)), 1.0)
    known.add(JOB, 60.0)
    known.add(("job", "one more"), 1.0)
    assert known.outlook(JOB, 1.0) is not None
    assert ("job", "0") not in known._lasted


def test_asking_about_a_species_does_not_make_it_known():
    known = Experience()
    known.outlook(JOB, 1.0)
    assert not known._lasted
