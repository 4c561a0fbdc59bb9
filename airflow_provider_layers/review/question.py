"""Asking a person about content, and reading the answer: ``concepts/approval``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.markdown import escaped, grid, link, picture, plain, quoted, table

if TYPE_CHECKING:
    from airflow_provider_layers.api.exhibit import Exhibit

APPROVE, REJECT, REGENERATE = "Approve", "Reject", "Regenerate"

LONGEST_TEXT = 1024
"""Most letters of a note or a reason (``reference/approval/reject-content``)."""

LONGEST_SUBJECT = 80

COLUMNS, SLOTS = 5, 10
"""Pictures that a question has room for, at least: a later take may have more than the first."""

BRIEF = ("topic", "angle", "cta", "value_propositions")
"""What a new take may change (``reference/content/regenerate``)."""


@dataclass(frozen=True)
class Answer:
    """
    What was answered, and to what.

    :param option: ``Approve``, ``Reject`` or ``Regenerate``
    :param shown: fingerprint of what was shown, by container id
    :param user: name of who answered; ``None`` where nobody did in time
    :param at: when, ISO 8601
    :param text: the reason or the note that was given
    :param brief: what a new take is to change
    :param preserve_assets: whether a new take keeps the media
    :param take: the take that it names; ``None`` where it names none
    """

    option: str
    shown: Mapping[str, str]
    take: int | None = None
    user: str | None = None
    at: str | None = None
    text: str | None = None
    brief: Mapping[str, Any] = field(default_factory=dict)
    preserve_assets: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self)

    def names(self, take: int) -> bool:
        """
        Say whether it is for a take. One that names none is for the first, and nobody's is for any.

        :param take: number of what is asked about
        """
        return self.user is None or (self.take or 1) == take

    @property
    def who(self) -> str:
        """Who answered, in words."""
        return plain(self.user) if self.user else "nobody (the time was over)"

    @property
    def reason(self) -> str:
        """The reason of a rejection, which the API asks for."""
        return ((self.text or "").strip() or f"Rejected in Airflow by {self.who}.")[:LONGEST_TEXT]

    @property
    def note(self) -> str:
        """The note of an approval: who, and what they said."""
        return f"Approved in Airflow by {self.who}. {self.text or ''}".strip()[:LONGEST_TEXT]


def read_answer(event: Mapping[str, Any], shown: Mapping[str, str]) -> Answer:
    """
    Read what Airflow resumes a task with. Its REST API does not check the form, so nothing is taken for sure.

    :param event: ``chosen_options``, ``params_input``, ``responded_by_user``, ``responded_at``
    :param shown: fingerprint of what was shown, by container id
    """
    given = event.get("params_input")
    form = given if isinstance(given, Mapping) else {}
    user = event.get("responded_by_user")
    at = event.get("responded_at")
    return Answer(
        option=str(event["chosen_options"][0]),
        shown=dict(shown),
        take=form["take"] if isinstance(form.get("take"), int) else None,
        user=str(user.get("name") or user.get("id")) if isinstance(user, Mapping) else None,
        at=str(at.isoformat() if hasattr(at, "isoformat") else at) if at else None,
        text=_line(form.get("reason")),
        brief={name: value for name in BRIEF if (value := _brief_value(name, form.get(name)))},
        preserve_assets=form.get("preserve_assets") is True,
    )


def subject_of(exhibits: Sequence[Exhibit]) -> str:
    """
    Write the headline of a question.

    :param exhibits: what it is about
    """
    first = exhibits[0]
    about = plain(first.hook or "") or first.container_id
    about = f"{len(exhibits)} containers" if len(exhibits) > 1 else about
    headline = f"Review: {about}"
    return headline if len(headline) <= LONGEST_SUBJECT else f"{headline[: LONGEST_SUBJECT - 1].rstrip()}…"


def body_of(
    exhibits: Sequence[Exhibit],
    *,
    take: int,
    live: Callable[[str], str],
    costs: Mapping[str, int],
    given: str | None = None,
) -> str:
    """
    Write a question as Markdown.

    Airflow keeps the first words of a task's question for good, also when the task asks again about something
    else. So the pictures and the card above them are addresses that show what is asked about now, and the
    words say which take they are about.

    :param exhibits: what it is about
    :param take: its number
    :param live: gives the address of a part that is always up to date: ``card``, ``media``, or the number of
        a picture
    :param costs: credits of a take by format, as the API estimates them
    :param given: the author's own Markdown, which goes first
    """
    slots = range(1, max(SLOTS, sum(len(one.pictures) for one in exhibits)) + 1)
    parts = [
        given or "",
        picture("The take that is asked about", live("card")),
        grid([picture(f"Picture {number}", live(str(number))) for number in slots], COLUMNS),
        link("Open the video, or the first picture", live("media")),
        "*After a new take, reload this page: it goes on showing the one before.*",
        f"### Take {take} in words",
    ]
    for number, one in enumerate(exhibits, start=1):
        parts.append(f"#### {number} of {len(exhibits)}" if len(exhibits) > 1 else "")
        parts += _words(one, costs)
    return "\n\n".join(filter(None, parts))


def _words(one: Exhibit, costs: Mapping[str, int]) -> Iterator[str]:
    if one.hook:
        yield f"**Hook**\n\n{quoted(one.hook)}"
    for caption in one.captions:
        where = f" for {escaped(caption.platform)}" if caption.platform else ""
        yield f"**Caption{where}**\n\n{quoted(caption.text)}"
    if one.first_comment:
        yield f"**First comment**\n\n{quoted(one.first_comment)}"
    cost = costs.get((one.format or "").replace("-", "_"))
    facts = {
        "Format": one.format,
        "Influencer": one.influencer,
        "Made after": one.source,
        "Credits": None if cost is None else f"about {cost} for each take, as the API estimates",
        "Container": one.container_id,
        "Made at": one.completed_at,
    }
    yield table((name, text) for name, text in facts.items() if text)


def _line(given: Any) -> str | None:
    return given if isinstance(given, str) and given.strip() else None


def _brief_value(name: str, given: Any) -> Any:
    if name != "value_propositions":
        return _line(given)
    lines = given.splitlines() if isinstance(given, str) else given
    return [line for line in lines if _line(line)] if isinstance(lines, list) else None
