"""How far a review has come, over the questions and the tries of its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.hooks.memory import RETENTION
from airflow_provider_layers.hooks.task import generation

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.review import Answer

REVIEW = "review"
"""The XCom key, which the page in the Airflow UI reads, too."""

STORED = "layers-review"
"""Under which the task state store keeps the same over all tries (Airflow 3.3+)."""

ROOM = 100
"""Takes that a try has numbers for where nothing remembers those of the try before."""


@dataclass(frozen=True)
class Standing:
    """
    How far a review has come.

    :param take: number of the content that was asked about last; another content has another number, for
        good, so that no answer is taken for one about something else
    :param shown: its fingerprint, by container id
    :param notice: what went wrong with the last answer
    :param made: how many takes were asked for since a person cleared the task last
    :param answer: one that was given and is not carried out yet
    :param making: whether the new take that the answer asks for may have been started
    """

    take: int = 0
    shown: Mapping[str, str] = field(default_factory=dict)
    notice: str | None = None
    made: int = 0
    answer: Answer | None = None
    making: bool = False


class Takes:
    """
    Where a review keeps how far it has come.

    Below Airflow 3.3, where only XCom keeps anything and loses it with the try, an answer whose task dies
    before it was carried out is asked for again.

    :param context: of the task
    """

    def __init__(self, context: Context) -> None:
        self._ti: Any = context["ti"]
        self._store: Any = context.get("task_state_store")
        self._generation = generation(context)

    def load(self) -> Standing:
        """Give how far it has come; of what was asked before a person cleared the task, only the number."""
        from airflow_provider_layers.api.review import Answer

        kept = self._kept()
        if kept is None:
            return Standing(take=ROOM * (int(self._ti.try_number) - 1))
        known = {name: kept[name] for name in ("take", "shown")}
        if kept["generation"] != self._generation:
            return Standing(**known)
        answer = Answer(**kept["answer"]) if kept["answer"] else None
        return Standing(
            **known, notice=kept["notice"], made=kept["made"], answer=answer, making=kept["making"]
        )

    def save(self, standing: Standing) -> None:
        """Keep how far it has come."""
        value = {**asdict(standing), "generation": self._generation}
        if self._store is not None:
            self._store.set(STORED, value, retention=RETENTION)
        self._ti.xcom_push(key=REVIEW, value=value)

    def _kept(self) -> dict[str, Any] | None:
        if self._store is not None:
            kept: dict[str, Any] | None = self._store.get(STORED)
            return kept
        ti = self._ti
        return ti.xcom_pull(task_ids=ti.task_id, key=REVIEW, map_indexes=ti.map_index)  # type: ignore[no-any-return]
