"""Waiting until somebody has decided on content in Layers: ``concepts/approval``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

from airflow_provider_layers.api.cadence import Cadence
from airflow_provider_layers.api.content import content_path, content_roll
from airflow_provider_layers.api.endpoint import Answer, Endpoint
from airflow_provider_layers.api.exhibit import exhibit
from airflow_provider_layers.api.request import moment
from airflow_provider_layers.api.watching import Roll, Row, Sight, Watch, bare, items_of
from airflow_provider_layers.exceptions import (
    LayersContentError,
    LayersReviewRejectedError,
    LayersTimeoutError,
    LayersUnexpectedAnswerError,
)

PENDING = "pending"
APPROVED = "approved"
REJECTED = "rejected"
STATUSES = ("not_required", PENDING, APPROVED, REJECTED)

LOST = ("failed", "canceled")
"""Statuses of content that nobody can decide on any more."""


@dataclass(frozen=True)
class Standing:
    """
    Where a container stands between its job and the public.

    :param container_id: as it was asked for
    :param approval: its ``approvalStatus``
    :param status: its ``status``, a separate axis
    :param error: why it failed, where it did
    """

    container_id: str
    approval: str
    status: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    error: str | None = None

    @property
    def state(self) -> str:
        """Its ``approvalStatus``, or how it ended where that keeps everybody from deciding."""
        return _state(self.approval, self.status)

    @property
    def approved(self) -> bool:
        """Whether it may go out: somebody approved it, or nobody has to."""
        return self.approval in (APPROVED, "not_required")


def _state(approval: Any, status: Any) -> str:
    return str(status if approval == PENDING and status in LOST else approval)


def look_at_approval(container_id: str) -> Endpoint[Standing]:
    """
    ``GET /v1/content/:containerId`` (scope ``content:read``), with an approval status that is known.

    :param container_id: the container
    """
    return Endpoint(
        asked=f"read content {container_id}",
        method="GET",
        path=content_path(container_id),
        read=partial(_standing, container_id),
    )


def _standing(container_id: str, answer: Answer) -> Standing:
    content = answer.json()
    approval = content.get("approvalStatus")
    if approval not in STATUSES:
        raise LayersUnexpectedAnswerError(
            f"Content {container_id} has approvalStatus {approval!r}; known are {', '.join(STATUSES)}. "
            "It was left alone; update this package if the API has a new one."
        )
    return Standing(
        container_id,
        approval,
        content.get("status"),
        project_id=content.get("projectId"),
        created_at=content.get("createdAt"),
        error=exhibit(content).error,
    )


def decisive(*, fail_on_reject: bool) -> tuple[str, ...]:
    """
    Give the states of one container that settle a wait for many.

    :param fail_on_reject: whether a rejection fails it
    """
    return (*LOST, REJECTED) if fail_on_reject else LOST


def settled(standings: Iterable[Standing], *, fail_on_reject: bool) -> bool:
    """
    Say whether there is nothing more to wait for.

    :param standings: of all that are waited for
    :param fail_on_reject: whether a rejection fails the wait
    """
    states = {one.state for one in standings}
    return PENDING not in states or not states.isdisjoint(decisive(fail_on_reject=fail_on_reject))


def demand_approval(standings: Iterable[Standing], *, fail_on_reject: bool) -> list[str]:
    """
    Give what may go out of all that is settled.

    :param standings: of all that were waited for
    :param fail_on_reject: whether nothing may, where one was rejected
    :raises LayersContentError: one failed or was canceled before anybody decided on it
    :raises LayersReviewRejectedError: one was rejected
    """
    by_state: dict[str, list[Standing]] = {}
    for one in standings:
        by_state.setdefault(APPROVED if one.approved else one.state, []).append(one)
    rejected = [one.container_id for one in by_state.get(REJECTED, ())]
    if rejected and fail_on_reject:
        raise LayersReviewRejectedError(f"Rejected in Layers: content {', '.join(rejected)}.")
    for status in LOST:
        for one in by_state.get(status, ()):
            raise LayersContentError(_loss(one))
    return [one.container_id for one in by_state.get(APPROVED, ())]


def _loss(lost: Standing) -> str:
    how = "was canceled" if lost.status == "canceled" else "failed"
    reason = f": {lost.error.rstrip('.')}" if lost.error else ""
    return f"Content {lost.container_id} {how} before anybody decided on it{reason}."


def approval_roll(project_id: str) -> Roll:
    """
    Give the list in which content that waits for a decision shows (``reference/content/list-containers``).

    It has no filter for that, so that it is as long as what was made since the oldest of them.

    :param project_id: the project
    """
    return replace(
        content_roll(project_id), running=frozenset({PENDING}), read=read_approvals, filtered=False
    )


def read_approvals(page: Mapping[str, Any]) -> dict[str, Row]:
    """
    Read a page of that list.

    :return: by id
    :raises LayersUnexpectedAnswerError: it is no list of objects
    """
    return {
        bare(str(row.get("id"))): Row(
            _state(row.get("approvalStatus"), row.get("status")), row.get("completedAt"), None
        )
        for row in items_of(page)
    }


def watch_approval(
    container_id: str,
    *,
    deadline: float,
    longest: float,
    project_id: str | None = None,
    created_at: str | None = None,
) -> Watch[Standing]:
    """
    Watch a container until it is decided on, or nobody can any more.

    :param container_id: the container
    :param deadline: seconds since the epoch; one last look is taken after it
    :param longest: longest pause between two looks, in seconds
    :param project_id: the project; with the next, one read of its list tells of many containers
    :param created_at: when it was created at the earliest, ISO 8601: from there on the list is read
    """
    created = moment(created_at)
    return Watch(
        name=f"the approval of content {container_id}",
        look=lambda _: look_at_approval(container_id),
        sight=lambda standing: Sight(ended=standing.state != PENDING),
        expired=_expired(container_id, deadline),
        deadline=deadline,
        cadence=Cadence(longest=longest),
        listed_since=created.timestamp() if created else None,
        roll=approval_roll(project_id) if project_id and created else None,
        rows=(bare(container_id),),
    )


def _expired(container_id: str, deadline: float) -> Callable[[Standing | None], LayersTimeoutError]:
    def error(standing: Standing | None) -> LayersTimeoutError:
        state = f"was still {standing.state}" if standing else "could not be read"
        at = datetime.fromtimestamp(deadline, timezone.utc).isoformat(timespec="seconds")
        return LayersTimeoutError(
            f"Content {container_id} {state} at the deadline, {at}. Somebody may still decide on it."
        )

    return error


def project_of(standings: Iterable[Standing], given: str | None) -> str | None:
    """
    Give the one project that these are of; ``None`` for several.

    :param standings: what the API told
    :param given: the project where it told none
    """
    told = {one.project_id for one in standings if one.project_id}
    return given if not told else told.pop() if len(told) == 1 else None


def earliest(standings: Sequence[Standing]) -> str | None:
    """Give when the first of these was created, as the API writes it; ``None`` where it is unknown of one."""
    moments = {one.created_at: moment(one.created_at) for one in standings}
    known = {text: at for text, at in moments.items() if text is not None and at is not None}
    return min(known, key=lambda text: known[text]) if known and len(known) == len(moments) else None
