"""Generating: the brief form, the hook form, and the newest revision's one route per format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator import checks
from airflow_provider_layers.emulator.billing import cost_of
from airflow_provider_layers.emulator.errors import Refusal, conflict, not_found
from airflow_provider_layers.emulator.formats import bare_uuid
from airflow_provider_layers.emulator.idempotency import fingerprint_of
from airflow_provider_layers.emulator.routes import content as containers
from airflow_provider_layers.emulator.routes import jobs
from airflow_provider_layers.emulator.routing import Answer

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import Project
    from airflow_provider_layers.emulator.routing import Call

BRIEF_FORMATS = ("auto", "video_remix", "slideshow_remix", "ugc_remix")
HOOK_FORMATS = ("slideshow-builder", "ugc-remix")
HOOK_ONLY = ("hook", "mediaId", "socialAccountId", "influencerId")

_texts = checks.array(checks.text(1))
_platforms = checks.array(checks.one_of("instagram", "tiktok", "youtube"))
_hook = checks.text(1, 2000)
_shared: dict[str, checks.Rule] = {
    "variantCount": checks.integer(1, 5),
    "targetPlatforms": _platforms,
    "projectLayerId": checks.id_of("lyr"),
    "budget": checks.Shape({"maxCredits": checks.integer(0)}, ("maxCredits",)),
    "metadata": checks.any_object,
}
TAKE_FIELDS: dict[str, checks.Rule] = {
    "topic": checks.text(1),
    "angle": checks.text(1),
    "cta": checks.text(1),
    "valuePropositions": checks.array(checks.text(1), 0, 20),
}
SOURCES = checks.Shape(
    {"sourcePostIds": checks.array(checks.text(1), 0, 20), "assetIds": checks.array(checks.text(1), 0, 20)}
)
_brief = checks.Shape(
    {
        **TAKE_FIELDS,
        "hook": checks.text(1),
        "targetPlatforms": _platforms,
        "influencerId": checks.id_of("inf"),
        "themeTags": _texts,
        "referenceMediaIds": _texts,
        "language": checks.text(2, 35, r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", "a BCP-47 tag such as en-US"),
    }
)
# Assumption: the page marks `brief` optional and lists a missing brief as an error; the error wins.
BRIEF_FORM = checks.Shape(
    {
        **_shared,
        "id": checks.id_of("cnt"),
        "format": checks.one_of(*BRIEF_FORMATS),
        "brief": _brief,
        "references": SOURCES,
    },
    ("brief",),
)
_hook_fields: dict[str, checks.Rule] = {
    "hook": _hook,
    "mediaId": checks.text(1),
    "socialAccountId": checks.text(1),
    "influencerId": checks.id_of("inf"),
}
# Assumption: the page shows four fields; the route's other ones and the per-format routes' are taken as well.
HOOK_FORM = checks.Shape(
    {**_shared, **_hook_fields, "format": checks.text(1), "references": checks.Shape({"mediaIds": _texts})},
    ("format",),
)
_account: dict[str, checks.Rule] = {"socialAccountId": checks.text(1), "influencerId": checks.id_of("inf")}
_remix = checks.Shape({**_account, "tiktokVideoId": checks.text(1)}, ("tiktokVideoId",))
FORMAT_ROUTES: dict[str, checks.Shape] = {
    "slideshow-builder": checks.Shape({**_account, "hook": _hook}, ("hook",)),
    "ugc-remix": checks.Shape({**_account, "hook": _hook, "mediaId": checks.text(1)}),
    "video-remix": _remix,
    "slideshow-remix": _remix,
}


def generate(call: Call) -> Answer:
    """Answer ``POST /v1/projects/{project}/content`` in whichever of its two forms the body is."""
    if _is_hook_form(call.body):
        return _generate_from_hook(call)
    return _generate_from_brief(call)


def generate_format(call: Call) -> Answer:
    """Answer ``POST /v1/projects/{project}/content/{format}``; it always makes one container."""
    name = call.params["format"]
    if name not in FORMAT_ROUTES:
        raise not_found(f"There is no format {name}; there are {', '.join(FORMAT_ROUTES)}.")
    body = call.read_body(FORMAT_ROUTES[name])
    project = call.world.project(call.params["project"])
    if name != "slideshow-builder" and not body.keys() & {"socialAccountId", "influencerId"}:
        raise call.refuse("socialAccountId", "one of socialAccountId and influencerId is required")
    return _start(call, project, name, body)


def require_layer(project: Project, asked: str | None, details: dict[str, Any]) -> None:
    """Refuse unless the content layer is clear: the one that was *asked* for, or the only one."""
    if asked is not None:
        if bare_uuid(asked, "lyr") not in project.layers:
            raise not_found("Content layer not found in this project.")
    elif not project.layers:
        raise conflict("Project has no active content layers.", layerCount=0)
    elif len(project.layers) > 1:
        raise conflict("Multiple content layers on this project. Pass projectLayerId.", **details)


def moderate(call: Call, value: Any) -> None:
    """Refuse a *value* with a text in it that moderation blocks."""
    said = fingerprint_of(value).lower()
    for word in call.world.settings.blocked_words:
        if word.lower() in said:
            # Assumption: the pages do not give this code's status.
            raise Refusal(422, "MODERATION_BLOCKED", "The brief failed the safety check.")


def _is_hook_form(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    name = body.get("format")
    references = body.get("references")
    return (
        not body.keys().isdisjoint(HOOK_ONLY)
        or (isinstance(references, dict) and "mediaIds" in references)
        or ("format" in body and name not in BRIEF_FORMATS and "brief" not in body)
    )


def _generate_from_hook(call: Call) -> Answer:
    body = call.read_body(HOOK_FORM)
    name = body["format"]
    if name not in HOOK_FORMATS:
        hint = " It is reserved (v2)." if name in FORMAT_ROUTES else ""
        raise Refusal(
            422,
            "UNSUPPORTED_FORMAT",
            f"Format {name} is not available here; use {' or '.join(HOOK_FORMATS)}.{hint}",
        )
    if name == "slideshow-builder" and "hook" not in body:
        raise call.refuse("hook", "is required")
    return _start(call, call.world.project(call.params["project"]), name, body)


def _generate_from_brief(call: Call) -> Answer:
    body = call.read_body(BRIEF_FORM)
    project = call.world.project(call.params["project"])
    uuid = bare_uuid(body["id"], "cnt") if "id" in body else None
    if uuid is not None and uuid in call.world.containers:
        return replay(call, uuid)
    # The page's own sample answers `auto` with video_remix.
    name = body.get("format", "auto").replace("auto", "video_remix")
    answer = _start(call, project, name, body, uuid)
    if uuid is not None:
        call.world.clones[uuid] = (fingerprint_of(call.body), answer.body)
    return answer


def replay(call: Call, uuid: str) -> Answer:
    """Answer a request whose container already exists: as before, if the body is as before."""
    kept = call.world.clones.get(uuid)
    if kept is None or kept[0] != fingerprint_of(call.body):
        raise conflict("Container id already exists with another request.", containerId=f"cnt_{uuid}")
    return Answer(202, kept[1])


def _start(call: Call, project: Project, name: str, body: dict[str, Any], uuid: str | None = None) -> Answer:
    require_layer(
        project, body.get("projectLayerId"), {"candidates": [f"lyr_{uuid}" for uuid in project.layers]}
    )
    brief = {**body.get("brief", {}), **_brief_of(body)}
    _require_members(call, project, brief.get("influencerId"), body.get("socialAccountId"))
    _require_format(call, name)
    moderate(call, brief)
    count = body.get("variantCount", 1)
    cost = cost_of(name) * count
    jobs.admit(call, cost, body.get("budget", {}).get("maxCredits"))
    made = [
        containers.create(call.world, project, name, uuid if first else None)
        for first in [True] + [False] * (count - 1)
    ]
    for container in made:
        container.brief, container.fields = dict(brief), body
    job = jobs.start(call, "content_generate", made, cost)
    return jobs.accepted(job, containerIds=[container.id for container in made], format=name)


def _brief_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("hook", "influencerId", "targetPlatforms") if name in body}


def _require_members(call: Call, project: Project, influencer: str | None, account: str | None) -> None:
    if influencer is not None and bare_uuid(influencer, "inf") not in project.influencers:
        raise not_found("Influencer not found in this project.")
    known = call.world.accounts.get(account) if account is not None else None
    if account is not None and (known is None or known.project != project.uuid):
        raise not_found("Social account not found in this project.")


def _require_format(call: Call, name: str) -> None:
    needs = {"slideshow-builder": ("app_name", "app_description"), "ugc-remix": ("app_demo",)}
    for need in needs.get(name, ()):
        if need in call.world.settings.missing:
            raise Refusal(
                422, f"MISSING_{need.upper()}", f"{name} needs the project's {need.replace('_', ' ')}."
            )
