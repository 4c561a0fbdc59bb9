"""How far a review has come, saved between the questions and the tries of its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.review.question import ReviewAnswer
from airflow_provider_layers.task_context import RETENTION, clear_count

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

REVIEW_KEY = "review"
"""XCom key of the state. The plugin reads ``version``, ``shown`` and ``notice`` from it."""

STORE_KEY = "layers-review"
"""Key of the state in the task state store (Airflow 3.3 and later)."""

VERSIONS_PER_TRY = 100
"""
Below Airflow 3.3 nothing outlives a try, so each try starts numbering at a multiple of this.

An answer from before a retry then never names a version of the retry.
"""


@dataclass(frozen=True)
class ReviewState:
    """
    How far a review has come.

    :param version: number of what was asked about last; other content always gets another number, so that an
        answer is never taken for one about other content
    :param shown: its fingerprint, by container id
    :param notice: why the last answer was not carried out
    :param regeneration_count: how many regenerations were started since the last clear
    :param approved: fingerprint of what its reviewers approved and Layers keeps as approved, by container id;
        it also counts after a clear
    :param answer: an answer that is not carried out yet
    :param regenerating: whether the job that the answer asks for may have been started
    """

    version: int = 0
    shown: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None
    regeneration_count: int = 0
    approved: Mapping[str, str] = field(default_factory=dict)
    answer: ReviewAnswer | None = None
    regenerating: bool = False


class ReviewStateStore:
    """
    Loads and saves the state of a review: from the task state store, or below Airflow 3.3 from XCom.

    XCom does not outlive the try. If the task dies there before an answer was carried out, it asks again.
    """

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._store: Any = context.get("task_state_store")
        self._clear_count = clear_count(context)

    def load(self) -> ReviewState:
        """Return the state; after a clear, only the version, what it was for, and what is approved."""
        saved = self._saved()
        if saved is None:
            return ReviewState(version=VERSIONS_PER_TRY * (int(self._ti.try_number) - 1))
        if saved.pop("clear_count") != self._clear_count:
            kept = {name: saved[name] for name in ("version", "shown", "approved") if name in saved}
            return ReviewState(**kept)
        answer = saved.pop("answer")
        return ReviewState(**saved, answer=ReviewAnswer(**answer) if answer else None)

    def save(self, state: ReviewState) -> None:
        """Save the state."""
        value = {**asdict(state), "clear_count": self._clear_count}
        if self._store is not None:
            self._store.set(STORE_KEY, value, retention=RETENTION)
        self._ti.xcom_push(key=REVIEW_KEY, value=value)

    def _saved(self) -> dict[str, Any] | None:
        if self._store is not None:
            saved = self._store.get(STORE_KEY)
        else:
            ti = self._ti
            saved = ti.xcom_pull(task_ids=ti.task_id, key=REVIEW_KEY, map_indexes=ti.map_index)
        return dict(saved) if saved else None
