"""What a person fills in beside the answer to a review."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import Param

OPTIONAL = ["null", "string"]


def form(*, take: int, regenerates: bool) -> dict[str, Any]:
    """
    Give the fields, as Airflow's forms want them.

    :param take: number of what is asked about
    :param regenerates: whether a new take can be asked for
    """
    from airflow_provider_layers.api.review import LONGEST_TEXT

    reason = Param(
        None,
        type=OPTIONAL,
        maxLength=LONGEST_TEXT,
        title="Reason",
        description="Why you reject it. With Approve, a note that Layers keeps.",
    )
    number = Param(
        take,
        type="integer",
        minimum=1,
        title="Take",
        description="The take that you see above the pictures. An answer counts for the take that it names.",
    )
    return {"reason": reason, **(_changes() if regenerates else {}), "take": number}


def _changes() -> dict[str, Any]:
    return {
        "topic": _line("Topic", "the subject"),
        "angle": _line("Angle", "the point of view"),
        "cta": _line("Call to action", "the closing line"),
        "value_propositions": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Value propositions",
            description="With Regenerate: the benefits to name, one a line. Empty keeps what there is.",
        ),
        "preserve_assets": Param(
            False,
            type="boolean",
            title="Keep the media",
            description="With Regenerate: make only a new caption.",
        ),
    }


def _line(title: str, what: str) -> Any:
    words = f"With Regenerate: change {what}. Empty keeps what there is."
    return Param(None, type=OPTIONAL, title=title, description=words)


def is_answer(event: Any) -> bool:
    """
    Say whether an event is of the form: on SQLite Airflow may deliver one that is for another task.

    :param event: what a task was resumed with
    """
    return isinstance(event, dict) and bool(event.get("chosen_options") or "error_type" in event)


def users(given: Any) -> list[dict[str, str]] | None:
    """
    Give users in Airflow's own form.

    :param given: ids, or ``{"id", "name"}``, one or several; ``None`` for everybody
    """
    if not given:
        return None
    several = [given] if isinstance(given, (str, dict)) else list(given)
    return [{"id": one, "name": one} if isinstance(one, str) else one for one in several]
