"""Carrying out what a person answered, reconciled with what was decided in Layers meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import UNDER_WAY, approve, get_content, reject
from airflow_provider_layers.api.exhibit import Exhibit, exhibit
from airflow_provider_layers.api.flow import call
from airflow_provider_layers.api.review import REGENERATE, REJECT
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersContentError,
    LayersContentUnfinishedError,
    LayersUnexpectedAnswerError,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Flow
    from airflow_provider_layers.api.review import Answer

PENDING, REJECTED = "pending", "rejected"
GOOD = ("approved", "not_required")
STATUSES = (PENDING, REJECTED, *GOOD)


def reviewable(container_ids: Sequence[str]) -> Flow[dict[str, Exhibit]]:
    """
    Read containers that a person can decide on, or need not.

    :param container_ids: the containers, as the task names them
    :raises LayersContentUnfinishedError: one is still being made
    :raises LayersContentError: one came to nothing
    :raises LayersUnexpectedAnswerError: one has an approval status that is not documented
    """
    found = dict(zip(container_ids, (yield from exhibits_of(container_ids)), strict=True))
    for container_id, shown in found.items():
        if shown.approval_status not in STATUSES:
            raise LayersUnexpectedAnswerError(
                f"Content {container_id} has approvalStatus {shown.approval_status!r}; known are "
                f"{', '.join(STATUSES)}. It was left alone; update this package if the API has a new one."
            )
        if shown.approval_status == PENDING and shown.status != "completed":
            raise _undecidable(container_id, shown)
    return found


def _undecidable(container_id: str, shown: Exhibit) -> LayersContentError:
    if shown.status in UNDER_WAY:
        return LayersContentUnfinishedError(
            f"Content {container_id} is {shown.status}, so nobody can decide on it yet. Wait for its job "
            "first, with wait_for_completion=True or a LayersJobSensor."
        )
    why = f": {shown.error.rstrip('.')}" if shown.error else ""
    return LayersContentError(
        f"Content {container_id} is {shown.status}{why}. There is nothing to decide on."
    )


def exhibits_of(container_ids: Sequence[str]) -> Flow[list[Exhibit]]:
    """
    Read containers as people see them.

    :param container_ids: the containers
    :raises LayersNotFoundError: one is unknown to the key
    """
    found: list[Exhibit] = []
    for container_id in container_ids:
        container = yield from call(get_content(container_id))
        found.append(exhibit(container))
    return found


@dataclass(frozen=True)
class Outcome:
    """
    What became of an answer.

    :param statuses: the approval status of each container
    :param changed: containers that nobody has decided on and that changed since they were shown; nothing was
        done then
    """

    statuses: dict[str, str | None]
    changed: tuple[str, ...] = ()

    @property
    def pending(self) -> list[str]:
        """The containers that still wait for a decision."""
        return [one for one, status in self.statuses.items() if status == PENDING]


def compare(container_ids: Sequence[str], answer: Answer) -> Flow[Outcome]:
    """
    Compare what an answer is about with the content as it is now.

    :param container_ids: all containers of the review, as the task names them
    :param answer: what was answered
    """
    found = dict(zip(container_ids, (yield from exhibits_of(container_ids)), strict=True))
    outcome = Outcome({one: shown.approval_status for one, shown in found.items()})
    changed = [one for one in outcome.pending if not _same(found[one], answer.shown.get(one))]
    return replace(outcome, changed=tuple(changed))


def _same(shown: Exhibit, fingerprint: str | None) -> bool:
    # While a new take is made the one before may still be there.
    return shown.status not in UNDER_WAY and shown.fingerprint == fingerprint


def decide(container_ids: Sequence[str], answer: Answer, *, key: Callable[[str], str]) -> Flow[Outcome]:
    """
    Approve or reject what an answer is about. Nothing is decided that was not shown as it is now.

    What was decided in Layers meanwhile stays as it is there.

    :param container_ids: all containers of the review, as the task names them
    :param answer: ``Approve`` or ``Reject``
    :param key: makes the idempotency key of a container's decision
    """
    outcome = yield from compare(container_ids, answer)
    if not outcome.changed:
        for one in outcome.pending:
            outcome.statuses[one] = yield from _decide_one(one, answer, key(one))
    return outcome


def _decide_one(container_id: str, answer: Answer, idempotency_key: str) -> Flow[str | None]:
    try:
        if answer.option == REJECT:
            done = yield from reject(container_id, reason=answer.reason, idempotency_key=idempotency_key)
        else:
            done = yield from approve(container_id, note=answer.note, idempotency_key=idempotency_key)
    except LayersConflictError:
        done = yield from call(get_content(container_id))
        if done.get("approvalStatus") == PENDING:
            raise
    return _status(done)


def _status(container: Mapping[str, Any]) -> str | None:
    status = container.get("approvalStatus")
    return str(status) if status else None


def approved_of(statuses: Mapping[str, str | None], answer: Answer | None) -> list[str]:
    """
    Give the containers that may go public: approved, and not rejected by the person who was asked.

    :param statuses: the approval status of each container in Layers
    :param answer: what was answered; ``None`` where nobody had to be asked
    """
    refused = set(answer.shown) if answer and answer.option == REJECT else set()
    return [one for one, status in statuses.items() if status in GOOD and one not in refused]


def decision_of(statuses: Mapping[str, str | None], answer: Answer | None) -> dict[str, Any]:
    """
    Tell who decided what, when and why, as plain JSON.

    :param statuses: the approval status of each container in Layers
    :param answer: what was answered; ``None`` where nobody had to be asked
    """
    return {
        "option": answer.option if answer else None,
        "approved": approved_of(statuses, answer),
        "approval_status": dict(statuses),
        "decided_by": answer.user if answer else None,
        "decided_at": answer.at if answer else None,
        "reason": (answer.reason if answer.option == REJECT else answer.text) if answer else None,
    }


def surprises(statuses: Mapping[str, str | None], answer: Answer | None) -> Iterator[str]:
    """
    Tell where Layers and the person who was asked disagree.

    :param statuses: the approval status of each container in Layers
    :param answer: what was answered
    """
    for one in answer.shown if answer else ():
        status = statuses.get(one)
        said = f"Content {one}: {answer.who} answered {answer.option}" if answer else ""
        if answer and answer.option == REJECT and status in GOOD:
            yield (
                f"{said}, and Layers has it as {status}: it was decided there before, and cannot be rejected "
                "any more. This Dag goes no further with it; what is scheduled in Layers goes out unless it "
                "is canceled."
            )
        elif answer and answer.option != REJECT and status == REJECTED:
            yield f"{said} after it had been rejected in Layers. It stays rejected."
        elif answer and answer.option == REGENERATE:
            yield f"{said} after it had been decided in Layers. It stays {status}, without a new take."
