"""Content: generate, clone, regenerate, read, list, approve and reject.

``reference/content/*``, ``reference/approval/*``, ``concepts/content-items`` and ``concepts/approval``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, JsonValue

from airflow_provider_layers.api.endpoint import (
    ConflictResolution,
    Endpoint,
    Response,
    paged,
    quote_path_segment,
    read_json,
)
from airflow_provider_layers.api.jobs import Submission, read_submission
from airflow_provider_layers.api.schemas import (
    RequestModel,
    Timestamp,
    as_list,
    parse_timestamp,
    query_params,
    request_body,
)
from airflow_provider_layers.exceptions import (
    LayersContentError,
    LayersParameterError,
    LayersPromotionError,
    LayersReviewRejectedError,
    LayersUnexpectedResponseError,
)

LIST_PAGE_SIZE = 200
"""The most containers that the API returns at once (``reference/content/list-containers``)."""

# `generating` is what older revisions call `processing`.
Status = Literal["queued", "processing", "generating", "completed", "failed", "canceled"]
UNFINISHED_STATUSES = ("queued", "processing", "generating")
LOST_STATUSES = ("failed", "canceled")
"""Statuses of content that can no longer be decided on."""

NOT_REQUIRED, PENDING, APPROVED, REJECTED = "not_required", "pending", "approved", "rejected"
APPROVAL_STATUSES = (NOT_REQUIRED, PENDING, APPROVED, REJECTED)
DECISIONS = (NOT_REQUIRED, APPROVED, REJECTED)
PUBLISHABLE = (APPROVED, NOT_REQUIRED)

# Assumption: the only value that the vendor shows is `api_key_...`, which is a program. A name of any other
# form may be that of a policy, so only these forms count as a person.
_PERSON = re.compile(r"(user|usr)_.+|[^@\s]+@[^@\s]+", re.ASCII)

Platform = Literal["instagram", "tiktok", "youtube"]
UpTo20 = Annotated[list[str], Field(max_length=20)]
Hook = Annotated[str, Field(min_length=1, max_length=2000)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
VariantCount = Annotated[int, Field(ge=1, le=5)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]


# Ids of containers


def content_path(container_id: str) -> str:
    """Return the path of a container."""
    return f"/v1/content/{quote_path_segment('container_id', container_id)}"


def list_content_path(project_id: str) -> str:
    """Return the path of a project's content."""
    return f"/v1/projects/{quote_path_segment('project_id', project_id)}/content"


def as_ids(container_ids: str | Sequence[Any], *, name: str = "container_id") -> list[str]:
    """
    Return ids as a flat list without duplicates.

    :param container_ids: an id, or ids nested in lists, as a mapped task returns them; an empty list is valid
    :param name: the parameter that they came from, for the message
    :raises LayersParameterError: it is something else, or contains something that is not an id
    """
    if not isinstance(container_ids, Sequence):
        raise LayersParameterError(f"{name} = {container_ids!r}: should be an id or a list of ids.")
    ids: dict[str, None] = {}
    for item in [container_ids] if isinstance(container_ids, str) else container_ids:
        if isinstance(item, list):
            ids |= dict.fromkeys(as_ids(item, name=name))
        else:
            quote_path_segment(name, item)
            ids[item] = None
    return list(ids)


def single_id(container_ids: str | Sequence[Any]) -> str:
    """
    Return the container id of a parameter that takes exactly one.

    :raises LayersParameterError: there are none or several
    """
    ids = as_ids(container_ids)
    if len(ids) != 1:
        raise LayersParameterError(
            f"container_id = {ids!r}: one task starts one job. Map the task over the ids with expand()."
        )
    return ids[0]


# Starting jobs


class Brief(RequestModel):
    """The creative brief of ``reference/content/generate-content``."""

    topic: str | None = None
    angle: str | None = None
    cta: str | None = None
    value_propositions: UpTo20 | None = None
    hook: str | None = None
    target_platforms: list[Platform] | None = None
    influencer_id: str | None = None
    theme_tags: list[str] | None = None
    reference_media_ids: list[str] | None = None
    language: Language | None = None


class BriefChanges(RequestModel):
    """The fields of a brief that a regeneration can change."""

    topic: str | None = None
    angle: str | None = None
    cta: str | None = None
    value_propositions: UpTo20 | None = None


class References(RequestModel):
    """Posts and media that the generator starts from."""

    source_post_ids: UpTo20 | None = None
    asset_ids: UpTo20 | None = None


class MediaReferences(RequestModel):
    """The references of the hook form (``concepts/content-items``)."""

    media_ids: UpTo20 | None = None


class Budget(RequestModel):
    """The most credits that a request may cost."""

    max_credits: Annotated[int, Field(ge=0)]


class BriefForm(RequestModel):
    """``POST /v1/projects/:projectId/content`` with a brief."""

    project_layer_id: str | None = None
    format: Literal["auto", "video_remix", "slideshow_remix", "ugc_remix"] | None = None
    variant_count: VariantCount | None = None
    brief: Brief
    references: References | None = None
    target_platforms: list[Platform] | None = None
    budget: Budget | None = None
    metadata: dict[str, JsonValue] | None = None


class HookForm(RequestModel):
    """``POST /v1/projects/:projectId/content`` with a hook. The API itself refuses reserved formats."""

    format: Literal["slideshow-builder", "ugc-remix", "video-remix", "slideshow-remix"]
    variant_count: VariantCount | None = None
    hook: Hook
    references: MediaReferences | None = None


class SlideshowBuilder(RequestModel):
    """``POST /v1/projects/:projectId/content/slideshow-builder``."""

    hook: Hook
    social_account_id: str | None = None
    influencer_id: str | None = None


class UgcRemix(RequestModel):
    """``POST /v1/projects/:projectId/content/ugc-remix``."""

    hook: Hook | None = None
    social_account_id: str | None = None
    influencer_id: str | None = None
    media_id: str | None = None


class SourceRemix(RequestModel):
    """``POST /v1/projects/:projectId/content/video-remix`` and ``.../slideshow-remix``."""

    tiktok_video_id: str
    social_account_id: str | None = None
    influencer_id: str | None = None


PER_FORMAT: dict[str, type[RequestModel]] = {
    "slideshow-builder": SlideshowBuilder,
    "ugc-remix": UgcRemix,
    "video-remix": SourceRemix,
    "slideshow-remix": SourceRemix,
}


class Overrides(RequestModel):
    """Texts of a clone that replace those of its source."""

    caption: str | None = None
    cta: str | None = None
    voice_over_script: str | None = None


class CloneForm(RequestModel):
    """The body of clone-from-post."""

    project_id: str
    project_layer_id: str | None = None
    source_platform_post_id: Annotated[str, Field(min_length=1)]
    mode: Literal["fork", "reimagine"]
    variations: Annotated[int, Field(ge=1, le=10)]
    overrides: Overrides | None = None


class RegenerateForm(RequestModel):
    """The body of regenerate."""

    brief: BriefChanges | None = None
    references: References | None = None
    preserve_assets: bool | None = None


def generate_content(
    project_id: str, fields: Mapping[str, Any], *, content_routes: str, idempotency_key: str
) -> Endpoint[Submission]:
    """
    Return the request that generates content, in the form that the connection and the fields call for.

    :param fields: in snake_case; ``None`` means not given
    :param content_routes: ``shared``: one route, in the ``brief`` form or, when ``hook`` is given, the
        ``hook`` form; ``per-format``: the newest revision's one route per format
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a field is wrong, or does not belong to this form
    """
    path = list_content_path(project_id)
    given = {name: value for name, value in fields.items() if value is not None}
    if content_routes == "per-format":
        path, body = _per_format_request(path, given)
    elif "brief" in given and "hook" in given:
        raise LayersParameterError(
            "brief and hook are two forms of one request: give one of them. The brief has its own hook."
        )
    elif "hook" in given:
        body = request_body(HookForm, **given)
    elif "brief" in given:
        body = request_body(BriefForm, **given)
    else:
        raise LayersParameterError("neither brief nor hook is given: one of them is required.")
    return Endpoint(
        description=f"generate content in project {project_id}",
        method="POST",
        path=path,
        body=body,
        read=read_submission,
        idempotency_key=idempotency_key,
    )


def _per_format_request(path: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = fields.pop("format", None)
    if not isinstance(name, str) or name not in PER_FORMAT:
        raise LayersParameterError(
            f"format = {name!r}: with content_routes=per-format it is one of {', '.join(PER_FORMAT)}."
        )
    # These routes make one container per request; a variant count of 1 says the same.
    if fields.pop("variant_count", 1) not in (1, "1"):
        raise LayersParameterError(
            "variant_count: with content_routes=per-format each request makes one container. "
            "Leave it out and map the task over the variants."
        )
    if name != "slideshow-builder" and not {"social_account_id", "influencer_id"} & fields.keys():
        raise LayersParameterError(f"format = {name!r} needs social_account_id or influencer_id.")
    return f"{path}/{name}", request_body(PER_FORMAT[name], **fields)


def clone_from_post(
    container_id: str, fields: Mapping[str, Any], *, idempotency_key: str
) -> Endpoint[Submission]:
    """
    ``POST /v1/content/:containerId/clone-from-post`` (scope ``content:write``).

    :param container_id: UUID of the new container; the API treats it as an idempotency key as well
    :param fields: in snake_case; ``None`` means not given
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a field is wrong
    """
    if not _is_uuid(container_id):
        raise LayersParameterError(
            f"container_id = {container_id!r}: the id of a clone is a UUID that you choose. "
            "Leave it out to have it derived."
        )
    return Endpoint(
        description=f"clone post {fields.get('source_platform_post_id')}",
        method="POST",
        path=f"{content_path(container_id)}/clone-from-post",
        body=request_body(CloneForm, **fields),
        read=read_submission,
        idempotency_key=idempotency_key,
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except (ValueError, AttributeError, TypeError):
        return False


def regenerate_content(
    container_id: str, fields: Mapping[str, Any], *, idempotency_key: str
) -> Endpoint[Submission]:
    """
    ``POST /v1/content/:containerId/regenerate`` (scope ``content:write``).

    :param container_id: the container whose media and captions are replaced
    :param fields: in snake_case; ``None`` means not given
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a field is wrong
    """
    return Endpoint(
        description=f"regenerate content {container_id}",
        method="POST",
        path=f"{content_path(container_id)}/regenerate",
        body=request_body(RegenerateForm, **fields),
        read=read_submission,
        idempotency_key=idempotency_key,
    )


# Reading


class ContentFilters(RequestModel):
    """Filters of the list; ``status`` and ``format`` may have several values."""

    status: Annotated[list[Status], BeforeValidator(as_list)] | None = None
    format: Annotated[list[str], BeforeValidator(as_list)] | None = None
    creative_type: Literal["generated", "uploaded"] | None = None
    since: Timestamp | None = None
    until: Timestamp | None = None


def get_content(container_id: str) -> Endpoint[dict[str, Any]]:
    """``GET /v1/content/:containerId`` (scope ``content:read``)."""
    return Endpoint(
        description=f"read content {container_id}",
        method="GET",
        path=content_path(container_id),
        read=read_json,
    )


def get_content_progress(container_id: str) -> Endpoint[dict[str, Any]]:
    """``GET /v1/content/:containerId/progress`` (scope ``content:read``)."""
    return Endpoint(
        description=f"read the progress of content {container_id}",
        method="GET",
        path=f"{content_path(container_id)}/progress",
        read=read_json,
    )


def get_content_asset(container_id: str, asset_id: str) -> Endpoint[dict[str, Any]]:
    """``GET /v1/content/:containerId/assets/:assetId`` (scope ``content:read``)."""
    return Endpoint(
        description=f"read asset {asset_id} of content {container_id}",
        method="GET",
        path=f"{content_path(container_id)}/assets/{quote_path_segment('asset_id', asset_id)}",
        read=read_json,
    )


def list_content(project_id: str, **filters: Any) -> Callable[[int, str | None], Endpoint[dict[str, Any]]]:
    """
    ``GET /v1/projects/:projectId/content`` (scope ``content:read``), newest first.

    :param filters: see :class:`ContentFilters`
    :return: the endpoint of a page, by its size and cursor
    :raises LayersParameterError: a filter is wrong
    """
    query = query_params(ContentFilters, **filters)
    return paged(f"list content of project {project_id}", list_content_path(project_id), query)


def list_content_hooks(project_id: str) -> Endpoint[list[str]]:
    """
    ``GET /v1/projects/:projectId/content/hooks`` (scope ``content:read``): about 20 hooks, new on each call.

    Free of charge. The project needs a name and a description of its app.

    :return: texts for ``hook`` of :func:`generate_content`, to be passed on unchanged
    """
    description = f"list hooks for content of project {project_id}"
    path = f"{list_content_path(project_id)}/hooks"
    return Endpoint(description=description, method="GET", path=path, read=_read_hooks)


def _read_hooks(response: Response) -> list[str]:
    hooks = response.json().get("hooks")
    if not isinstance(hooks, list) or not all(isinstance(hook, str) for hook in hooks):
        raise LayersUnexpectedResponseError(f"The API returned hooks that are not a list of texts: {hooks!r}")
    return hooks


# Deciding


class ApproveForm(RequestModel):
    """The body of approve."""

    note: Text | None = None


class RejectForm(RequestModel):
    """The body of reject."""

    reason: Text


def approve_content(container_id: str, *, note: str | None, idempotency_key: str) -> Endpoint[dict[str, Any]]:
    """
    ``POST /v1/content/:containerId/approve`` (scope ``content:approve``); content may be approved already.

    :param note: 1 to 1024 characters, kept with the approval
    :param idempotency_key: the same on every try
    :raises LayersPromotionError: when read: it is approved, and the schedule that waited for it failed
    """
    body = request_body(ApproveForm, note=note)

    def read(response: Response) -> dict[str, Any]:
        decided = response.json()
        promotion = decided.get("pendingSchedulePromotion") or {}
        if promotion.get("status") == "failed":
            raise LayersPromotionError(
                f"Content {container_id} is approved, and the schedule that waited for it failed: "
                f"{promotion}. Nothing is published. Remove the cause and schedule it again."
            )
        return decided

    return _decision("approve", container_id, body, idempotency_key, accepted=PUBLISHABLE, read=read)


def reject_content(container_id: str, *, reason: str, idempotency_key: str) -> Endpoint[dict[str, Any]]:
    """
    ``POST /v1/content/:containerId/reject`` (scope ``content:approve``); content may be rejected already.

    :param reason: 1 to 1024 characters
    :param idempotency_key: the same on every try
    """
    body = request_body(RejectForm, reason=reason)
    return _decision("reject", container_id, body, idempotency_key, accepted=(REJECTED,), read=read_json)


def _decision(
    verb: str,
    container_id: str,
    body: dict[str, Any],
    idempotency_key: str,
    *,
    accepted: tuple[str, ...],
    read: Callable[[Response], dict[str, Any]],
) -> Endpoint[dict[str, Any]]:
    def is_decided(container: Mapping[str, Any]) -> bool | None:
        decision = container.get("approvalStatus")
        if decision in DECISIONS:
            return decision in accepted
        # Pending content could be decided on, unless it is not completed: the conflict is of a later state.
        unfinished = container.get("status") in (*UNFINISHED_STATUSES, *LOST_STATUSES)
        return False if decision == PENDING and unfinished else None

    return Endpoint(
        description=f"{verb} content {container_id}",
        method="POST",
        path=f"{content_path(container_id)}/{verb}",
        body=body,
        read=read,
        idempotency_key=idempotency_key,
        on_conflict=ConflictResolution(
            current=get_content(container_id),
            has_effect=is_decided,
            result=lambda container: {
                "id": container.get("id", container_id),
                "approvalStatus": container["approvalStatus"],
            },
        ),
    )


# The state of a decision


@dataclass(frozen=True)
class ContentState:
    """
    How far a container is between its job and its publication.

    :param container_id: as it was requested
    :param approval_status: its ``approvalStatus``
    :param status: its ``status``, a separate axis
    :param error: why it failed, if it did
    """

    container_id: str
    approval_status: str
    status: str | None = None
    project_id: str | None = None
    created_at: str | None = None
    error: str | None = None

    @property
    def state(self) -> str:
        """See :func:`combined_state`."""
        return combined_state(self.approval_status, self.status)

    @property
    def publishable(self) -> bool:
        """Whether it is approved, or needs no approval."""
        return self.approval_status in PUBLISHABLE


def combined_state(approval_status: Any, status: Any) -> str:
    """Return the approval status, or the status of content that failed or was canceled while pending."""
    return str(status if approval_status == PENDING and status in LOST_STATUSES else approval_status)


def approved_by_person(container: Mapping[str, Any]) -> bool:
    """
    Return whether the API says that a person approved the current version of a container.

    ``approvedAt`` and ``approvedBy`` are documented for the response of approve and for webhooks, and may be
    missing from a container. An approval from before ``completedAt`` was for an earlier version.
    """
    name = container.get("approvedBy")
    is_person = isinstance(name, str) and _PERSON.fullmatch(name) is not None
    if container.get("approvalStatus") != APPROVED or not is_person:
        return False
    approved_at, completed_at = (parse_timestamp(container.get(key)) for key in ("approvedAt", "completedAt"))
    return approved_at is None or completed_at is None or approved_at >= completed_at


def error_text(last_error: Any) -> str | None:
    """Return a container's ``lastError`` as text; its shape is not documented."""
    if isinstance(last_error, Mapping):
        return " ".join(str(last_error[name]) for name in ("code", "message") if last_error.get(name)) or None
    return last_error if isinstance(last_error, str) and last_error else None


def get_content_state(container_id: str) -> Endpoint[ContentState]:
    """``GET /v1/content/:containerId`` (scope ``content:read``), refusing unknown approval statuses."""

    def read(response: Response) -> ContentState:
        container = response.json()
        approval_status = container.get("approvalStatus")
        if approval_status not in APPROVAL_STATUSES:
            raise unknown_approval_status(container_id, approval_status)
        return ContentState(
            container_id,
            approval_status,
            container.get("status"),
            project_id=container.get("projectId"),
            created_at=container.get("createdAt"),
            error=error_text(container.get("lastError")),
        )

    return get_content(container_id).with_reader(read)


def unknown_approval_status(container_id: str, status: Any) -> LayersUnexpectedResponseError:
    """Return the error for an approval status that is not documented."""
    return LayersUnexpectedResponseError(
        f"Content {container_id} has approvalStatus {status!r}; known are {', '.join(APPROVAL_STATUSES)}. "
        "It was left alone; update this package if the API has a new one."
    )


def deciding_states(*, fail_on_reject: bool) -> tuple[str, ...]:
    """
    Return the states of one container that end a wait for several.

    :param fail_on_reject: whether a rejection does
    """
    return (*LOST_STATUSES, REJECTED) if fail_on_reject else LOST_STATUSES


def is_settled(states: Iterable[ContentState], *, fail_on_reject: bool) -> bool:
    """
    Return whether a wait for these containers is over.

    :param fail_on_reject: whether one rejection ends it
    """
    names = {item.state for item in states}
    return PENDING not in names or not names.isdisjoint(deciding_states(fail_on_reject=fail_on_reject))


def raise_unless_approved(states: Iterable[ContentState], *, fail_on_reject: bool) -> list[str]:
    """
    Return the ids of the containers that may be published.

    :param fail_on_reject: whether one rejection is an error
    :raises LayersContentError: one failed or was canceled before a decision
    :raises LayersReviewRejectedError: one was rejected
    """
    by_state: dict[str, list[ContentState]] = {}
    for item in states:
        by_state.setdefault(APPROVED if item.publishable else item.state, []).append(item)
    rejected = [item.container_id for item in by_state.get(REJECTED, ())]
    if rejected and fail_on_reject:
        raise LayersReviewRejectedError(f"Rejected in Layers: content {', '.join(rejected)}.")
    for status in LOST_STATUSES:
        for item in by_state.get(status, ()):
            outcome = "was canceled" if item.status == "canceled" else "failed"
            reason = f": {item.error.rstrip('.')}" if item.error else ""
            raise LayersContentError(
                f"Content {item.container_id} {outcome} before it was approved or rejected{reason}."
            )
    return [item.container_id for item in by_state.get(APPROVED, ())]


def common_project(states: Iterable[ContentState], given: str | None) -> str | None:
    """
    Return the project that all these containers belong to; ``None`` for several.

    :param given: the project where the API named none
    """
    projects = {item.project_id for item in states if item.project_id}
    return given if not projects else projects.pop() if len(projects) == 1 else None


def earliest_creation(states: Sequence[ContentState]) -> str | None:
    """Return when the oldest of these was created, as the API formats it; ``None`` if one is unknown."""
    moments = {item.created_at: parse_timestamp(item.created_at) for item in states}
    known = {text: moment for text, moment in moments.items() if text is not None and moment is not None}
    return min(known, key=lambda text: known[text]) if known and len(known) == len(moments) else None
