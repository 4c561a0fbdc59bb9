"""Routes that start a job: generate in its three forms, clone-from-post, regenerate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_layers.emulator.errors import ApiError, Schema, conflict, not_found
from airflow_provider_layers.emulator.formats import bare_uuid, fingerprint_of
from airflow_provider_layers.emulator.limits import START, cost_of
from airflow_provider_layers.emulator.routes.content import create_container
from airflow_provider_layers.emulator.routes.jobs import accepted, admit_job, start_job
from airflow_provider_layers.emulator.routing import ApiRequest, ApiResponse, ApiRoute
from airflow_provider_layers.emulator.schemas import (
    AccountBody,
    BriefFormat,
    CloneFromPostBody,
    GenerateFromBriefBody,
    GenerateFromHookBody,
    RegenerateBody,
    SlideshowBuilderBody,
    SourceRemixBody,
    UgcRemixBody,
)

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import PlatformPost, Project

HOOK_FORMATS = ("slideshow-builder", "ugc-remix")
FORMAT_ROUTES: dict[str, type[AccountBody]] = {
    "slideshow-builder": SlideshowBuilderBody,
    "ugc-remix": UgcRemixBody,
    "video-remix": SourceRemixBody,
    "slideshow-remix": SourceRemixBody,
}
_HOOK_FORM_ONLY = ("hook", "mediaId", "socialAccountId", "influencerId")
_PRECONDITIONS = {"slideshow-builder": ("app_name", "app_description"), "ugc-remix": ("app_demo",)}


def generate(request: ApiRequest) -> ApiResponse:
    """Start a job from a body in the brief form or in the hook form."""
    if _is_hook_form(request.body):
        return _generate_from_hook(request)
    return _generate_from_brief(request)


def generate_format(request: ApiRequest) -> ApiResponse:
    """Start a job on the route of a format; it always fills a single container."""
    name = request.path_params["format"]
    if name not in FORMAT_ROUTES:
        raise not_found(f"There is no format {name}; there are {', '.join(FORMAT_ROUTES)}.")
    body = request.read_body(FORMAT_ROUTES[name])
    project = request.state.project(request.path_params["project"])
    if name != "slideshow-builder" and body.socialAccountId is None and body.influencerId is None:
        raise request.invalid("socialAccountId", "one of socialAccountId and influencerId is required")
    return _start(request, project, name, body)


def clone_from_post(request: ApiRequest) -> ApiResponse:
    """Start a job that makes a container from a tracked post; the id in the path is an idempotency key."""
    state, body = request.state, request.read_body(CloneFromPostBody)
    uuid = bare_uuid(request.path_params["container"], "cnt")
    if uuid is None:
        raise request.invalid("containerId", f"must be a UUID, not {request.path_params['container']!r}")
    project = state.project(body.projectId)
    if uuid in state.containers:
        return state.idempotency_cache.replay_for_container(uuid, request)
    source = _find_source(request, project, body.sourcePlatformPostId)
    _require_layer(project, body.projectLayerId, {"layerCount": len(project.layers)})
    overrides = _sent(body.overrides)
    _moderate(request, overrides)
    # Assumption: the pages give no price; a variation costs as much as content in the format of the source.
    cost = cost_of(source.format_name) * body.variations
    admit_job(state, cost)
    container = create_container(state, project, source.format_name, uuid)
    container.brief = {"hook": source.hook, **({"cta": overrides["cta"]} if "cta" in overrides else {})}
    container.caption_override = overrides.get("caption")
    container.fields = {"sourcePlatformPostId": source.id}
    job = start_job(request, "content_clone_from_post", [container], cost, variations=body.variations)
    response = accepted(job, containerId=container.id)
    state.idempotency_cache.keep_for_container(uuid, request, response)
    return response


def regenerate(request: ApiRequest) -> ApiResponse:
    """Start a job that makes a new version of a container."""
    body = request.read_body(RegenerateBody)
    state, container = request.state, request.state.container(request.path_params["container"])
    # Assumption: the pages do not name the error for a second job on a container.
    if state.jobs[container.job].status == "running":
        raise conflict("A job is running on this container.", jobId=container.job, containerId=container.id)
    changes = _sent(body.brief)
    _moderate(request, changes)
    cost = cost_of(container.format_name)
    admit_job(state, cost)
    container.brief = {**container.brief, **changes}
    # Assumption: approval is reset when the job starts, so that it cannot publish the new version.
    if state.projects[container.project].reviews_new_content:
        container.approval_status, container.decision = "pending", {}
    job = start_job(request, "content_regenerate", [container], cost, preserve_assets=body.preserveAssets)
    return accepted(job, containerId=container.id)


def _is_hook_form(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    references = body.get("references")
    return (
        not body.keys().isdisjoint(_HOOK_FORM_ONLY)
        or (isinstance(references, dict) and "mediaIds" in references)
        or ("format" in body and body["format"] not in get_args(BriefFormat) and "brief" not in body)
    )


def _generate_from_hook(request: ApiRequest) -> ApiResponse:
    body = request.read_body(GenerateFromHookBody)
    if body.format not in HOOK_FORMATS:
        hint = " It is reserved (v2)." if body.format in FORMAT_ROUTES else ""
        message = f"Format {body.format} is not available here; use {' or '.join(HOOK_FORMATS)}.{hint}"
        raise ApiError(422, "UNSUPPORTED_FORMAT", message)
    if body.format == "slideshow-builder" and body.hook is None:
        raise request.invalid("hook", "is required")
    return _start(request, request.state.project(request.path_params["project"]), body.format, body)


def _generate_from_brief(request: ApiRequest) -> ApiResponse:
    body = request.read_body(GenerateFromBriefBody)
    project = request.state.project(request.path_params["project"])
    cache = request.state.idempotency_cache
    uuid = bare_uuid(body.id, "cnt") if body.id is not None else None
    if uuid is not None and uuid in request.state.containers:
        return cache.replay_for_container(uuid, request)
    # The sample on the page answers `auto` with video_remix.
    name = body.format.replace("auto", "video_remix")
    response = _start(request, project, name, body, uuid)
    if uuid is not None:
        cache.keep_for_container(uuid, request, response)
    return response


def _start(
    request: ApiRequest, project: Project, name: str, schema: Schema, uuid: str | None = None
) -> ApiResponse:
    state, body = request.state, _sent(schema)
    _require_layer(
        project, body.get("projectLayerId"), {"candidates": [f"lyr_{layer}" for layer in project.layers]}
    )
    shared = {field: body[field] for field in ("hook", "influencerId", "targetPlatforms") if field in body}
    brief = {**body.get("brief", {}), **shared}
    _require_members(request, project, brief.get("influencerId"), body.get("socialAccountId"))
    for need in _PRECONDITIONS.get(name, ()):
        if need in state.settings.missing:
            message = f"{name} needs the project's {need.replace('_', ' ')}."
            raise ApiError(422, f"MISSING_{need.upper()}", message)
    _moderate(request, brief)
    count = body.get("variantCount", 1)
    cost = cost_of(name) * count
    admit_job(state, cost, body.get("budget", {}).get("maxCredits"))
    containers = [
        create_container(state, project, name, uuid if index == 0 else None) for index in range(count)
    ]
    for container in containers:
        container.brief, container.fields = dict(brief), body
    job = start_job(request, "content_generate", containers, cost)
    return accepted(job, containerIds=[container.id for container in containers], format=name)


def _sent(schema: Schema | None) -> dict[str, Any]:
    """Return the fields that the client sent, as the vendor spells them."""
    return {} if schema is None else schema.model_dump(exclude_unset=True)


def _require_layer(project: Project, layer: str | None, details: dict[str, Any]) -> None:
    if layer is not None:
        if bare_uuid(layer, "lyr") not in project.layers:
            raise not_found("Content layer not found in this project.")
    elif not project.layers:
        raise conflict("Project has no active content layers.", layerCount=0)
    elif len(project.layers) > 1:
        raise conflict("Multiple content layers on this project. Pass projectLayerId.", **details)


def _require_members(
    request: ApiRequest, project: Project, influencer: str | None, account: str | None
) -> None:
    if influencer is not None and bare_uuid(influencer, "inf") not in project.influencers:
        raise not_found("Influencer not found in this project.")
    known = request.state.accounts.get(account) if account is not None else None
    if account is not None and (known is None or known.project != project.uuid):
        raise not_found("Social account not found in this project.")


def _find_source(request: ApiRequest, project: Project, identifier: str) -> PlatformPost:
    for post in request.state.platform_posts.values():
        if identifier in (post.id, post.external_id) and post.project == project.uuid:
            return post
    raise not_found("Source post not found.")


def _moderate(request: ApiRequest, texts: dict[str, Any]) -> None:
    content = fingerprint_of(texts).lower()
    if any(word.lower() in content for word in request.state.settings.blocked_words):
        # Assumption: the pages do not give the status of this code.
        raise ApiError(422, "MODERATION_BLOCKED", "The brief failed the safety check.")


# The pages of these routes call an invalid body VALIDATION_FAILED and give no status; 422 is an assumption.
_CODE = "VALIDATION_FAILED"
_PROJECT, _CONTAINER = "/v1/projects/{project}/content", "/v1/content/{container}"

ROUTES = (
    ApiRoute("POST", _PROJECT, generate, "content:write", START, invalid_code=_CODE),
    ApiRoute("POST", f"{_PROJECT}/{{format}}", generate_format, "content:write", START, invalid_code=_CODE),
    ApiRoute(
        "POST", f"{_CONTAINER}/clone-from-post", clone_from_post, "content:write", START, invalid_code=_CODE
    ),
    ApiRoute("POST", f"{_CONTAINER}/regenerate", regenerate, "content:write", START, invalid_code=_CODE),
)
