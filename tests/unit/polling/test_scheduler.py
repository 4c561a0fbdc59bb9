"""What is polled next, and what a poll leads to."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersRateLimitError,
    LayersRequestError,
    LayersServerError,
    LayersTimeoutError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.intervals import (
    INITIAL_INTERVAL,
    NOT_FOUND_GRACE,
    TAIL,
    DurationHistory,
    PollInterval,
)
from airflow_provider_layers.polling.scheduler import (
    CHUNK,
    EARLY_SHARE,
    LIST_TRUST_SECONDS,
    MAX_EARLY_PAGES,
    OUTAGE_SECONDS,
    ListPoll,
    PollScheduler,
    SinglePoll,
)
from airflow_provider_layers.polling.targets import MAX_CONSECUTIVE_FAILURES, Row
from tests.unit.polling.things import (
    FINISHED,
    FINISHED_ROW,
    FOREVER,
    NOW,
    RUNNING,
    UNFINISHED_ROW,
    source,
    target,
)

LATE = 1 - EARLY_SHARE
LOST = LayersTransportError("lost")
UNEXPECTED = LayersUnexpectedResponseError("<html>")
UNKNOWN = LayersNotFoundError("read it", status_code=404)
REFUSED = LayersRequestError("list", status_code=422)
FORBIDDEN = LayersPermissionError("list", status_code=403)
FAILED = LayersServerError("list", status_code=500)
VENDOR_PAUSES = [2.0, 2.6, 3.38, 4.39, 5.71, 7.43, 9.65, 10.0, 10.0]


def make_scheduler(history=None, *, jitter=0.0):
    return PollScheduler(history or DurationHistory(), jitter=lambda: jitter)


@pytest.fixture
def scheduler():
    return make_scheduler()


def add_many(scheduler, count, *, now=NOW, name="", **fields):
    """Subscribe to things of one list."""
    fields = {"list_source": source()} | fields
    return [scheduler.add(target(f"{name}{number}", **fields), now=now) for number in range(count)]


def single(scheduler, now=NOW):
    poll = scheduler.next_poll(now)
    assert isinstance(poll, SinglePoll)
    return poll


def listed(scheduler, now=NOW):
    poll = scheduler.next_poll(now)
    assert isinstance(poll, ListPoll)
    return poll


def show(scheduler, rows, *, now=NOW, pages=1):
    """Let the next list poll show these rows; a number stands for so many unfinished ones."""
    if isinstance(rows, int):
        rows = {str(number): UNFINISHED_ROW for number in range(rows)}
    list(scheduler.list_succeeded(listed(scheduler, now), rows, pages, now=now))


def next_list(scheduler):
    """Let single polls show running things until a list is polled; return that poll and its moment."""
    while True:
        now = scheduler.next_time()
        poll = scheduler.next_poll(now)
        if isinstance(poll, ListPoll):
            return poll, now
        scheduler.single_succeeded(poll, RUNNING, now=now)


def show_next(scheduler, rows):
    """Let the next list poll show these rows, whenever it comes; return its moment."""
    poll, now = next_list(scheduler)
    list(scheduler.list_succeeded(poll, rows, 1, now=now))
    return now


def pauses(scheduler, result=RUNNING, *, polls, now=NOW):
    """Poll again and again; return the seconds in between."""
    seconds = []
    for _ in range(polls):
        scheduler.single_succeeded(single(scheduler, now), result, now=now)
        seconds.append(round(scheduler.next_time() - now, 2))
        now = scheduler.next_time()
    return seconds


# Single polls


def test_a_scheduler_without_subscriptions_has_nothing_to_do(scheduler):
    assert (len(scheduler), scheduler.next_time(), scheduler.next_poll(NOW)) == (0, None, None)


def test_a_subscription_is_polled_when_it_is_due_and_once_at_a_time():
    scheduler = make_scheduler(jitter=0.5)
    subscription = scheduler.add(target(), now=NOW)
    due = NOW + INITIAL_INTERVAL / 2
    assert (len(scheduler), scheduler.next_time()) == (1, due)
    assert scheduler.next_poll(due - 0.01) is None
    assert single(scheduler, due).subscription is subscription
    assert scheduler.next_time() is None, "while it is polled, there is nothing to do"


def test_first_polls_of_many_that_start_at_once_are_spread():
    scheduler = PollScheduler(DurationHistory(), jitter=iter([n / 100 for n in range(100)]).__next__)
    moments = [scheduler.add(target(str(number)), now=NOW).due for number in range(100)]
    assert max(moments) - min(moments) == pytest.approx(INITIAL_INTERVAL, rel=0.02)
    assert make_scheduler(jitter=1.0).add(target(max_interval=0.5), now=NOW).due == NOW + 0.5


def test_without_estimates_pauses_are_those_of_the_vendor(scheduler):
    scheduler.add(target(), now=NOW)
    assert pauses(scheduler, polls=9) == VENDOR_PAUSES


def test_a_finished_target_is_reported_with_its_result(scheduler):
    subscription = scheduler.add(target(), now=NOW)
    assert scheduler.single_succeeded(single(scheduler), FINISHED, now=NOW) is True
    assert subscription.result == FINISHED


def test_an_unchanged_target_keeps_its_last_result(scheduler):
    subscription = scheduler.add(target(), now=NOW)
    scheduler.single_succeeded(single(scheduler), RUNNING | {"etag": '"1"'}, now=NOW)
    assert scheduler.single_succeeded(single(scheduler, NOW + 2), None, now=NOW + 2) is False
    assert (subscription.result, subscription.observation.etag) == (RUNNING | {"etag": '"1"'}, '"1"')


def test_the_end_that_the_api_expects_decides_the_pauses(scheduler):
    scheduler.add(target(), now=NOW)
    result = RUNNING | {"expected_end": NOW + 65.0}
    assert pauses(scheduler, result, polls=5) == [30.0, 30.0, 5.0, 4.39, 5.71], "after it, the vendor's"


def test_progress_decides_them_only_where_nothing_better_is_known(scheduler):
    result = RUNNING | {"earliest_end": NOW + 27.0}
    scheduler.add(target(started_at=NOW - 100), now=NOW)
    assert pauses(scheduler, result, polls=2) == [27.0, 2.6], "after it, the vendor's"
    history = DurationHistory()
    for _ in range(round(1 / TAIL)):
        history.add(("job",), 110.0)
    scheduler = make_scheduler(history)
    scheduler.add(target(started_at=NOW - 100, history_key=("job",)), now=NOW)
    assert pauses(scheduler, result, polls=1) == [10.0]
    assert pauses(scheduler, result | {"expected_end": NOW + 15.0}, polls=1, now=NOW + 10) == [5.0]


def test_durations_are_remembered_for_later_targets_of_the_same_key():
    history = DurationHistory()
    scheduler = make_scheduler(history)
    for number in range(round(1 / TAIL)):
        scheduler.add(target(str(number), history_key=("job",)), now=NOW)
        scheduler.single_succeeded(single(scheduler), FINISHED | {"duration": 100.0}, now=NOW)
    later = make_scheduler(history)
    later.add(target(history_key=("job",), started_at=NOW), now=NOW)
    assert pauses(later, polls=6) == [2.0, 30.0, 30.0, 30.0, 8.0, 7.43]
    other = make_scheduler(history)
    other.add(target(history_key=("post",), started_at=NOW), now=NOW)
    assert pauses(other, polls=2) == [2.0, 2.6]


@pytest.mark.parametrize(("key", "duration"), [((), 100.0), (("job",), None)])
def test_without_key_or_duration_nothing_is_remembered(key, duration):
    history = DurationHistory()
    scheduler = make_scheduler(history)
    scheduler.add(target(history_key=key), now=NOW)
    scheduler.single_succeeded(single(scheduler), FINISHED | {"duration": duration}, now=NOW)
    assert not history._durations


# Deadlines and errors


def test_the_last_poll_comes_at_the_deadline(scheduler):
    subscription = scheduler.add(target(deadline=NOW + 1.5), now=NOW)
    first = single(scheduler)
    scheduler.single_succeeded(first, RUNNING, now=NOW)
    assert (first.is_last, scheduler.next_time()) == (False, NOW + 1.5)
    last = single(scheduler, NOW + 1.5)
    assert last.is_last
    assert scheduler.single_succeeded(last, FINISHED, now=NOW + 1.5) is True
    assert subscription.result == FINISHED


@pytest.mark.parametrize("result", [RUNNING, None], ids=["running", "unchanged"])
def test_a_target_that_has_not_finished_by_then_has_timed_out(scheduler, result):
    scheduler.add(target(deadline=NOW + 1), now=NOW)
    scheduler.single_succeeded(single(scheduler), RUNNING, now=NOW)
    with pytest.raises(LayersTimeoutError, match="a was running at the deadline"):
        scheduler.single_succeeded(single(scheduler, NOW + 1), result, now=NOW + 1)


def test_a_last_poll_that_fails_is_a_timeout_unless_its_error_says_more(scheduler):
    for name in ("a", "b"):
        scheduler.add(target(name, deadline=NOW), now=NOW)
    with pytest.raises(LayersTimeoutError, match="a was never read"):
        scheduler.single_failed(single(scheduler), LOST, now=NOW)
    with pytest.raises(LayersAuthenticationError):
        scheduler.single_failed(
            single(scheduler), LayersAuthenticationError("read it", status_code=401), now=NOW
        )


def test_an_unknown_target_has_a_grace_from_the_start_of_the_wait(scheduler):
    scheduler.add(target(), now=NOW)
    scheduler.single_failed(single(scheduler), UNKNOWN, now=NOW)
    later = NOW + NOT_FOUND_GRACE
    with pytest.raises(LayersNotFoundError):
        scheduler.single_failed(single(scheduler, later), UNKNOWN, now=later)


def test_pauses_grow_over_errors_as_well(scheduler):
    scheduler.add(target(), now=NOW)
    seconds, now = [], NOW
    for _ in VENDOR_PAUSES:
        scheduler.single_failed(single(scheduler, now), LOST, now=now)
        seconds.append(round(scheduler.next_time() - now, 2))
        now = scheduler.next_time()
    assert seconds == VENDOR_PAUSES


@pytest.mark.parametrize(
    ("retry_after", "deadline", "pause"), [(1.0, FOREVER, 2.0), (30.0, FOREVER, 30.0), (3600.0, NOW + 5, 5.0)]
)
def test_retry_after_is_the_least_pause_but_not_past_the_deadline(scheduler, retry_after, deadline, pause):
    scheduler.add(target(deadline=deadline), now=NOW)
    error = LayersRateLimitError("x", status_code=429, retry_after=retry_after)
    scheduler.single_failed(single(scheduler), error, now=NOW)
    assert scheduler.next_time() == NOW + pause


@pytest.mark.parametrize("result", [RUNNING, None], ids=["running", "unchanged"])
def test_a_successful_poll_resets_the_count_of_undocumented_responses(scheduler, result):
    scheduler.add(target(), now=NOW)
    later = NOW + 1e6
    for _ in range(3):
        for _ in range(MAX_CONSECUTIVE_FAILURES - 1):
            scheduler.single_failed(single(scheduler, later), UNEXPECTED, now=NOW)
        scheduler.single_succeeded(single(scheduler, later), result, now=NOW)
    for _ in range(MAX_CONSECUTIVE_FAILURES - 1):
        scheduler.single_failed(single(scheduler, later), UNEXPECTED, now=NOW)
    with pytest.raises(LayersUnexpectedResponseError):
        scheduler.single_failed(single(scheduler, later), UNEXPECTED, now=NOW)


# Leaving


def test_a_removed_subscription_is_not_polled(scheduler):
    first, second = scheduler.add(target("a"), now=NOW), scheduler.add(target("b"), now=NOW)
    scheduler.remove(first)
    assert len(scheduler) == 1
    assert single(scheduler).subscription is second
    assert scheduler.next_time() is None
    scheduler.remove(second)
    scheduler.remove(second)
    assert len(scheduler) == 0


@pytest.mark.parametrize("fields", [{}, {"list_source": source()}], ids=["alone", "in a list"])
def test_a_subscription_that_is_removed_while_it_is_polled_is_not_polled_again(scheduler, fields):
    polls = []
    for name in "abc":
        subscription = scheduler.add(target(name, **fields), now=NOW)
        polls.append(single(scheduler))
        scheduler.remove(subscription)
    assert scheduler.single_succeeded(polls[0], RUNNING, now=NOW) is False
    assert scheduler.single_succeeded(polls[1], FINISHED, now=NOW) is False
    scheduler.single_failed(polls[2], FORBIDDEN, now=NOW)
    assert (len(scheduler), scheduler.next_time(), scheduler._groups) == (0, None, {})


def test_a_subscription_that_is_removed_while_its_list_is_polled_is_not_polled_again(scheduler):
    leaving, *_ = add_many(scheduler, 3)
    poll = listed(scheduler)
    scheduler.remove(leaving)
    list(scheduler.list_succeeded(poll, {"1": UNFINISHED_ROW, "2": UNFINISHED_ROW}, 1, now=NOW))
    assert leaving.entry_id is None
    following, _ = next_list(scheduler)
    assert leaving not in following.due + following.members
    leaving = following.due[0]
    scheduler.remove(leaving)
    scheduler.list_failed(following, FORBIDDEN, now=NOW)
    assert len(scheduler) == 1
    assert single(scheduler, NOW + 1e6).subscription is not leaving
    assert scheduler.next_time() is None


def test_a_subscription_that_is_removed_between_two_chunks_is_not_polled_again(scheduler):
    subscriptions = add_many(scheduler, CHUNK + 10)
    for _ in scheduler.list_succeeded(listed(scheduler), {}, 1, now=NOW):
        scheduler.remove(subscriptions[-1])
    assert (subscriptions[-1].entry_id, len(scheduler)) == (None, CHUNK + 9)


def test_a_list_without_subscriptions_is_forgotten(scheduler):
    subscriptions = add_many(scheduler, 3)
    poll = listed(scheduler)
    for subscription in subscriptions:
        scheduler.remove(subscription)
    list(scheduler.list_succeeded(poll, {}, 1, now=NOW))
    assert (len(scheduler), scheduler._groups, scheduler.next_time()) == (0, {}, None)


@pytest.mark.parametrize("fields", [{"list_source": None}, {}], ids=["alone", "in a list"])
def test_queues_do_not_grow_with_polls_or_ended_waits(scheduler, fields):
    add_many(scheduler, 10, **fields)
    now = NOW
    for number in range(500):
        now = max(now, scheduler.next_time())
        poll = scheduler.next_poll(now)
        if isinstance(poll, ListPoll):
            rows = {member.target.name: UNFINISHED_ROW for member in poll.members}
            list(scheduler.list_succeeded(poll, rows, 1, now=now))
        else:
            scheduler.single_succeeded(poll, RUNNING, now=now)
        (brief,) = add_many(scheduler, 1, now=now, name=f"brief{number}", **fields)
        scheduler.remove(brief)
    queues = [scheduler._singles, *scheduler._groups.values()]
    assert sum(len(group.queue) for group in queues) < 50


@pytest.mark.parametrize("fields", [{"list_source": None}, {}], ids=["alone", "in a list"])
def test_a_target_that_cannot_be_planned_leaves_the_others_alone(scheduler, fields):
    (first,) = add_many(scheduler, 1, **fields)
    with pytest.raises(TypeError):
        add_many(scheduler, 1, name="other", deadline="soon", **fields)
    assert len(scheduler) == 1
    assert all(list(group.members) == [first] for group in scheduler._groups.values())
    assert single(scheduler).subscription is first


# When a list is read


def test_a_list_is_read_for_more_subscriptions_than_it_has_pages(scheduler):
    (alone,) = add_many(scheduler, 1)
    assert single(scheduler).subscription is alone
    several = add_many(scheduler, 2, name="other")
    poll = listed(scheduler)
    assert (poll.due, poll.source, poll.members) == (several, source(), [alone, *several])
    assert scheduler.next_time() is None, "while it is read, there is nothing to do"


@pytest.mark.parametrize(("due", "kind"), [(3, SinglePoll), (5, SinglePoll), (6, ListPoll)])
def test_the_length_that_a_list_had_is_remembered_for_a_while(scheduler, due, kind):
    add_many(scheduler, due)
    show(scheduler, due, pages=5)
    now = scheduler.next_time()
    assert type(scheduler.next_poll(now)) is kind
    group = scheduler._groups[source()]
    assert (group.expected_pages(now), group.expected_pages(NOW + LIST_TRUST_SECONDS)) == (5, 1)


def test_a_list_is_at_least_as_long_as_its_subscriptions_fill(scheduler):
    paged = source(page_size=2)
    subscriptions = add_many(scheduler, 3, list_source=paged)
    assert scheduler._groups[paged].expected_pages(NOW) == 2
    list(scheduler.list_succeeded(listed(scheduler), {}, 1, now=NOW))
    assert scheduler._groups[paged].expected_pages(NOW) == 2
    scheduler.remove(subscriptions[0])
    assert scheduler._groups[paged].expected_pages(NOW) == 1


def test_subscriptions_that_a_list_is_not_read_for_are_polled_in_their_order(scheduler):
    add_many(scheduler, 3)
    show(scheduler, 3, pages=5)
    now = scheduler.next_time()
    polls = [single(scheduler, now) for _ in range(3)]
    assert [poll.subscription.target.name for poll in polls] == ["0", "1", "2"]
    assert scheduler.next_poll(now) is None


@pytest.mark.parametrize(
    "fields", [[{}, {"list_source": source("prj_2")}], [{"list_source": None}] * 2, [{"row_ids": ()}] * 2]
)
def test_targets_of_no_common_list_are_polled_on_their_own(scheduler, fields):
    for number, item in enumerate(fields):
        add_many(scheduler, 1, name=str(number), **item)
    assert {type(scheduler.next_poll(NOW)), type(scheduler.next_poll(NOW))} == {SinglePoll}


def test_subscriptions_that_are_due_soon_take_part(scheduler):
    add_many(scheduler, 1)
    (soon,) = add_many(scheduler, 1, now=NOW + EARLY_SHARE * 10, name="soon")
    (later,) = add_many(scheduler, 1, now=NOW + EARLY_SHARE * 10 + 0.01, name="later")
    poll = listed(scheduler)
    assert poll.due[1:] == [soon]
    list(scheduler.list_succeeded(poll, dict.fromkeys(("0", "soon0", "later0"), UNFINISHED_ROW), 1, now=NOW))
    assert soon.due == NOW + 2.0 * LATE
    assert later.due == NOW + EARLY_SHARE * 10 + 0.01, "unchanged"


def test_a_list_covers_all_that_are_due_until_it_is_read_again(scheduler):
    add_many(scheduler, 2, max_interval=20.0)
    show(scheduler, 2)
    late = add_many(scheduler, 3, now=NOW + 3, name="late", max_interval=20.0)
    assert scheduler.next_time() == NOW + 20.0 * LATE
    assert scheduler.next_poll(NOW + 20.0 * LATE - 0.01) is None
    assert set(listed(scheduler, NOW + 20.0 * LATE).due) >= set(late)


@pytest.mark.parametrize(("pages", "share"), [(MAX_EARLY_PAGES, LATE), (MAX_EARLY_PAGES + 1, 1.0)])
def test_a_long_list_is_not_read_early(scheduler, pages, share):
    paged = source(page_size=2)
    add_many(scheduler, 2 * pages, list_source=paged, max_interval=20.0)
    show(scheduler, 2 * pages, pages=pages)
    assert scheduler._groups[paged].not_before == NOW + 20.0 * share


def test_another_list_does_not_wait_for_it(scheduler):
    add_many(scheduler, 2)
    show(scheduler, 2)
    others = add_many(scheduler, 2, list_source=source("prj_2"), now=NOW + 1)
    assert listed(scheduler, NOW + 1).due == others


@pytest.mark.parametrize("after", [0.0, 3.0], ids=["from the start", "joins later"])
@pytest.mark.parametrize(
    ("fields", "latest"),
    [({"deadline": NOW + 60.0}, NOW + 60.0), ({"max_interval": 10.0}, NOW + 3.0 + 10.0 * LATE)],
    ids=["deadline", "short interval"],
)
def test_a_list_is_read_in_time_for_each_subscription(scheduler, after, fields, latest):
    slow = {"max_interval": 600.0}
    add_many(scheduler, 2, **slow)
    if after:
        show(scheduler, 2)
    add_many(scheduler, 1, now=NOW + after, name="other", **(slow | fields))
    if not after:
        show(scheduler, dict.fromkeys(("0", "1", "other0"), UNFINISHED_ROW))
    assert scheduler.next_time() <= latest


def test_the_last_poll_is_a_single_poll_in_a_list_as_well(scheduler):
    slow = {"interval": PollInterval(600.0)}
    add_many(scheduler, 2, **slow)
    (short,) = add_many(scheduler, 1, name="short", deadline=NOW + 60.0, **slow)
    rows = dict.fromkeys(("0", "1", "short0"), UNFINISHED_ROW)
    show(scheduler, rows)
    assert show_next(scheduler, rows) <= NOW + 60.0
    last = single(scheduler, NOW + 60.0)
    assert (last.is_last, last.subscription) == (True, short)


@pytest.mark.parametrize(("count", "turns"), [(CHUNK - 1, 0), (CHUNK, 1), (4 * CHUNK + 1, 4)])
def test_other_tasks_get_a_turn_while_many_subscriptions_are_updated(scheduler, count, turns):
    add_many(scheduler, count)
    assert len(list(scheduler.list_succeeded(listed(scheduler), {}, 1, now=NOW))) == turns


# What a list poll covers


def list_poll(scheduler, *, filtered=True, **names):
    """Poll the list of things; ``names`` are those that are due, or not, with their ``listed_since``."""
    for name, since in names.items():
        scheduler.add(target(name, list_source=source(), listed_since=since), now=NOW)
    scheduler._groups[source()].filtered = filtered
    return listed(scheduler)


def test_a_list_poll_looks_for_the_rows_of_those_that_had_joined(scheduler):
    scheduler.add(target("a", list_source=source(), row_ids=("1", "2")), now=NOW)
    scheduler.add(target("b", list_source=source(), row_ids=("2", "3")), now=NOW)
    poll = listed(scheduler)
    add_many(scheduler, 1, name="late")
    assert poll.row_ids() == {"1", "2", "3"}


def test_a_list_is_read_from_the_oldest_row_if_the_age_of_all_is_known(scheduler):
    assert list_poll(make_scheduler(), a=NOW - 5, b=NOW - 9).since() == NOW - 9
    assert list_poll(make_scheduler(), a=0.0, b=NOW).since() == 0.0
    assert list_poll(make_scheduler(), a=NOW - 5, b=None).since() is None


def test_an_unfiltered_list_is_read_no_further_than_polling_each_that_is_due_would_cost(scheduler):
    add_many(scheduler, 4, now=NOW + 5, name="later")
    poll = list_poll(scheduler, filtered=False, a=NOW, b=NOW)
    assert [poll.is_too_long(pages) for pages in (1, 2, 3)] == [False, True, True]
    poll.group.filtered = True
    assert [poll.is_too_long(pages) for pages in (2, 5, 6)] == [False, False, True], "filtered: each of all"


# What a list shows


@pytest.mark.parametrize(
    "rows", [{"0": UNFINISHED_ROW}, {"0": UNFINISHED_ROW, "1": FINISHED_ROW}], ids=["gone", "finished"]
)
def test_what_a_list_shows_as_finished_is_confirmed_by_a_poll(scheduler, rows):
    _, gone = add_many(scheduler, 2)
    show(scheduler, rows)
    assert (len(scheduler), scheduler.next_time()) == (2, NOW), "the list itself ends nothing"
    poll = single(scheduler)
    assert poll.subscription is gone
    assert scheduler.single_succeeded(poll, FINISHED, now=NOW) is True


@pytest.fixture
def ended():
    """The names of targets of which a list has shown the end."""
    return []


def add_trusting(scheduler, ended):
    """Subscribe to three things whose callers read them once more after the wait."""
    return [
        scheduler.add(
            target(name, list_source=source(), on_listed_end=lambda name=name: ended.append(name)), now=NOW
        )
        for name in "012"
    ]


@pytest.mark.parametrize(
    "rows",
    [{}, {"2": FINISHED_ROW}, {"2": Row("rendering", None, None)}],
    ids=["gone", "finished", "unknown"],
)
def test_where_the_caller_reads_it_again_the_end_of_an_unfinished_row_is_reported(scheduler, ended, rows):
    add_trusting(scheduler, ended)
    show(scheduler, 3)
    now = show_next(scheduler, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW, **rows})
    assert ended == ["2"]
    assert scheduler.next_time() > now, "and not polled"


def test_a_row_that_was_never_unfinished_is_confirmed_in_any_case(scheduler, ended):
    *_, finished = add_trusting(scheduler, ended)
    show(scheduler, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW, "2": FINISHED_ROW})
    assert (ended, single(scheduler).subscription) == ([], finished)


def test_a_row_that_an_incomplete_list_lacks_is_confirmed_in_any_case(scheduler, ended):
    *_, absent = add_trusting(scheduler, ended)
    show(scheduler, 3)
    poll, now = next_list(scheduler)
    list(scheduler.list_succeeded(poll, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW}, 3, now=now))
    assert (ended, single(scheduler, now).subscription) == ([], absent)
    # That poll disagrees, so the same list says nothing more, also once it is complete.
    scheduler.single_succeeded(SinglePoll(absent, is_last=False), RUNNING, now=now)
    show_next(scheduler, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW})
    assert ended == []


def test_an_unfinished_row_that_is_trusted_no_longer_is_no_end(scheduler, ended):
    add_trusting(scheduler, ended)
    show(scheduler, 3)
    now = NOW + LIST_TRUST_SECONDS
    list(scheduler.list_succeeded(listed(scheduler, now), dict.fromkeys("012", UNFINISHED_ROW), 1, now=now))
    assert ended == []


def test_one_unfinished_row_of_several_is_enough(scheduler):
    add_many(scheduler, 2, row_ids=("0", "1"))
    show(scheduler, {"0": FINISHED_ROW, "1": UNFINISHED_ROW})
    assert scheduler.next_time() > NOW


def test_a_subscription_that_is_not_due_is_covered_as_well(scheduler):
    add_many(scheduler, 2)
    (early,) = add_many(scheduler, 1, now=NOW + 5, name="early")
    show(scheduler, 2)
    assert single(scheduler, NOW).subscription is early


def test_unfinished_ones_are_planned_a_little_early(scheduler):
    subscriptions = add_many(scheduler, 2)
    show(scheduler, 2)
    assert [subscription.due for subscription in subscriptions] == [NOW + 2.0 * LATE] * 2
    now = show_next(scheduler, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW})
    assert [subscription.due for subscription in subscriptions] == [now + 2.6 * LATE] * 2


def test_a_subscription_that_joins_while_the_list_is_read_is_in_the_next(scheduler):
    add_many(scheduler, 2)
    poll = listed(scheduler)
    (late,) = add_many(scheduler, 1, now=NOW + 1, name="late")
    assert scheduler.next_time() is None
    list(scheduler.list_succeeded(poll, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW}, 1, now=NOW + 1))
    assert late.rows_to_confirm is None, "what was read before it joined says nothing about it"
    assert late in next_list(scheduler)[0].due


def test_a_subscription_that_is_polled_while_the_list_is_read_is_left_to_that_poll(scheduler):
    (polled,) = add_many(scheduler, 1)
    poll = single(scheduler)
    add_many(scheduler, 2, name="other")
    show(scheduler, {"other0": UNFINISHED_ROW, "other1": UNFINISHED_ROW})
    assert (polled.rows_to_confirm, polled.entry_id) == (None, None)
    assert scheduler.next_time() > NOW, "it is not polled a second time meanwhile"
    assert scheduler.single_succeeded(poll, FINISHED, now=NOW) is True


def test_a_confirmation_that_failed_is_not_replaced_by_the_next_list(scheduler):
    _, gone, _ = add_many(scheduler, 3)
    show(scheduler, {"0": UNFINISHED_ROW, "2": UNFINISHED_ROW})
    error = LayersRateLimitError("x", status_code=429, retry_after=60.0)
    scheduler.single_failed(single(scheduler), error, now=NOW)
    planned = (gone.rows_to_confirm, gone.due, gone.entry_id)
    assert planned[:2] == ((), NOW + 60.0)
    # Planning it again would leave it in two queues, and forget what the API asked for.
    for rows in ({"0": UNFINISHED_ROW, "2": UNFINISHED_ROW}, dict.fromkeys("012", UNFINISHED_ROW)):
        show_next(scheduler, rows)
        assert (gone.rows_to_confirm, gone.due, gone.entry_id) == planned
    assert sum(entry[2] is gone for entry in scheduler._singles.queue) == 1


@pytest.mark.parametrize("earlier", [{"0": FINISHED_ROW}, {}], ids=["finished", "too old for the list"])
def test_a_row_that_a_poll_did_not_confirm_says_nothing_until_it_changes(scheduler, earlier):
    """A regenerate works on a container that was complete before."""
    again, _ = add_many(scheduler, 2)
    rows = {"1": UNFINISHED_ROW} | earlier
    show(scheduler, rows)
    poll = single(scheduler)
    assert poll.subscription is again
    assert scheduler.single_succeeded(poll, RUNNING, now=NOW) is False
    now, polled = NOW, 0
    while now < NOW + 60:
        now = scheduler.next_time()
        poll = scheduler.next_poll(now)
        if isinstance(poll, ListPoll):
            list(scheduler.list_succeeded(poll, rows, 1, now=now))
        else:
            polled += poll.subscription is again
            scheduler.single_succeeded(poll, RUNNING, now=now)
    assert 5 < polled < 12, "as often as if it were alone"
    show_next(scheduler, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW})
    assert again.unconfirmed_rows is None
    assert again in next_list(scheduler)[0].due


@pytest.fixture
def unconfirmed(scheduler):
    """A subscription whose row looks finished, that is not, and is due in half a minute."""
    again, *_ = add_many(scheduler, 3)
    show(scheduler, {"0": FINISHED_ROW, "1": UNFINISHED_ROW, "2": UNFINISHED_ROW})
    scheduler.single_succeeded(single(scheduler), RUNNING | {"expected_end": NOW + 100.0}, now=NOW)
    assert (again.unconfirmed_rows, again.due) == ((FINISHED_ROW,), NOW + 30.0)
    return again


@pytest.mark.parametrize("change", [{"completed_at": "later"}, {"status": "failed"}, {"due_at": "later"}])
def test_an_unconfirmed_row_that_changes_is_confirmed_at_once(scheduler, unconfirmed, change):
    due = unconfirmed.due
    rows = {"0": FINISHED_ROW._replace(**change), "1": UNFINISHED_ROW, "2": UNFINISHED_ROW}
    now = show_next(scheduler, rows)
    assert now < due
    poll = single(scheduler, now)
    assert poll.subscription is unconfirmed
    assert scheduler.single_succeeded(poll, FINISHED, now=now) is True


def test_an_unconfirmed_row_that_stays_changes_no_plan(scheduler, unconfirmed):
    now = show_next(scheduler, {"0": FINISHED_ROW, "1": UNFINISHED_ROW, "2": UNFINISHED_ROW})
    assert scheduler.next_time() > now
    assert (unconfirmed.rows_to_confirm, unconfirmed.due) == (None, NOW + 30.0)


def test_an_unfinished_row_is_trusted_for_so_long(scheduler):
    """A row that the API never updates would hide the end for ever."""
    stuck, other = add_many(scheduler, 2)
    rows = {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW}
    while (now := show_next(scheduler, rows)) < NOW + LIST_TRUST_SECONDS:
        assert (stuck.rows_to_confirm, other.rows_to_confirm) == (None, None)
    assert now < NOW + LIST_TRUST_SECONDS + 10.0
    for subscription in (stuck, other):
        poll = single(scheduler, now)
        assert poll.subscription is subscription
        scheduler.single_succeeded(poll, RUNNING, now=now)
    # The poll confirmed the row, so it is trusted for as long again.
    while show_next(scheduler, rows) < now + LIST_TRUST_SECONDS:
        assert (stuck.rows_to_confirm, other.rows_to_confirm) == (None, None)
    assert stuck.rows_to_confirm == (UNFINISHED_ROW,)


def in_utc(moment):
    return datetime.fromtimestamp(moment, timezone.utc).isoformat()


def test_the_moment_at_which_a_row_is_due_decides_pauses_and_trust(scheduler):
    post, other = add_many(scheduler, 2, interval=PollInterval(600.0))
    due = NOW + 2 * LIST_TRUST_SECONDS
    rows = dict.fromkeys("01", UNFINISHED_ROW._replace(due_at=in_utc(due)))
    while (now := show_next(scheduler, rows)) < due:
        assert (post.rows_to_confirm, other.rows_to_confirm) == (None, None)
    assert now < due + 600.0
    assert post.rows_to_confirm == (rows["0"],)
    scheduler = make_scheduler()
    post, _ = add_many(scheduler, 2, interval=PollInterval(10.0, far_interval=300.0))
    show(scheduler, {"0": UNFINISHED_ROW._replace(due_at=in_utc(NOW + 60.0)), "1": UNFINISHED_ROW})
    assert (post.expected_end, post.due) == (NOW + 60.0, NOW + 60.0 * LATE)


@pytest.mark.parametrize("due_at", [None, "soon", 17, {}])
def test_a_row_without_such_a_moment_leaves_what_was_known(scheduler, due_at):
    post, _ = add_many(scheduler, 2)
    post.expected_end = NOW + 5.0
    show(scheduler, {"0": UNFINISHED_ROW._replace(due_at=due_at), "1": UNFINISHED_ROW})
    assert post.expected_end == NOW + 5.0


# Lists that cannot be read


@pytest.mark.parametrize("error", [FORBIDDEN, REFUSED], ids=[403, 422])
def test_after_a_permanent_error_its_targets_are_polled_at_once(scheduler, error):
    add_many(scheduler, 2)
    scheduler.list_failed(listed(scheduler), error, now=NOW)
    assert scheduler.next_time() == NOW


def test_a_refused_filter_is_left_out_first(scheduler):
    add_many(scheduler, 2)
    first = listed(scheduler)
    assert first.group.filtered
    scheduler.list_failed(first, REFUSED, now=NOW)
    assert not next_list(scheduler)[0].group.filtered


@pytest.mark.parametrize(
    ("errors", "seconds"),
    [
        ([FORBIDDEN], LIST_TRUST_SECONDS),
        ([REFUSED, REFUSED], LIST_TRUST_SECONDS),
        ([FAILED] * MAX_CONSECUTIVE_FAILURES, OUTAGE_SECONDS),
    ],
    ids=[403, 422, 500],
)
def test_a_list_that_cannot_be_read_is_disabled_for_a_while(scheduler, errors, seconds):
    add_many(scheduler, 2)
    for error in errors:
        poll, disabled_at = next_list(scheduler)
        scheduler.list_failed(poll, error, now=disabled_at)
    polled, now = 0, disabled_at
    while isinstance(poll := scheduler.next_poll(now := scheduler.next_time()), SinglePoll):
        scheduler.single_succeeded(poll, RUNNING, now=now)
        polled += 1
    assert disabled_at + seconds <= now < disabled_at + seconds + 20.0
    assert polled > 2 * seconds / 12, "each of the two was polled on its own meanwhile"


def test_a_list_that_fails_now_and_then_is_not_disabled(scheduler):
    add_many(scheduler, 2)
    for _ in range(3):
        for _ in range(MAX_CONSECUTIVE_FAILURES - 1):
            poll, now = next_list(scheduler)
            scheduler.list_failed(poll, FAILED, now=now)
        show_next(scheduler, {"0": UNFINISHED_ROW, "1": UNFINISHED_ROW})
    assert next_list(scheduler)[0].group.disabled_until < NOW


@pytest.mark.parametrize(
    ("error", "pause"),
    [(FAILED, 10.0 * LATE), (LayersRateLimitError("list", status_code=429, retry_after=30.0), 30.0)],
)
def test_a_list_that_fails_for_the_moment_is_read_later(scheduler, error, pause):
    add_many(scheduler, 2)
    scheduler.list_failed(listed(scheduler), error, now=NOW)
    assert scheduler.next_time() == NOW + pause
    assert listed(scheduler, NOW + pause).group.filtered


# All together


def test_five_thousand_waits_in_ten_lists_cost_little_more_than_a_poll_each(scheduler):
    for number in range(5000):
        scheduler.add(target(str(number), list_source=source(f"prj_{number % 10}")), now=NOW)
    finished, now, reads = set(), NOW, 0
    while len(scheduler):
        now = max(now, scheduler.next_time())
        poll = scheduler.next_poll(now)
        reads += 1
        if isinstance(poll, ListPoll):
            # A hundred of each list finish between two of its polls.
            left = [member.target.name for member in poll.members][100:]
            list(scheduler.list_succeeded(poll, dict.fromkeys(left, UNFINISHED_ROW), 1, now=now))
            continue
        result = RUNNING if poll.subscription.rows_to_confirm is None else FINISHED
        if scheduler.single_succeeded(poll, result, now=now):
            scheduler.remove(poll.subscription)
            finished.add(poll.subscription.target.name)
    assert len(finished) == 5000
    assert reads < 5000 * 1.1


def answer(scheduler, poll, *, now, fails=False):
    """Let nothing have finished, or the request fail; return the subscriptions that were polled."""
    if isinstance(poll, ListPoll):
        if fails:
            scheduler.list_failed(poll, FAILED, now=now)
        else:
            rows = {member.target.name: UNFINISHED_ROW for member in poll.members}
            list(scheduler.list_succeeded(poll, rows, 1, now=now))
        return poll.members
    try:
        if fails:
            scheduler.single_failed(poll, LOST, now=now)
        else:
            scheduler.single_succeeded(poll, RUNNING, now=now)
    except LayersTimeoutError:
        assert now == poll.subscription.target.deadline
        scheduler.remove(poll.subscription)
    return [poll.subscription]


WAITS = st.fixed_dictionaries(
    {
        "joins": st.floats(0.0, 100.0),
        "lasts": st.floats(0.0, 300.0),
        "max_interval": st.floats(0.5, 60.0),
        "project": st.sampled_from([None, "prj_1", "prj_2"]),
    }
)


@settings(max_examples=40, deadline=None)
@given(waits=st.lists(WAITS, min_size=1, max_size=12), failing=st.sets(st.integers(0, 200)))
def test_every_subscription_is_polled_before_its_deadline_and_once_more_at_it(waits, failing):
    """Nothing finishes, any request may fail, and requests take no time."""
    scheduler = make_scheduler(jitter=0.5)
    joining = sorted(waits, key=lambda wait: -wait["joins"])
    polled, requests = {}, 0
    while joining or len(scheduler):
        now = scheduler.next_time()
        if joining and (now is None or NOW + joining[-1]["joins"] <= now):
            wait = joining.pop()
            now = NOW + wait["joins"]
            listing = source(wait["project"]) if wait["project"] else None
            fields = {"list_source": listing, "max_interval": wait["max_interval"]}
            thing = target(str(len(joining)), deadline=now + wait["lasts"], **fields)
            polled[scheduler.add(thing, now=now)] = [now]
            continue
        requests += 1
        assert requests < 5000
        for subscription in answer(scheduler, scheduler.next_poll(now), now=now, fails=requests in failing):
            polled[subscription].append(now)
    for subscription, moments in polled.items():
        assert moments[-1] == subscription.target.deadline
        # The vendor's first pauses are longer than a short interval; half a second of jitter on top.
        longest = max(subscription.target.interval.max_interval, INITIAL_INTERVAL) + 0.5
        assert max(later - earlier for earlier, later in pairwise(moments)) <= longest


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 60), per_second=st.integers(1, 20), shared=st.booleans())
def test_with_fewer_requests_than_waits_none_starves(count, per_second, shared):
    """So many waits want a request every two to ten seconds, and so many may be sent."""
    scheduler = make_scheduler(jitter=0.5)
    sources = [source() if shared and number % 2 else None for number in range(count)]
    last = {scheduler.add(target(str(n), list_source=item), now=NOW): NOW for n, item in enumerate(sources)}
    longest = 0.0
    for tick in range(60 * per_second):
        now = NOW + tick / per_second
        poll = scheduler.next_poll(now)
        for subscription in answer(scheduler, poll, now=now) if poll else ():
            longest = max(longest, now - last[subscription])
            last[subscription] = now
    # Within its own pause, or once every other has had a request.
    assert max(longest, *(NOW + 60 - moment for moment in last.values())) <= 10.5 + (count + 1) / per_second
