from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_layers.emulator.clock import Clock, read_moment, write_moment


def test_a_frozen_clock_stands_until_it_is_advanced():
    clock = Clock(frozen=True, start=datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert clock.now() == clock.now()
    clock.advance(1.5)
    assert write_moment(clock.now()) == "2026-01-01T00:00:01.500Z"
    clock.reset()
    assert write_moment(clock.now()) == "2026-01-01T00:00:00.000Z"


def test_a_real_clock_runs_and_jumps():
    clock = Clock()
    before = datetime.now(timezone.utc)
    assert before <= clock.now() <= before + timedelta(seconds=5)
    clock.advance(3600)
    assert clock.now() >= before + timedelta(hours=1)


def test_a_frozen_clock_starts_at_the_real_time():
    assert abs(Clock(frozen=True).now() - datetime.now(timezone.utc)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-04-18T12:04:11.000Z", "2026-04-18T12:04:11.000Z"),
        ("2026-04-18T12:04:11Z", "2026-04-18T12:04:11.000Z"),
        ("2026-04-18T12:04Z", "2026-04-18T12:04:00.000Z"),
        ("2026-04-18T12:04:11.5Z", "2026-04-18T12:04:11.500Z"),
        ("2026-04-18T12:04:11.123456Z", "2026-04-18T12:04:11.123Z"),
    ],
)
def test_moments_that_are_read(text, written):
    moment = read_moment(text)
    assert moment is not None
    assert write_moment(moment) == written


@pytest.mark.parametrize(
    "text", ["2026-04-18T12:04:11", "2026-04-18T12:04:11+00:00", "2026-13-18T12:04:11Z", "now", ""]
)
def test_moments_that_are_not(text):
    assert read_moment(text) is None
