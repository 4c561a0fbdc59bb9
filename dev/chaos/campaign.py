"""The course of one chaos run: the adversary at work, then quiet until everything has ended."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import httpx

from dev.airflow_client import AirflowError, wait_for_dag
from dev.chaos.actions import Record
from dev.chaos.faults import install, prepare_outcomes, waiting
from dev.chaos.kills import Killer
from dev.chaos.metadata_db import Books
from dev.chaos.persons import Persons
from dev.chaos.scene import DAG_IDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.chaos.plan import Plan
    from dev.chaos.scene import Scene

LONGEST = 1.6
# On a slow machine more time must not mean more kills, or nothing gets done any more.
MOST_KILLS = 1.4
STUCK_SECONDS = 45.0
PICTURE = "SELECT state, SUM(try_number), COUNT(*) FROM task_instance GROUP BY state"


class Campaign:
    """One run of the adversary.

    :param scene: what it works on
    :param plan: the numbers
    :param say: told about the progress
    :param trap: where redirects lead
    :param dag_ids: the pipelines
    """

    def __init__(
        self,
        scene: Scene,
        plan: Plan,
        say: Callable[[str], None],
        trap: str,
        dag_ids: tuple[str, ...] = DAG_IDS,
    ) -> None:
        self.scene, self.plan, self.say, self.trap, self.dag_ids = scene, plan, say, trap, dag_ids
        self.books = Books(scene.airflow.home)
        self.record = Record()
        # One stream for each, so that how long one takes does not change what the others draw.
        names = ("faults", "kills", "people")
        self._chance = {name: random.Random(f"{plan.seed} {name}") for name in names}
        self.killer = Killer(scene.airflow, self.books, self._chance["kills"])
        self._persons = Persons(scene.rest, self.books, self._chance["people"], self.record)
        self._started = 0

    def run(self) -> None:
        """Let the adversary do its work, then let everything come to its end."""
        control = self.scene.emulator.control
        for dag_id in self.dag_ids:
            wait_for_dag(self.scene.rest, dag_id)
        prepare_outcomes(control, self.plan.instances)
        install(control, self._chance["faults"], self.plan.rate, self.trap)
        self._disturb()
        control.clear_faults()
        control.clear_outcomes()
        self._drain()

    def _disturb(self) -> None:
        plan, begin = self.plan, time.monotonic()
        next_kill = begin + plan.kill_every
        next_deed = begin + plan.deed_every
        next_word = begin + 30.0
        while not self._enough(time.monotonic() - begin):
            self._keep_going()
            now = time.monotonic()
            if now >= next_kill and len(self.record.kills) < MOST_KILLS * plan.kills:
                self._strike()
                next_kill += plan.kill_every * self._chance["kills"].uniform(0.4, 1.6)
            if now >= next_deed:
                self._persons.act()
                next_deed += plan.deed_every * self._chance["people"].uniform(0.4, 1.6)
            if now >= next_word:
                self.say(self._summary(now - begin))
                next_word += 30.0
            time.sleep(0.4)

    def _enough(self, seconds: float) -> bool:
        if seconds < self.plan.seconds or seconds >= self.plan.seconds * LONGEST:
            return seconds >= self.plan.seconds
        reached = self._count() >= self.plan.instances and len(self.record.kills) >= self.plan.kills
        # Other providers do not ask at all of the routes.
        demanding = self.plan.strict and self.dag_ids == DAG_IDS
        return reached and not (demanding and waiting(self.scene.emulator.control))

    def _strike(self) -> None:
        for _ in range(5):
            kill = self.killer.strike()
            if kill is not None:
                self.record.kills.append(kill)
                return

    def _keep_going(self) -> None:
        for name in self.killer.revive():
            self.record.note(f"the {name} had ended by itself and was started again")
        runs = self.books.runs()
        if runs.get("running", 0) + runs.get("queued", 0) >= self.plan.active_runs:
            return
        try:
            self.scene.rest.trigger(self.dag_ids[self._started % len(self.dag_ids)], {})
            self._started += 1
        except (AirflowError, httpx.HTTPError) as error:
            self.record.note("a run could not be started", error)

    def _drain(self) -> None:
        deadline = time.monotonic() + self.plan.drain_seconds
        seen, since, next_word = "", time.monotonic(), 0.0
        while self._active() and time.monotonic() < deadline:
            now = time.monotonic()
            for name in self.killer.revive():
                self.record.note(f"the {name} had ended by itself and was started again")
            states = str(self.books.rows(PICTURE))
            if states != seen:
                seen, since = states, now
            elif now - since > STUCK_SECONDS:
                self.record.note("nothing moved any more; the scheduler was started anew")
                self.killer.restart("scheduler", whole_family=True)
                since = now
            if now >= next_word:
                self.say(f"waiting for {self._active()} runs to end")
                next_word = now + 30.0
            time.sleep(0.5)

    def _active(self) -> int:
        runs = self.books.runs()
        return runs.get("running", 0) + runs.get("queued", 0)

    def _count(self) -> int:
        return int(self.books.rows("SELECT COUNT(*) FROM task_instance")[0][0])

    def _summary(self, seconds: float) -> str:
        return (
            f"{seconds:4.0f} s: {self._started} runs, {self._count()} task instances, "
            f"{len(self.record.kills)} kills, {self.record.acts} marks and clears"
        )
