"""How a watcher keeps to the rate limit of its key."""

from __future__ import annotations

import logging

import pytest

from airflow_provider_layers.api.budget import ceiling_of
from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.hooks import watcher as module
from airflow_provider_layers.hooks.watcher import Watcher
from tests.unit.driving import bad, good
from tests.unit.hours import everything, run, things
from tests.unit.watches import watch

ENDED = {"status": "completed"}


def test_a_rate_limit_makes_the_whole_watcher_wait_as_long_as_the_api_asks(api, watcher):
    names = things(api, 40, after=300.0)
    api.answers["/v1/things/thing7"] = lambda endpoint: (
        bad(429, retry_after="60") if len(api.asked("thing7")) == 1 else good(ENDED)
    )

    run(api, watcher, lambda: everything(watcher, names))
    refused = api.asked("thing7")[0] + api.takes
    assert [one for one in api.asked() if refused + 0.01 < one < refused + 60.0] == []
    assert [one for one in api.asked() if one >= refused + 60.0]


def test_no_more_than_the_budget_is_asked_for(api):
    watcher = Watcher(api, Experience(), 60)
    names = things(api, 200, after=600.0, every=0.0)

    run(api, watcher, lambda: everything(watcher, names))
    first = api.asked()[0]
    for minute in range(10):
        assert sum(1 for one in api.asked() if 0 <= one - first - 60 * minute < 60) <= 60 + 6


def late_lines(caplog):
    return [record for record in caplog.records if "ends are noticed" in record.message]


def test_lateness_is_told_once(api, caplog):
    caplog.set_level(logging.INFO)
    watcher = Watcher(api, Experience(), 6)
    names = things(api, 20, every=0.0, after=300.0)

    run(api, watcher, lambda: everything(watcher, names))
    (told,) = late_lines(caplog)
    assert told.levelno == logging.WARNING
    assert "20 waits ask for more than the 6 reads a minute" in told.message
    assert "poll_budget_rpm" in told.message


def test_enough_reads_are_nothing_to_tell_of(api, watcher, caplog):
    caplog.set_level(logging.INFO)
    names = things(api, 20, every=0.0, after=300.0)

    run(api, watcher, lambda: everything(watcher, names))
    assert [record.message for record in caplog.records if record.name == module.__name__] == []


def tier(api, answer):
    api.answers["/v1/whoami"] = lambda endpoint: answer


def test_the_tier_is_not_asked_for_while_the_smallest_suffices(api):
    watcher = Watcher(api, Experience(), None)
    (name,) = things(api, 1, after=60.0)
    run(api, watcher, lambda: watcher.wait(watch(name)))
    assert api.asked("whoami") == []
    assert watcher._reader.budget.ceiling == ceiling_of("standard")


@pytest.mark.parametrize(("name", "faster"), [("standard", False), ("pilot", True), ("partner", True)])
def test_the_tier_is_asked_for_once_when_it_does_not_and_is_used(api, name, faster):
    watcher = Watcher(api, Experience(), None)
    tier(api, good({"rateLimitTier": name}))
    names = things(api, 300, every=0.0, after=120.0)

    run(api, watcher, lambda: everything(watcher, names))
    assert len(api.asked("whoami")) == 1
    assert watcher._reader.budget.ceiling == ceiling_of(name)
    assert (len(api.asked()) > 1000) is faster


def test_a_chosen_budget_is_kept_to_whatever_the_tier(api):
    watcher = Watcher(api, Experience(), 30)
    names = things(api, 50, every=0.0, after=60.0)

    run(api, watcher, lambda: everything(watcher, names))
    assert api.asked("whoami") == []


def test_a_bug_in_asking_for_the_tier_ends_no_wait(api):
    def bug(endpoint):
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    watcher = Watcher(api, Experience(), None)
    api.answers["/v1/whoami"] = bug
    names = things(api, 300, every=0.0, after=20.0)
    assert run(api, watcher, lambda: everything(watcher, names)) == [ENDED] * 300
    assert api.asked("whoami")
