"""Reading within one budget: one thing, a list page by page, the tier of the key."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from airflow_provider_layers.api.account import whoami
from airflow_provider_layers.api.budget import ceiling_of
from airflow_provider_layers.api.waits import Group, Sweep, Wait
from airflow_provider_layers.api.watching import Patience, Row
from airflow_provider_layers.exceptions import (
    LayersParameterError,
    LayersRateLimitError,
    LayersServerError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)
from airflow_provider_layers.hooks import reader as module
from airflow_provider_layers.hooks.reader import SMALLEST_TIER, TIER_RETRY, Reader
from tests.unit.driving import LOST, bad, good
from tests.unit.hours import things
from tests.unit.watches import ENDED, roll, watch

LIST = roll().path
UNDER_WAY = Row("running", None, None)


@pytest.fixture
def reader(api):
    return Reader(api, 6000)


def sweep(*names, page_size=200, filtered=True, **fields):
    """Read the list for these things."""
    listed = roll(page_size=page_size)
    given = [Wait(watch(name, **fields), listed, Patience(grace_ends=0.0)) for name in names]
    return Sweep(Group(listed, filtered=filtered), listed, given, given)


def walk(api, reader, *names, **fields):
    return api.loop.run(reader.walk(sweep(*names, **fields)))


def queries(api):
    return [dict(endpoint.query) for _, endpoint in api.sent]


def look(reader, name="thing0"):
    return reader.ask(watch(name).look(None))


def test_an_answer_is_given_back_as_it_was_read(api, reader):
    things(api, 1, after=-1.0)
    assert api.loop.run(look(reader)) == ENDED


@pytest.mark.parametrize(
    ("answer", "kind"), [(LOST, LayersTransportError), (bad(500, retry_after="30"), LayersServerError)]
)
def test_a_failure_is_raised_and_holds_nobody_up(api, reader, answer, kind):
    api.answers["/v1/things/thing0"] = lambda endpoint: answer
    with pytest.raises(kind):
        api.loop.run(look(reader))
    assert reader.budget.delay(api.loop.time()) == 0.0


def test_a_rate_limit_is_raised_and_holds_all_up_for_as_long_as_the_api_asks(api, reader):
    api.answers["/v1/things/thing0"] = lambda endpoint: bad(429, retry_after="30")
    with pytest.raises(LayersRateLimitError):
        api.loop.run(look(reader))
    assert reader.budget.blocked(api.loop.time()) == pytest.approx(30.0, abs=0.1)


def test_a_list_of_one_page_is_read_at_once(api, reader):
    names = things(api, 3, after=60.0)
    assert walk(api, reader, *names) == (dict.fromkeys(names, UNDER_WAY), 1)
    assert queries(api) == [{"status": "running", "limit": "200"}]


def test_a_list_is_asked_for_from_where_the_oldest_rows_were_made(api, reader):
    walk(api, reader, "thing0", listed_since=0.0)
    assert queries(api) == [{"status": "running", "since": "1970-01-01T00:00:00.000Z", "limit": "200"}]


def test_a_list_is_walked_as_far_as_there_are_waits_to_be_found(api, reader):
    """The project has many more things under way, and those that are waited for are on the second page."""
    things(api, 1000, every=0.0, after=1e6)
    sought = [f"thing{number}" for number in range(150, 160)]
    rows, pages = walk(api, reader, *sought, page_size=100)
    assert rows.keys() >= set(sought)
    assert pages == 2
    assert [page.get("cursor") for page in queries(api)] == [None, "100"]


def test_a_list_is_walked_to_its_end_for_what_is_not_in_it(api, reader):
    names = things(api, 250, every=0.0, after=1e6)
    rows, pages = walk(api, reader, names[0], "gone", page_size=100)
    assert (len(rows), pages) == (250, 3)
    assert [page.get("cursor") for page in queries(api)] == [None, "100", "200"]


def test_a_list_whose_end_is_a_page_that_names_no_next_one_is_walked_to_it(api, reader):
    api.answers[LIST] = lambda endpoint: good({"items": []})
    assert walk(api, reader, "gone") == ({}, 1)


def test_every_page_but_the_first_waits_for_the_budget(api):
    reader = Reader(api, 60)
    things(api, 1000, every=0.0, after=1e6)
    for _ in range(6):
        reader.budget.take()
    walk(api, reader, "gone", page_size=100)
    moments = api.asked(LIST)
    assert len(moments) == 10
    assert moments[0] < 1000.1, "whoever begins a walk has paid for its first page"
    assert all(later - before > 0.9 for before, later in pairwise(moments))


def test_the_next_page_waits_while_the_api_is_to_be_left_alone(api, reader):
    things(api, 300, every=0.0, after=1e6)
    api.seen = lambda: reader.budget.refused(45.0, now=api.loop.time())
    walk(api, reader, *(f"thing{number}" for number in range(100)), "thing150", page_size=100)
    first, second = api.asked(LIST)
    assert second - first >= 45.0


def test_a_walk_that_meets_a_rate_limit_ends_and_holds_all_up(api, reader):
    api.answers[LIST] = lambda endpoint: bad(429, retry_after="30")
    with pytest.raises(LayersRateLimitError):
        walk(api, reader, "thing0")
    assert reader.budget.blocked(api.loop.time()) > 29.0


@pytest.mark.parametrize("cursors", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_a_list_that_leads_in_a_circle_is_not_walked_for_ever(api, reader, cursors):
    def page(endpoint):
        return good({"items": [], "nextCursor": cursors[len(api.sent) % len(cursors)]})

    api.answers[LIST] = page
    with pytest.raises(LayersUnexpectedAnswerError, match=f"{LIST} does not come to an end"):
        walk(api, reader, "thing0")
    assert len(api.sent) == len(cursors) + 1


def test_a_list_that_is_longer_than_any_is_not_walked_for_ever(api, reader, monkeypatch):
    monkeypatch.setattr(module, "MOST_PAGES", 5)
    api.answers[LIST] = lambda endpoint: good({"items": [], "nextCursor": str(len(api.sent))})
    with pytest.raises(LayersUnexpectedAnswerError, match="does not come to an end"):
        walk(api, reader, "thing0")
    assert len(api.sent) == 4


@pytest.mark.parametrize("page", [{"rows": []}, {"items": ["row"]}])
def test_a_page_that_nobody_documented_is_none(api, reader, page):
    api.answers[LIST] = lambda endpoint: good(page)
    with pytest.raises(LayersUnexpectedAnswerError):
        walk(api, reader, "thing0")


def test_a_list_without_the_filter_is_never_read_from_the_beginning_of_a_project(api, reader):
    with pytest.raises(LayersParameterError, match="would have to be read from its beginning"):
        walk(api, reader, "thing0", filtered=False)
    assert api.sent == []


def test_a_list_without_the_filter_is_read_from_where_its_rows_were_made(api, reader):
    (name,) = things(api, 1, after=60.0)
    assert walk(api, reader, name, filtered=False, listed_since=0.0) == ({name: UNDER_WAY}, 1)
    assert queries(api) == [{"since": "1970-01-01T00:00:00.000Z", "limit": "200"}]


def test_a_list_without_the_filter_is_walked_no_further_than_looks_would_cost(api, reader):
    """What is waited for lies far down in a project that goes on making things."""
    things(api, 1000, every=0.0, after=1e6)
    sought = ["thing950", "thing960", "thing970"]
    rows, pages = walk(api, reader, *sought, page_size=100, filtered=False, listed_since=0.0)
    assert (len(rows), pages) == (300, 3)
    rows, pages = walk(api, reader, *sought, page_size=100, listed_since=0.0)
    assert (len(rows), pages) == (1000, 10), "one of what is under way only is walked all the way"


def test_rows_are_read_as_the_list_says(api, reader):
    names = things(api, 2, after=60.0)
    given = sweep(*names)
    odd = replace(given, roll=replace(given.roll, read=lambda page: {str(len(page["items"])): UNDER_WAY}))
    assert api.loop.run(reader.walk(odd)) == ({"2": UNDER_WAY}, 1)


def tier(api, *answers):
    left = list(answers)
    api.answers[whoami().path] = lambda endpoint: left.pop(0)


def learn(api, reader):
    api.loop.run(reader.learn_tier(api.loop.time()))


@pytest.mark.parametrize("name", ["standard", "pilot", "partner", "a new one"])
def test_the_budget_becomes_that_of_the_tier(api, name):
    reader = Reader(api, None)
    assert reader.budget.ceiling == ceiling_of(SMALLEST_TIER)
    tier(api, good({"rateLimitTier": name}))
    learn(api, reader)
    assert reader.budget.ceiling == ceiling_of(name)
    assert not reader.wonders(1e12), "it is known now"


def test_a_chosen_budget_is_never_wondered_about(api):
    reader = Reader(api, 30)
    assert reader.budget.ceiling == 30
    assert not reader.wonders(1e12)


def test_to_ask_for_the_tier_is_a_read_too(api):
    reader = Reader(api, None)
    tier(api, bad(500))
    while reader.budget.delay(api.loop.time()) == 0.0:
        reader.budget.take()
    before = reader.budget.delay(api.loop.time())
    learn(api, reader)
    assert reader.budget.delay(api.loop.time()) > before


@pytest.mark.parametrize("answer", [LOST, bad(500), bad(401), good("<html>")])
def test_a_tier_that_could_not_be_read_is_asked_for_again_a_minute_later(api, answer):
    reader = Reader(api, None)
    asked_at = api.loop.time()
    tier(api, answer, good({"rateLimitTier": "pilot"}))
    learn(api, reader)
    assert reader.budget.ceiling == ceiling_of(SMALLEST_TIER)
    assert not reader.wonders(asked_at + TIER_RETRY - 0.1)
    assert reader.wonders(asked_at + TIER_RETRY)
    learn(api, reader)
    assert reader.budget.ceiling == ceiling_of("pilot")


def test_a_bug_in_asking_for_the_tier_is_no_more_than_a_tier_that_cannot_be_read(api):
    def bug(endpoint):
        raise RuntimeError("Cannot send a request, as the client has been closed.")

    reader = Reader(api, None)
    api.answers[whoami().path] = bug
    learn(api, reader)
    assert reader.budget.ceiling == ceiling_of(SMALLEST_TIER)
