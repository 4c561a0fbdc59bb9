"""
What can be waited for: jobs, approvals, scheduled posts and rankings.

A target says how to poll one thing, how to read the result, and which list of the API shows many of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from airflow_provider_layers.api import content, scheduled_posts
from airflow_provider_layers.api.jobs import REGENERATE_KIND, Job, get_job_if_changed
from airflow_provider_layers.api.schemas import parse_timestamp
from airflow_provider_layers.api.top_performers import get_top_performers, rows_above
from airflow_provider_layers.clock import SYSTEM_CLOCK, Clock
from airflow_provider_layers.exceptions import (
    LayersError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersPermanentError,
    LayersTimeoutError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.intervals import MAX_INTERVAL, PollInterval

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint

T = TypeVar("T")

MAX_CONSECUTIVE_FAILURES = 10
"""Undocumented responses in a row that end a wait, and failed reads in a row that disable a list. Over the
growing pauses that is about a minute: a gateway's error page has gone by then, a changed API has not."""

SINCE_MARGIN = 600.0
"""Seconds before the start of a job from which its containers are listed: a container may be created before
its job starts. The cost is a few rows more; too small a margin would hide the container."""

FAR_POST_INTERVAL = 900.0
"""Longest pause, in seconds, between two polls of a post that is not due yet: a person may cancel or move it,
and hears of that within a quarter of an hour."""


@dataclass
class ErrorTolerance:
    """
    Which poll errors are tolerated: those that pass on their own, however many.

    :param grace_ends: until when a 404 is tolerated, in seconds since the epoch
    """

    grace_ends: float
    unexpected: int = 0

    def tolerates(self, error: LayersError, *, now: float) -> bool:
        """Return whether to continue after this error."""
        if isinstance(error, LayersNotFoundError):
            return now < self.grace_ends
        if isinstance(error, LayersUnexpectedResponseError):
            self.unexpected += 1
            return self.unexpected < MAX_CONSECUTIVE_FAILURES
        return not isinstance(error, LayersPermanentError)

    def reset(self) -> None:
        """Forget the failures before a successful poll."""
        self.unexpected = 0


@dataclass(frozen=True)
class Observation:
    """
    What a poll shows.

    :param etag: of the state, for a conditional request
    :param expected_end: when the API expects the end, in seconds since the epoch
    :param earliest_end: a moment before which the end is unlikely, by its progress
    :param duration: how many seconds it took, once it has finished
    """

    finished: bool
    etag: str | None = None
    expected_end: float | None = None
    earliest_end: float | None = None
    duration: float | None = None


class Row(NamedTuple):
    """
    The columns of a list that count. A tuple, because the garbage collector passes over thousands of them.

    :param completed_at: as the API formats it
    :param due_at: when it is to finish, as the API formats it
    """

    status: str
    completed_at: str | None
    due_at: str | None


def read_rows(page: Mapping[str, Any]) -> dict[str, Row]:
    """
    Read a page of a list by the ids of its rows.

    :raises LayersUnexpectedResponseError: it is not a list of objects
    """
    return {
        _row_id(item): Row(str(item.get("status")), item.get("completedAt"), item.get("scheduledFor"))
        for item in _items(page)
    }


def _read_approval_rows(page: Mapping[str, Any]) -> dict[str, Row]:
    return {_row_id(item): _approval_row(item) for item in _items(page)}


def _approval_row(item: Mapping[str, Any]) -> Row:
    state = content.combined_state(item.get("approvalStatus"), item.get("status"))
    return Row(state, item.get("completedAt"), None)


def _items(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    items = page.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise LayersUnexpectedResponseError("The API returned a list without items, or with unknown items.")
    return items


def _row_id(item: Mapping[str, Any]) -> str:
    return _without_prefix(str(item.get("id")))


def _without_prefix(container_id: str) -> str:
    # The API returns ids of containers with their prefix and without it.
    return container_id.removeprefix("cnt_")


@dataclass(frozen=True)
class ListSource:
    """
    A list of the API in which everything of one kind in a project appears.

    Sources are equal if they have the same path and read rows in the same way.

    :param page_size: most rows that the API returns at once
    :param page: the endpoint of a page: by the moment to start at, the cursor, and whether to filter by the
        statuses of unfinished rows
    :param unfinished: the statuses of rows that have not finished
    :param read_rows: reads the rows of a page
    :param filtered: whether the API can filter by these statuses
    """

    path: str
    page_size: int = field(compare=False)
    page: Callable[[float | None, str | None, bool], Endpoint[dict[str, Any]]] = field(
        compare=False, repr=False
    )
    unfinished: frozenset[str] = field(compare=False)
    read_rows: Callable[[Mapping[str, Any]], dict[str, Row]] = field(default=read_rows, repr=False)
    filtered: bool = field(default=True, compare=False)


def content_source(project_id: str) -> ListSource:
    """Return the list in which containers of running jobs appear (``reference/content/list-containers``)."""

    # That the API compares `since` with `createdAt` is assumed.
    def page(since: float | None, cursor: str | None, filtered: bool) -> Endpoint[dict[str, Any]]:
        status = list(content.UNFINISHED_STATUSES) if filtered else None
        start = None if since is None else _utc(since - SINCE_MARGIN)
        return content.list_content(project_id, status=status, since=start)(content.LIST_PAGE_SIZE, cursor)

    path = content.list_content_path(project_id)
    return ListSource(path, content.LIST_PAGE_SIZE, page, frozenset(content.UNFINISHED_STATUSES))


def approval_source(project_id: str) -> ListSource:
    """
    Return the list in which content that waits for a decision appears.

    It has no filter for that, so it is as long as what was made since the oldest of them.
    """
    unfinished = frozenset({content.PENDING})
    source = content_source(project_id)
    return replace(source, unfinished=unfinished, read_rows=_read_approval_rows, filtered=False)


def scheduled_post_source(project_id: str) -> ListSource:
    """Return the list of unfinished posts (``reference/publishing/list-scheduled-posts``)."""

    def page(since: float | None, cursor: str | None, filtered: bool) -> Endpoint[dict[str, Any]]:
        status = list(scheduled_posts.UNFINISHED_STATUSES) if filtered else None
        start = None if since is None else _utc(since)
        listed = scheduled_posts.list_scheduled_posts(project_id, status=status, since=start)
        return listed(scheduled_posts.LIST_PAGE_SIZE, cursor)

    path = scheduled_posts.list_scheduled_posts_path(project_id)
    unfinished = frozenset(scheduled_posts.UNFINISHED_STATUSES)
    return ListSource(path, scheduled_posts.LIST_PAGE_SIZE, page, unfinished)


@dataclass(frozen=True)
class PollTarget(Generic[T]):
    """
    Something to wait for.

    :param name: in words, such as ``job job_1``
    :param poll: the endpoint that reads it, by the ETag of the last response; its result is ``None`` if
        nothing has changed
    :param observe: what such a result shows
    :param timeout_error: the error of a passed deadline, by the last result or ``None``
    :param deadline: seconds since the epoch; it is polled once more after that
    :param interval: how long to pause between polls
    :param history_key: key that groups similar things in the duration history; empty if there are none
    :param started_at: when it started, in seconds since the epoch
    :param listed_since: when its rows were created at the earliest, in seconds since the epoch
    :param list_source: a list in which it appears
    :param row_ids: the ids of its rows there
    :param on_listed_end: called when a list shows that it has finished, instead of a poll that confirms it
    """

    name: str
    poll: Callable[[str | None], Endpoint[T | None]] = field(repr=False)
    observe: Callable[[T], Observation] = field(repr=False)
    timeout_error: Callable[[T | None], LayersError] = field(repr=False)
    deadline: float
    interval: PollInterval
    history_key: tuple[str, ...] = ()
    started_at: float | None = None
    listed_since: float | None = None
    list_source: ListSource | None = None
    row_ids: tuple[str, ...] = ()
    on_listed_end: Callable[[], None] | None = field(default=None, repr=False)


def job_target(
    job_id: str,
    *,
    deadline: float,
    max_interval: float = MAX_INTERVAL,
    container_ids: Sequence[str] = (),
    project_id: str | None = None,
    kind: str = "",
    content_format: str | None = None,
    started_at: str | None = None,
    clock: Clock = SYSTEM_CLOCK,
    on_listed_end: Callable[[], None] | None = None,
) -> PollTarget[Job]:
    """
    Wait for a job until it has finished.

    :param deadline: seconds since the epoch; it is polled once more after that
    :param max_interval: longest pause between two polls, in seconds
    :param container_ids: the containers that it works on; with these and the project, one list read covers
        many jobs
    :param kind: its kind, by which durations are remembered
    :param content_format: its format, by which durations are remembered
    :param started_at: ISO 8601
    :param on_listed_end: called when a list shows that it has finished, instead of a poll that confirms it
    """
    started = _epoch(started_at)

    def observe(job: Job) -> Observation:
        now = clock.time()
        return Observation(
            finished=job.ended,
            etag=job.etag,
            expected_end=None if job.eta_seconds is None else now + job.eta_seconds,
            earliest_end=_earliest_end(started, job.progress, now=now),
            duration=_duration(job),
        )

    return PollTarget(
        name=f"job {job_id}",
        poll=lambda etag: get_job_if_changed(job_id, etag=etag),
        observe=observe,
        timeout_error=lambda job: _job_timeout(job_id, deadline, job),
        deadline=deadline,
        interval=PollInterval(max_interval),
        history_key=("job", kind, content_format or "") if kind else (),
        started_at=started,
        # A regenerate works on a container that may be old.
        listed_since=None if kind == REGENERATE_KIND else started,
        list_source=content_source(project_id) if project_id else None,
        row_ids=tuple(_without_prefix(item) for item in container_ids),
        on_listed_end=on_listed_end,
    )


def _earliest_end(started: float | None, progress: float | None, *, now: float) -> float | None:
    # Half of the linear extrapolation at half-way. Little progress extrapolates badly, so the rest is never
    # taken to be longer than the job has run.
    if started is None or progress is None or now <= started or not 0 < progress < 1:
        return None
    return now + (now - started) * (1 - progress)


def _duration(job: Job) -> float | None:
    started, finished = _epoch(job.started_at), _epoch(job.finished_at)
    return None if started is None or finished is None else finished - started


def _job_timeout(job_id: str, deadline: float, job: Job | None) -> LayersJobTimeoutError:
    state = f"was still {job.status}" if job else "could not be read"
    stage = f" in stage {job.stage}" if job and job.stage else ""
    return LayersJobTimeoutError(
        job_id, f"{state}{stage} at the deadline, {_deadline_text(deadline)}. It may still complete."
    )


def approval_target(
    container_id: str,
    *,
    deadline: float,
    max_interval: float,
    project_id: str | None = None,
    created_at: str | None = None,
) -> PollTarget[content.ContentState]:
    """
    Wait for a container until it is approved or rejected, or can no longer be.

    :param deadline: seconds since the epoch; it is polled once more after that
    :param max_interval: longest pause between two polls, in seconds
    :param project_id: with this and ``created_at``, one list read covers many containers
    :param created_at: when it was created at the earliest, ISO 8601: the list is read from there
    """
    created = _epoch(created_at)

    def timeout_error(state: content.ContentState | None) -> LayersTimeoutError:
        outcome = f"was still {state.state}" if state else "could not be read"
        return LayersTimeoutError(
            f"Content {container_id} {outcome} at the deadline, {_deadline_text(deadline)}. "
            "It may still be approved or rejected."
        )

    return PollTarget(
        name=f"the approval of content {container_id}",
        poll=lambda _: content.get_content_state(container_id),
        observe=lambda state: Observation(finished=state.state != content.PENDING),
        timeout_error=timeout_error,
        deadline=deadline,
        interval=PollInterval(max_interval),
        listed_since=created,
        list_source=approval_source(project_id) if project_id and created is not None else None,
        row_ids=(_without_prefix(container_id),),
    )


def scheduled_post_target(
    scheduled_post_id: str, *, deadline: float, max_interval: float, project_id: str | None = None
) -> PollTarget[dict[str, Any]]:
    """
    Wait for a scheduled post until it is published, failed, canceled or a draft.

    :param deadline: seconds since the epoch; it is polled once more after that
    :param max_interval: longest pause between two polls, in seconds, once the post is due
    :param project_id: with it, one list read covers many posts
    """

    def timeout_error(post: Mapping[str, Any] | None) -> LayersTimeoutError:
        outcome = f"was still {post.get('status')}" if post else "could not be read"
        return LayersTimeoutError(
            f"Scheduled post {scheduled_post_id} {outcome} at the deadline, {_deadline_text(deadline)}. "
            "It may still be published."
        )

    return PollTarget(
        name=f"scheduled post {scheduled_post_id}",
        poll=lambda _: scheduled_posts.get_scheduled_post_state(scheduled_post_id),
        observe=lambda post: Observation(
            finished=post.get("status") in scheduled_posts.FINISHED_STATUSES,
            expected_end=_epoch(post.get("scheduledFor")),
        ),
        timeout_error=timeout_error,
        deadline=deadline,
        interval=PollInterval(max_interval, far_interval=max(max_interval, FAR_POST_INTERVAL)),
        list_source=scheduled_post_source(project_id) if project_id else None,
        row_ids=(scheduled_post_id,),
    )


def top_performers_target(
    project_id: str,
    *,
    threshold: float,
    min_rows: int,
    deadline: float,
    max_interval: float,
    **ranking: Any,
) -> PollTarget[list[dict[str, Any]]]:
    """
    Wait for a ranking until enough of its rows have reached a threshold.

    :param threshold: the least value of the metric
    :param min_rows: how many rows must reach it
    :param deadline: seconds since the epoch; it is polled once more after that
    :param max_interval: longest pause between two polls, in seconds
    :param ranking: see :class:`airflow_provider_layers.api.top_performers.Ranking`
    :raises LayersParameterError: a parameter is wrong
    """
    endpoint = get_top_performers(project_id, **ranking)

    def timeout_error(rows: list[dict[str, Any]] | None) -> LayersTimeoutError:
        found = "could not be read" if rows is None else f"had {len(rows_above(rows, threshold))} such rows"
        return LayersTimeoutError(
            f"The ranking of project {project_id} {found} at the deadline, {_deadline_text(deadline)}; "
            f"{min_rows} were wanted with {ranking['metric']} of {threshold} or more."
        )

    return PollTarget(
        name=f"top performers of project {project_id}",
        poll=lambda _: endpoint,
        observe=lambda rows: Observation(finished=len(rows_above(rows, threshold)) >= min_rows),
        timeout_error=timeout_error,
        deadline=deadline,
        interval=PollInterval(max_interval),
    )


def _epoch(text: Any) -> float | None:
    moment = parse_timestamp(text)
    return moment.timestamp() if moment else None


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, timezone.utc)


def _deadline_text(deadline: float) -> str:
    return _utc(deadline).isoformat(timespec="seconds")
