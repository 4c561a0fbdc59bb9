"""People who mark and clear tasks while everything else goes wrong."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from dev.airflow_client import AirflowError
from dev.chaos.actions import CLEAR, MARK_FAILED, MARK_SUCCESS, Deed
from dev.chaos.metadata_db import Place

if TYPE_CHECKING:
    import random

    from dev.chaos.actions import Record
    from dev.chaos.metadata_db import Books, Instance
    from dev.rest import AirflowRest

WEIGHTS = {CLEAR: 5, MARK_FAILED: 3, MARK_SUCCESS: 2}
# A post that was canceled cannot be moved: whoever clears these again gets an error, and rightly so.
LEFT_ALONE = frozenset({"reschedule", "cancel_post"})
WAITING_SHARE = 0.75
COSTLY_SHARE = 0.75
STARTS_JOBS = ("generate", "clone", "regenerate")


class Persons:
    """Marks and clears tasks through Airflow's REST API, and writes it down.

    :param rest: Airflow's REST API
    :param books: to choose from
    :param chance: draws whom and what
    :param record: where it is written down
    """

    def __init__(self, rest: AirflowRest, books: Books, chance: random.Random, record: Record) -> None:
        self._rest = rest
        self._books = books
        self._chance = chance
        self._record = record

    def act(self) -> None:
        """Do something to some task instance."""
        waiting = self._chance.random() < WAITING_SHARE
        candidates = self._candidates(("running", "deferred") if waiting else ("success",))
        if not candidates:
            return
        # People look at what costs money first.
        costly = [one for one in candidates if one.place.task_id.startswith(STARTS_JOBS)]
        if costly and self._chance.random() < COSTLY_SHARE:
            candidates = costly
        chosen = self._chance.choice(candidates)
        actions = WEIGHTS if waiting else {CLEAR: 1}
        action = self._chance.choices([*actions], [*actions.values()])[0]
        self._record.acts += 1
        if action == CLEAR:
            self._clear(chosen)
        else:
            self._mark(chosen, action)

    def _candidates(self, states: tuple[str, ...]) -> list[Instance]:
        active = set(self._books.rows("SELECT dag_id, run_id FROM dag_run WHERE state = 'running'"))
        return [
            one
            for one in self._books.instances(*states)
            if one.place[:2] in active and one.place.task_id not in LEFT_ALONE
        ]

    def _mark(self, chosen: Instance, action: str) -> None:
        place = chosen.place
        path = f"{_run(place)}/taskInstances/{place.task_id}"
        if place.map_index >= 0:
            path += f"/{place.map_index}"
        at = time.time()
        answer = self._ask("PATCH", path, json={"new_state": action.rpartition(" ")[2]})
        self._record.deeds.append(Deed(at, action, place, chosen.state, certain=answer is not None))

    def _clear(self, chosen: Instance) -> None:
        place = chosen.place
        task: Any = place.task_id if place.map_index < 0 else [place.task_id, place.map_index]
        body = {
            "dry_run": True,
            "dag_run_id": place.run_id,
            "task_ids": [task],
            "only_failed": False,
            "include_downstream": True,
            "reset_dag_runs": True,
        }
        path = f"/dags/{place.dag_id}/clearTaskInstances"
        plan = self._ask("POST", path, json=body)
        before = {one.place: one.state for one in self._books.instances()}
        at = time.time()
        answer = plan and self._ask("POST", path, json={**body, "dry_run": False})
        for row in (answer or plan or {}).get("task_instances", []):
            cleared = Place(place.dag_id, place.run_id, row["task_id"], row["map_index"])
            self._record.deeds.append(
                Deed(at, CLEAR, cleared, before.get(cleared), certain=answer is not None)
            )

    def _ask(self, method: str, path: str, **kwargs: Any) -> Any:
        try:
            return self._rest.request(method, path, **kwargs)
        except (AirflowError, httpx.HTTPError) as error:
            self._record.note("a person's request failed", error)
            return None


def _run(place: Place) -> str:
    return f"/dags/{place.dag_id}/dagRuns/{quote(place.run_id, safe='')}"
