"""The question a reviewer is asked, the form beside it, and the answer (``concepts/approval``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Param

from airflow_provider_layers.api.content import APPROVED, NOT_REQUIRED
from airflow_provider_layers.review.markdown import escape, grid, image, link, plain_line, quote, table

if TYPE_CHECKING:
    from airflow_provider_layers.review.preview import ContentPreview

APPROVE, REJECT, REGENERATE = "Approve", "Reject", "Regenerate"

MAX_TEXT_LENGTH = 1024
"""Characters of a note or a reason (``reference/approval/reject-content``)."""

MAX_SUBJECT_LENGTH = 80

APPROVAL_NOTES = {
    NOT_REQUIRED: "not required in Layers. A rejection stops only this DAG run",
    APPROVED: "already approved in Layers. A rejection stops only this DAG run",
}
"""What a reviewer should know about content that is not pending."""

GRID_COLUMNS = 5
MIN_PICTURE_SLOTS = 10
"""The body is rendered once for all versions, so it leaves room for versions with more pictures."""

BRIEF_FIELDS = ("topic", "angle", "cta", "value_propositions")
"""What a reviewer may change in a new version (``reference/content/regenerate``)."""


def render_subject(previews: Sequence[ContentPreview]) -> str:
    """Return the headline of a question about one or more containers."""
    if len(previews) > 1:
        subject = f"Review: {len(previews)} containers"
    else:
        subject = f"Review: {plain_line(previews[0].hook or '') or previews[0].container_id}"
    if len(subject) <= MAX_SUBJECT_LENGTH:
        return subject
    return f"{subject[: MAX_SUBJECT_LENGTH - 1].rstrip()}…"


def render_body(
    previews: Sequence[ContentPreview],
    *,
    version: int,
    live_url: Callable[[str], str],
    costs: Mapping[str, int],
    intro: str | None = None,
) -> str:
    """
    Return a question as Markdown.

    Airflow keeps the first body of a task instance, also when the task asks again. Therefore the card and the
    pictures are URLs that always show the current version, and the texts name the version they belong to.

    :param previews: the containers that are asked about
    :param version: the version they have now
    :param live_url: returns the URL of a part: ``card``, ``media``, or the number of a picture
    :param costs: estimated credits of a job by format
    :param intro: the DAG author's own Markdown, placed first
    """
    slots = max(MIN_PICTURE_SLOTS, sum(len(preview.pictures) for preview in previews))
    pictures = [image(f"Picture {number}", live_url(str(number))) for number in range(1, slots + 1)]
    parts = [
        intro or "",
        image("Current version", live_url("card")),
        grid(pictures, GRID_COLUMNS),
        link("Open full size", live_url("media")),
        "*After regenerating, reload this page to see the new version.*",
        f"### Captions of version {version}",
    ]
    for number, preview in enumerate(previews, start=1):
        if len(previews) > 1:
            parts.append(f"#### {number} of {len(previews)}")
        parts += _texts(preview, costs)
    return "\n\n".join(filter(None, parts))


def _texts(preview: ContentPreview, costs: Mapping[str, int]) -> Iterator[str]:
    if preview.hook:
        yield f"**Hook**\n\n{quote(preview.hook)}"
    for caption in preview.captions:
        platform = f" for {escape(caption.platform)}" if caption.platform else ""
        yield f"**Caption{platform}**\n\n{quote(caption.text)}"
    if preview.first_comment:
        yield f"**First comment**\n\n{quote(preview.first_comment)}"
    # The names of formats have hyphens in content and underscores in prices.
    cost = costs.get((preview.format or "").replace("-", "_"))
    facts = {
        "Approval": APPROVAL_NOTES.get(preview.approval_status or ""),
        "Format": preview.format,
        "Influencer": preview.influencer,
        "Source": preview.source,
        "Credits": None if cost is None else f"about {cost} for each new version, as the API estimates",
        "Container": preview.container_id,
        "Completed at": preview.completed_at,
    }
    yield table((name, text) for name, text in facts.items() if text)


def form_fields(*, version: int, can_regenerate: bool) -> dict[str, Any]:
    """Return the form of a question about a version, in the order in which Airflow shows it."""
    reason = Param(
        None,
        type=["null", "string"],
        maxLength=MAX_TEXT_LENGTH,
        title="Reason",
        description="Why you reject it. With Approve: a note that is stored in Layers.",
    )
    number = Param(
        version,
        type="integer",
        minimum=1,
        title="Version",
        description="The version shown above the pictures. Your answer counts for this version only.",
    )
    return {"reason": reason, **(_brief_form() if can_regenerate else {}), "version": number}


def _brief_form() -> dict[str, Any]:
    return {
        "topic": _line_field("Topic", "the subject"),
        "angle": _line_field("Angle", "the point of view"),
        "cta": _line_field("Call to action", "the closing line"),
        "value_propositions": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Value propositions",
            description="With Regenerate: the benefits to name, one per line. Leave empty to keep them.",
        ),
        "preserve_assets": Param(
            False,
            type="boolean",
            title="Keep the media",
            description="With Regenerate: make only a new caption.",
        ),
    }


def _line_field(title: str, subject: str) -> Any:
    description = f"With Regenerate: change {subject}. Leave empty to keep it."
    return Param(None, type=["null", "string"], title=title, description=description)


@dataclass(frozen=True)
class ReviewAnswer:
    """
    An answer to a question, with what was shown.

    :param option: ``Approve``, ``Reject`` or ``Regenerate``
    :param shown: fingerprint of what was shown, by container id
    :param version: the version it names; ``None`` where the form had no version
    :param user: name of the reviewer; ``None`` where the response timeout chose the option
    :param at: when, ISO 8601
    :param text: the reason or the note
    :param brief: what to change in a new version
    :param preserve_assets: whether a new version keeps the media
    """

    option: str
    shown: Mapping[str, str]
    version: int | None = None
    user: str | None = None
    at: str | None = None
    text: str | None = None
    brief: Mapping[str, Any] = field(default_factory=dict)
    preserve_assets: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    def is_for(self, version: int) -> bool:
        """
        Say whether the answer counts for a version.

        Without a number it counts for the first version. A timeout counts for any, since Airflow fills in
        the form of the first version then.
        """
        return self.user is None or (self.version or 1) == version

    @property
    def reviewer(self) -> str:
        """The reviewer, for logs and notes."""
        return plain_line(self.user) if self.user else "on_timeout (no answer in time)"

    @property
    def reason(self) -> str:
        """The reason of a rejection, which the API requires."""
        return ((self.text or "").strip() or f"Rejected in Airflow by {self.reviewer}.")[:MAX_TEXT_LENGTH]

    @property
    def note(self) -> str:
        """The note of an approval: the reviewer, and what they wrote."""
        return f"Approved in Airflow by {self.reviewer}. {self.text or ''}".strip()[:MAX_TEXT_LENGTH]


def is_answer_event(event: Any) -> bool:
    """Say whether an event answers a question: on SQLite Airflow may deliver that of another task."""
    return isinstance(event, dict) and bool(event.get("chosen_options") or "error_type" in event)


def read_answer(event: Mapping[str, Any], shown: Mapping[str, str]) -> ReviewAnswer:
    """
    Read the event that Airflow resumes a task with.

    Airflow's REST API does not validate the form, so each field may have any type or be missing.

    :param event: ``chosen_options``, ``params_input``, ``responded_by_user``, ``responded_at``
    :param shown: fingerprint of what was shown, by container id
    """
    params = event.get("params_input")
    form = params if isinstance(params, Mapping) else {}
    user = event.get("responded_by_user")
    at = event.get("responded_at")
    return ReviewAnswer(
        option=str(event["chosen_options"][0]),
        shown=dict(shown),
        version=form["version"] if isinstance(form.get("version"), int) else None,
        user=str(user.get("name") or user.get("id")) if isinstance(user, Mapping) else None,
        at=str(at.isoformat() if hasattr(at, "isoformat") else at) if at else None,
        text=_text(form.get("reason")),
        brief={name: value for name in BRIEF_FIELDS if (value := _brief_value(name, form.get(name)))},
        preserve_assets=form.get("preserve_assets") is True,
    )


def _brief_value(name: str, value: Any) -> Any:
    if name != "value_propositions":
        return _text(value)
    lines = value.splitlines() if isinstance(value, str) else value
    return [line for line in lines if _text(line)] if isinstance(lines, list) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def assignees(users: Any) -> list[Any] | None:
    """
    Return users in Airflow's own form.

    :param users: an id, ``{"id", "name"}``, or a list of them; ``None`` for everybody
    """
    if not users:
        return None
    several = [users] if isinstance(users, (str, dict)) else list(users)
    return [{"id": user, "name": user} if isinstance(user, str) else user for user in several]
