"""Carrying out a reviewer's answer, reconciled with what was decided in Layers in the meantime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import (
    APPROVAL_STATUSES,
    PENDING,
    PUBLISHABLE,
    REJECTED,
    UNFINISHED_STATUSES,
    approve_content,
    get_content,
    regenerate_content,
    reject_content,
    unknown_approval_status,
)
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersContentError,
    LayersContentUnfinishedError,
    LayersError,
)
from airflow_provider_layers.review.preview import ContentPreview, content_preview
from airflow_provider_layers.review.question import REGENERATE, REJECT, ReviewAnswer

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.jobs import Submission
    from airflow_provider_layers.client import LayersClient
    from airflow_provider_layers.idempotency import IdempotencyScope
    from airflow_provider_layers.review.state import ReviewState

COMPLETED = "completed"


def read_previews(client: LayersClient, container_ids: Sequence[str]) -> dict[str, ContentPreview]:
    """
    Read containers one by one.

    :return: by id, as the task names it
    :raises LayersNotFoundError: a container is unknown to the key
    """
    return {
        container_id: content_preview(client.send_with_retries(get_content(container_id)))
        for container_id in container_ids
    }


def read_reviewable(client: LayersClient, container_ids: Sequence[str]) -> dict[str, ContentPreview]:
    """
    Read containers that a person can decide on, or that need no decision.

    :raises LayersContentUnfinishedError: a container is still being made
    :raises LayersContentError: a container failed or was canceled
    :raises LayersUnexpectedResponseError: a container has an approval status that is not documented
    """
    previews = read_previews(client, container_ids)
    for container_id, preview in previews.items():
        if preview.approval_status not in APPROVAL_STATUSES:
            raise unknown_approval_status(container_id, preview.approval_status)
        if preview.approval_status == PENDING and preview.status != COMPLETED:
            raise _not_reviewable(container_id, preview)
    return previews


def _not_reviewable(container_id: str, preview: ContentPreview) -> LayersError:
    if preview.status in UNFINISHED_STATUSES:
        return LayersContentUnfinishedError(
            f"Content {container_id} is {preview.status} and cannot be reviewed yet. Wait for its job first, "
            "with wait_for_completion=True or a LayersJobSensor."
        )
    reason = f": {preview.error.rstrip('.')}" if preview.error else ""
    return LayersContentError(
        f"Content {container_id} is {preview.status}{reason}. There is nothing to review."
    )


@dataclass(frozen=True)
class DecisionResult:
    """
    The containers of a review after an answer.

    :param statuses: the approval status of each container in Layers
    :param changed: pending containers that are not what was shown; nothing was decided if there are any
    """

    statuses: Mapping[str, str | None]
    changed: tuple[str, ...] = ()

    @property
    def pending(self) -> list[str]:
        """The containers that still wait for a decision."""
        return [container_id for container_id, status in self.statuses.items() if status == PENDING]


def compare_with_shown(
    client: LayersClient, container_ids: Sequence[str], answer: ReviewAnswer
) -> DecisionResult:
    """
    Compare the containers with what the reviewer was shown.

    :param container_ids: all containers of the review, as the task names them
    """
    previews = read_previews(client, container_ids)
    result = DecisionResult({name: preview.approval_status for name, preview in previews.items()})
    changed = [name for name in result.pending if not _is_shown(previews[name], answer.shown.get(name))]
    return DecisionResult(result.statuses, tuple(changed))


def _is_shown(preview: ContentPreview, fingerprint: str | None) -> bool:
    # While a new version is being made, the API may still return the previous one.
    return preview.status not in UNFINISHED_STATUSES and preview.fingerprint == fingerprint


def decide(
    client: LayersClient,
    container_ids: Sequence[str],
    answer: ReviewAnswer,
    *,
    idempotency_key: Callable[[str], str],
) -> DecisionResult:
    """
    Approve or reject the pending containers, if all of them are what the reviewer was shown.

    :param container_ids: all containers of the review, as the task names them
    :param answer: ``Approve`` or ``Reject``
    :param idempotency_key: returns the key for a container's decision
    """
    result = compare_with_shown(client, container_ids, answer)
    if result.changed:
        return result
    decided = {name: _decide_one(client, name, answer, idempotency_key(name)) for name in result.pending}
    return DecisionResult({**result.statuses, **decided})


def _decide_one(client: LayersClient, container_id: str, answer: ReviewAnswer, key: str) -> str | None:
    if answer.option == REJECT:
        decision = reject_content(container_id, reason=answer.reason, idempotency_key=key)
    else:
        decision = approve_content(container_id, note=answer.note, idempotency_key=key)
    try:
        container = client.send_with_retries(decision)
    except LayersConflictError:
        # The opposite was decided in Layers since the comparison. That decision stays.
        container = client.send_with_retries(get_content(container_id))
        if container.get("approvalStatus") == PENDING:
            raise
    status = container.get("approvalStatus")
    return str(status) if status else None


def decision_key(scope: IdempotencyScope, answer: ReviewAnswer, container_id: str) -> str:
    """
    Return the idempotency key for a container's decision.

    It includes what was shown: the same decision on another version is another request.
    """
    return scope.key(answer.option.lower(), container_id, answer.shown.get(container_id, ""))


def regenerate_request(
    answer: ReviewAnswer, state: ReviewState, scope: IdempotencyScope, sequence: int
) -> Endpoint[Submission]:
    """
    Return the request that starts the job of a new version.

    Its key includes the version and the number of regenerations, because a reviewer may ask for the same
    change again: below Airflow 3.3 the number starts at 0 in each try, and a new version may look like the
    previous one.

    :param answer: ``Regenerate``, for one container
    :param sequence: position in the sequence of keys, from 0
    """
    ((container_id, fingerprint),) = answer.shown.items()
    changes = {"brief": dict(answer.brief) or None, "preserve_assets": answer.preserve_assets or None}
    distinct = (container_id, fingerprint, state.version, state.regeneration_count, sequence)
    key = scope.key("review-regenerate", *distinct)
    return regenerate_content(container_id, changes, idempotency_key=key)


def approved_containers(statuses: Mapping[str, str | None], answer: ReviewAnswer | None) -> list[str]:
    """
    Return the containers that may go public: approved in Layers, and not rejected by the reviewer.

    :param answer: ``None`` where no decision was needed
    """
    rejected = answer.shown if answer and answer.option == REJECT else {}
    return [name for name, status in statuses.items() if status in PUBLISHABLE and name not in rejected]


def decision_as_json(statuses: Mapping[str, str | None], answer: ReviewAnswer | None) -> dict[str, Any]:
    """
    Return who decided what, when and why.

    :param answer: ``None`` where no decision was needed
    """
    reason = None
    if answer:
        reason = answer.reason if answer.option == REJECT else answer.text
    return {
        "option": answer.option if answer else None,
        "approved": approved_containers(statuses, answer),
        "approval_status": dict(statuses),
        "decided_by": answer.user if answer else None,
        "decided_at": answer.at if answer else None,
        "reason": reason,
    }


def conflicts(statuses: Mapping[str, str | None], answer: ReviewAnswer | None) -> Iterator[str]:
    """Return a message for each container on which Layers and the reviewer disagree."""
    if answer is None:
        return
    for container_id in answer.shown:
        status = statuses.get(container_id)
        subject = f"Content {container_id}: {answer.reviewer} answered {answer.option}"
        if answer.option == REJECT and status in PUBLISHABLE:
            yield (
                f"{subject}, but it was already {status} in Layers and can no longer be rejected. This DAG "
                "run does not continue with it. What is scheduled in Layers is still published unless you "
                "cancel it there."
            )
        elif answer.option != REJECT and status == REJECTED:
            yield f"{subject}, but it was already rejected in Layers and stays rejected."
        elif answer.option == REGENERATE:
            yield f"{subject}, but it was already decided in Layers. It stays {status}; no version was made."
