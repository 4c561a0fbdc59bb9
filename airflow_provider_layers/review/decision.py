"""Carrying out a reviewer's answer, reconciled with what was decided in Layers in the meantime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow_provider_layers.api.content import (
    APPROVAL_STATUSES,
    APPROVED,
    NOT_REQUIRED,
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
    LayersPartialError,
    LayersPartialPermanentError,
    LayersPermanentError,
    LayersPromotionError,
)
from airflow_provider_layers.review.preview import ContentPreview, content_preview
from airflow_provider_layers.review.question import APPROVE, REGENERATE, REJECT, ReviewAnswer

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.jobs import Submission
    from airflow_provider_layers.client import LayersClient
    from airflow_provider_layers.idempotency import IdempotencyScope
    from airflow_provider_layers.review.state import ReviewState

COMPLETED = "completed"

AskWhen = Literal["undecided", "pending"]

UndecidedTest = Callable[[str, ContentPreview], bool]
"""Says whether a container, named as the task names it, needs an answer."""


def is_undecided(
    container_id: str, preview: ContentPreview, *, ask_when: AskWhen, approved: Mapping[str, str]
) -> bool:
    """
    Say whether a container needs an answer: no person has decided on its current version.

    :param ask_when: ``pending`` lets an approval by anyone count, and a policy that needs none
    :param approved: fingerprint of what a reviewer of the same task approved, by container id
    """
    if preview.approval_status == PENDING:
        return True
    if ask_when == "pending" or preview.approval_status not in PUBLISHABLE:
        return False
    if preview.status != COMPLETED:
        # The decision, if there is one, is for the version before the one that is being made.
        return True
    # not_required has no decision. An approval without a person's name may be one of a program or a policy.
    is_ours = preview.approval_status == APPROVED and approved.get(container_id) == preview.fingerprint
    return not (preview.approved_by_person or is_ours)


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


def read_reviewable(
    client: LayersClient, container_ids: Sequence[str], needs_answer: UndecidedTest
) -> dict[str, ContentPreview]:
    """
    Read containers that a person can decide on, or that need no answer.

    :raises LayersContentUnfinishedError: a container is still being made
    :raises LayersContentError: a container failed or was canceled
    :raises LayersUnexpectedResponseError: a container has an approval status that is not documented
    """
    previews = read_previews(client, container_ids)
    for container_id, preview in previews.items():
        if preview.approval_status not in APPROVAL_STATUSES:
            raise unknown_approval_status(container_id, preview.approval_status)
        if needs_answer(container_id, preview) and preview.status != COMPLETED:
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
    :param undecided: the containers that needed an answer
    :param changed: those of them that are not what was shown; nothing was decided if there are any
    :param errors: why the answer could not be carried out, by container id
    """

    statuses: Mapping[str, str | None]
    undecided: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    errors: Mapping[str, LayersError] = field(default_factory=dict)

    @property
    def pending(self) -> list[str]:
        """The containers that wait for a decision in Layers."""
        return [container_id for container_id, status in self.statuses.items() if status == PENDING]


def compare_with_shown(
    client: LayersClient, container_ids: Sequence[str], answer: ReviewAnswer, needs_answer: UndecidedTest
) -> DecisionResult:
    """
    Compare the containers with what the reviewer was shown.

    :param container_ids: all containers of the review, as the task names them
    """
    previews = read_previews(client, container_ids)
    undecided = tuple(name for name, preview in previews.items() if needs_answer(name, preview))
    return DecisionResult(
        statuses={name: preview.approval_status for name, preview in previews.items()},
        undecided=undecided,
        changed=tuple(name for name in undecided if not _is_shown(previews[name], answer.shown.get(name))),
    )


def _is_shown(preview: ContentPreview, fingerprint: str | None) -> bool:
    # While a new version is being made, the API may still return the previous one.
    return preview.status not in UNFINISHED_STATUSES and preview.fingerprint == fingerprint


def decide(
    client: LayersClient,
    container_ids: Sequence[str],
    answer: ReviewAnswer,
    needs_answer: UndecidedTest,
    *,
    idempotency_key: Callable[[str], str],
) -> DecisionResult:
    """
    Approve or reject the pending containers, if all undecided ones are what the reviewer was shown.

    Layers refuses a decision on other content with 409, so the answer is only for the DAG run there. Each
    container is tried, whatever happens to the others.

    :param container_ids: all containers of the review, as the task names them
    :param answer: ``Approve`` or ``Reject``
    :param idempotency_key: returns the key for a container's decision
    """
    result = compare_with_shown(client, container_ids, answer, needs_answer)
    if result.changed:
        return result
    statuses, errors = dict(result.statuses), {}
    for name in result.pending:
        statuses[name], error = _try_to_decide(client, name, answer, idempotency_key(name))
        if error is not None:
            errors[name] = error
    return replace(result, statuses=statuses, errors=errors)


def _try_to_decide(
    client: LayersClient, container_id: str, answer: ReviewAnswer, key: str
) -> tuple[str | None, LayersError | None]:
    try:
        return _decide_one(client, container_id, answer, key), None
    except LayersPromotionError as error:
        return APPROVED, error
    except LayersError as error:
        return PENDING, error


def raise_failed(result: DecisionResult) -> NoReturn:
    """
    Raise what failed: the error itself for one container, one that names every failed container for several.

    :raises LayersPartialError: a retry may help, so the next try continues with what failed
    :raises LayersPartialPermanentError: no retry can help
    """
    statuses, errors = result.statuses, result.errors
    if len(statuses) == 1:
        raise next(iter(errors.values()))
    texts = {name: str(error) for name, error in errors.items()}
    rows = [
        {"container_id": name, "approval_status": status, "error": texts.get(name)}
        for name, status in statuses.items()
    ]
    lines = [f"The answer could not be carried out for {len(errors)} of {len(statuses)} containers."]
    lines += [f"{name}: {text}" for name, text in texts.items()]
    if all(isinstance(error, LayersPermanentError) for error in errors.values()):
        lines.append("It was carried out for the others. Remove the causes and clear the task.")
        raise LayersPartialPermanentError("\n".join(lines), rows, errors)
    lines.append("It was carried out for the others. The next try continues with these.")
    raise LayersPartialError("\n".join(lines), rows, errors)


def approved_in_layers(result: DecisionResult, answer: ReviewAnswer) -> dict[str, str]:
    """Return what the reviewer approved and Layers keeps as approved: the fingerprint by container id."""
    if answer.option != APPROVE or result.changed:
        return {}
    return {name: text for name, text in answer.shown.items() if result.statuses.get(name) == APPROVED}


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
        "warnings": list(conflicts(statuses, answer)),
    }


def conflicts(statuses: Mapping[str, str | None], answer: ReviewAnswer | None) -> Iterator[str]:
    """Return a message for each container that Layers does not have as the reviewer answered."""
    if answer is None:
        return
    for container_id in answer.shown:
        status = statuses.get(container_id)
        subject = f"Content {container_id}: {answer.reviewer} answered {answer.option}"
        if answer.option == REJECT and status in PUBLISHABLE:
            why = "it needs no approval" if status == NOT_REQUIRED else f"it was already {status} in Layers"
            yield (
                f"{subject}, but {why} and cannot be rejected there, so Layers keeps no decision. This DAG "
                "run does not continue with it. What is scheduled in Layers is still published unless you "
                "cancel it there."
            )
        elif answer.option != REJECT and status == REJECTED:
            yield f"{subject}, but it was already rejected in Layers and stays rejected."
        elif answer.option == REGENERATE:
            yield f"{subject}, but it was already decided in Layers. It stays {status}; no version was made."
