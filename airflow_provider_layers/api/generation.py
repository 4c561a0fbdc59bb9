"""Starting jobs that make content: generate, clone from a post, regenerate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from airflow_provider_layers.api.content import content_path
from airflow_provider_layers.api.endpoint import Endpoint, segment
from airflow_provider_layers.api.request import Request, body
from airflow_provider_layers.api.submission import Submission, read_submission
from airflow_provider_layers.exceptions import LayersParameterError

Platform = Literal["instagram", "tiktok", "youtube"]
UpTo20 = Annotated[list[str], Field(max_length=20)]
Hook = Annotated[str, Field(min_length=1, max_length=2000)]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
BriefFormat = Literal["auto", "video_remix", "slideshow_remix", "ugc_remix"]
HookFormat = Literal["slideshow-builder", "ugc-remix", "video-remix", "slideshow-remix"]
VariantCount = Annotated[int, Field(ge=1, le=5)]


class Brief(Request):
    """The creative brief of page ``reference/content/generate-content``."""

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


class BriefChanges(Request):
    """What regenerating can change of a brief."""

    topic: str | None = None
    angle: str | None = None
    cta: str | None = None
    value_propositions: UpTo20 | None = None


class References(Request):
    """Posts and media for the generator to start from."""

    source_post_ids: UpTo20 | None = None
    asset_ids: UpTo20 | None = None


class MediaReferences(Request):
    """The references of the hook form (``concepts/content-items``)."""

    media_ids: UpTo20 | None = None


class Budget(Request):
    """The most credits that a request may cost."""

    max_credits: Annotated[int, Field(ge=0)]


class BriefForm(Request):
    """``POST /v1/projects/:projectId/content`` with a brief."""

    project_layer_id: str | None = None
    format: BriefFormat | None = None
    variant_count: VariantCount | None = None
    brief: Brief
    references: References | None = None
    target_platforms: list[Platform] | None = None
    budget: Budget | None = None
    metadata: dict[str, JsonValue] | None = None


class HookForm(Request):
    """``POST /v1/projects/:projectId/content`` with a hook. The API itself refuses reserved formats."""

    format: HookFormat
    variant_count: VariantCount | None = None
    hook: Hook
    references: MediaReferences | None = None


class SlideshowBuilder(Request):
    """``POST /v1/projects/:projectId/content/slideshow-builder``."""

    hook: Hook
    social_account_id: str | None = None
    influencer_id: str | None = None


class UgcRemix(Request):
    """``POST /v1/projects/:projectId/content/ugc-remix``."""

    hook: Hook | None = None
    social_account_id: str | None = None
    influencer_id: str | None = None
    media_id: str | None = None


class SourceRemix(Request):
    """``POST /v1/projects/:projectId/content/video-remix`` and ``.../slideshow-remix``."""

    tiktok_video_id: str
    social_account_id: str | None = None
    influencer_id: str | None = None


PER_FORMAT: dict[str, type[Request]] = {
    "slideshow-builder": SlideshowBuilder,
    "ugc-remix": UgcRemix,
    "video-remix": SourceRemix,
    "slideshow-remix": SourceRemix,
}


def generate(
    project_id: str, given: Mapping[str, Any], *, content_routes: str, idempotency_key: str
) -> Endpoint[Submission]:
    """
    Generate content in the form that the connection and the parameters call for.

    :param project_id: the project
    :param given: the operator's parameters in snake_case; ``None`` means not given
    :param content_routes: ``shared``: one route, in the ``brief`` form or, when ``hook`` is given, the
        ``hook`` form; ``per-format``: the newest revision's one route per format
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong, or does not belong to this form
    """
    path = f"/v1/projects/{segment('project_id', project_id)}/content"
    fields = {name: value for name, value in given.items() if value is not None}
    if content_routes == "per-format":
        path, sent = _per_format(path, fields)
    elif "brief" in fields and "hook" in fields:
        raise LayersParameterError(
            "brief and hook are two forms of one request: give one of them. The brief has a hook of its own."
        )
    else:
        sent = body(_form(fields), **fields)
    return Endpoint(
        asked=f"generate content in project {project_id}",
        method="POST",
        path=path,
        body=sent,
        read=read_submission,
        idempotency_key=idempotency_key,
    )


def _form(fields: Mapping[str, Any]) -> type[Request]:
    if "hook" in fields:
        return HookForm
    if "brief" in fields:
        return BriefForm
    raise LayersParameterError("neither brief nor hook is given: one of them says what to make.")


def _per_format(path: str, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    kind = fields.pop("format", None)
    if not isinstance(kind, str) or kind not in PER_FORMAT:
        raise LayersParameterError(
            f"format = {kind!r}: with content_routes=per-format it is one of {', '.join(PER_FORMAT)}."
        )
    # These routes make one container a call; asking for one is asking for what they do.
    if fields.pop("variant_count", 1) not in (1, "1"):
        raise LayersParameterError(
            "variant_count: with content_routes=per-format each call makes one container. "
            "Leave it out and map the task over the variants."
        )
    if kind != "slideshow-builder" and not {"social_account_id", "influencer_id"} & fields.keys():
        raise LayersParameterError(f"format = {kind!r} needs social_account_id or influencer_id.")
    return f"{path}/{kind}", body(PER_FORMAT[kind], **fields)


class Overrides(Request):
    """What a clone says instead of its source."""

    caption: str | None = None
    cta: str | None = None
    voice_over_script: str | None = None


class CloneForm(Request):
    """The body of clone-from-post."""

    project_id: str
    project_layer_id: str | None = None
    source_platform_post_id: Annotated[str, Field(min_length=1)]
    mode: Literal["fork", "reimagine"]
    variations: Annotated[int, Field(ge=1, le=10)]
    overrides: Overrides | None = None


def clone_from_post(
    container_id: str, given: Mapping[str, Any], *, idempotency_key: str
) -> Endpoint[Submission]:
    """
    ``POST /v1/content/:containerId/clone-from-post`` (scope ``content:write``).

    :param container_id: UUID of the new container; the API takes it for an idempotency key as well
    :param given: the operator's parameters in snake_case; ``None`` means not given
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    if not _is_uuid(container_id):
        raise LayersParameterError(
            f"container_id = {container_id!r}: the id of a clone is a UUID of your own making. "
            "Leave it out to have it derived."
        )
    return Endpoint(
        asked=f"clone post {given.get('source_platform_post_id')}",
        method="POST",
        path=f"{content_path(container_id)}/clone-from-post",
        body=body(CloneForm, **given),
        read=read_submission,
        idempotency_key=idempotency_key,
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except (ValueError, AttributeError, TypeError):
        return False


class RegenerateForm(Request):
    """The body of regenerate."""

    brief: BriefChanges | None = None
    references: References | None = None
    preserve_assets: bool | None = None


def regenerate(container_id: str, given: Mapping[str, Any], *, idempotency_key: str) -> Endpoint[Submission]:
    """
    ``POST /v1/content/:containerId/regenerate`` (scope ``content:write``).

    :param container_id: the container whose media and caption are replaced
    :param given: the operator's parameters in snake_case; ``None`` means not given
    :param idempotency_key: the same on every try
    :raises LayersParameterError: a parameter is wrong
    """
    return Endpoint(
        asked=f"regenerate content {container_id}",
        method="POST",
        path=f"{content_path(container_id)}/regenerate",
        body=body(RegenerateForm, **given),
        read=read_submission,
        idempotency_key=idempotency_key,
    )
