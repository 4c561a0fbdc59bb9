"""When to send again, and after how long."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.retry import ATTEMPTS, PATIENCE, asked_wait, pause_before, retry_after
from airflow_provider_layers.exceptions import (
    LayersNotFoundError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Wed, 21 Oct 2026 07:29:30 GMT", 90.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_moment(value, seconds):
    assert retry_after(value, date=DATE) == seconds


@pytest.mark.parametrize("date", [None, "", "today", "Wed, 21 Oct 2026 07:28:00 -0000"])
def test_a_moment_means_nothing_without_the_servers_own_clock(date):
    assert retry_after("Wed, 21 Oct 2026 07:29:30 GMT", date=date) is None


@pytest.mark.parametrize("value", ["inf", "nan", "1e999"])
def test_a_retry_after_that_is_no_number_of_seconds_is_not_read(value):
    assert retry_after(value) is None


def limited(seconds: float | None) -> LayersRateLimitError:
    return LayersRateLimitError("ask", status_code=429, retry_after=seconds)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(limited(3.0), 3.0), (limited(None), 0.0), (LayersTransportError("lost"), 0.0)],
)
def test_only_the_api_asks_to_wait(error, seconds):
    assert asked_wait(error) == seconds


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)])
@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_the_pause_doubles_and_is_jittered_by_half(attempt, longest, chance, share):
    assert pause_before(attempt, LayersTransportError("lost"), chance=chance) == longest * share


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_the_api_is_never_asked_again_earlier_than_it_said(chance):
    assert pause_before(1, limited(7.0), chance=chance) > 7.0


def test_clients_that_were_told_the_same_wait_do_not_come_back_together():
    assert pause_before(1, limited(7.0), chance=0.0) != pause_before(1, limited(7.0), chance=1.0)


@pytest.mark.parametrize(
    "error",
    [LayersServerError("ask", status_code=503), LayersUnexpectedAnswerError("garbage"), limited(None)],
)
def test_errors_that_pass_are_asked_again_a_few_times_only(error):
    assert pause_before(ATTEMPTS - 1, error, chance=0.5) is not None
    assert pause_before(ATTEMPTS, error, chance=0.5) is None


def test_a_permanent_error_is_never_asked_again():
    assert pause_before(1, LayersNotFoundError("ask", status_code=404), chance=0.5) is None


def test_a_wait_longer_than_the_patience_is_left_to_airflow():
    assert pause_before(1, limited(PATIENCE), chance=0.0) is not None
    assert pause_before(1, limited(PATIENCE + 0.1), chance=0.0) is None
