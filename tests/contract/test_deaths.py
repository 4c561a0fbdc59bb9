"""The process dies between any two steps and the task is retried: it was sent once, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_layers import client
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)
from tests.contract.asking import post_ids_of


class DeathError(BaseException):
    """As SIGKILL: no ``except Exception`` of ours or of Airflow's sees it."""


class Process:
    """
    Runs tries of one task, and dies at a step.

    :param run: runs one try
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run
        self._fatal: Callable[[str], bool] = lambda _: False
        self._tries = 0

    def step(self, name: str) -> None:
        if self._fatal(name):
            raise DeathError(name)

    def die(self, operator: Any, fatal: str | Callable[[str], bool]) -> str:
        """Run a try that dies at a step, and give the name of that step."""
        is_fatal = fatal if callable(fatal) else fatal.__eq__
        with pytest.raises(DeathError) as death:
            self.survive(operator, is_fatal)
        return str(death.value)

    def survive(self, operator: Any, fatal: Callable[[str], bool] = lambda _: False) -> Any:
        """Run a try to its end."""
        self._fatal = fatal
        self._tries += 1
        return self._run(operator, on_push=self._push, try_number=self._tries)

    def die_at_every_step(self, operator: Any) -> tuple[Any, list[str]]:
        """Run tries that each die at the first step that none died at before, and give the one that lives."""
        seen: list[str] = []

        def new(name: str) -> bool:
            fresh = name not in seen
            seen.append(name)
            return fresh

        while True:
            with suppress(DeathError):
                return self.survive(operator, new), seen

    def _push(self, key: str) -> None:
        self.step(f"before {key} is told")


@pytest.fixture
def process(airflow: Any, api: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Process:
    """A process that counts every step of ours that the world outside can see, wherever the step is taken."""
    api.configure(job_seconds=5)
    process = Process(airflow.run)
    request, answer = client._request, client._answer

    def sending(endpoint: Any) -> Any:
        if endpoint.method == "POST":
            process.step("before the request is sent")
        return request(endpoint)

    def answered(response: Any) -> Any:
        if response.request.method == "POST":
            process.step("before the answer is read")
        return answer(response)

    def stored(when: str, record: Any) -> None:
        process.step(f"{when} the {'answer' if record['answer'] else 'intent'} is stored")

    monkeypatch.setattr(client, "_request", sending)
    monkeypatch.setattr(client, "_answer", answered)
    airflow.store().on_write = stored
    clock.on_sleep = lambda: process.step("during the wait")
    return process


ANY = ["before the request is sent", "before the answer is read", "before content_url is told"]
OF_STORE = [f"{when} the {what} is stored" for what in ("intent", "answer") for when in ("before", "after")]
OF_JOBS = [
    *(f"before {key} is told" for key in ("job_id", "container_ids", "job_url", "job")),
    "during the wait",
]


def after(count: int, seam: str) -> Callable[[str], bool]:
    """Tell a step as fatal once it was passed so many times."""
    passed = iter(range(count))
    return lambda name: name == seam and next(passed, None) is None


def seams(*names: str) -> Any:
    """Each seam in both forms; those of the store where there is one."""
    cases = [("store", one) for one in (*OF_STORE, *names)] + [("no store", one) for one in names]
    return pytest.mark.parametrize(("memory", "seam"), cases, indirect=["memory"])


@seams(*ANY, *OF_JOBS)
def test_a_retry_after_a_death_ends_up_with_the_one_job(
    memory: str, seam: str, process: Process, starter: Any, jobs: Any
) -> None:
    assert process.die(starter(wait_for_completion=True), seam) == seam
    result = process.survive(starter(wait_for_completion=True))
    assert result.error is None
    (job,) = jobs()
    assert result.value == job.container_ids
    assert (result.xcoms["job_id"], result.xcoms["job"]["status"]) == (job.job_id, "completed")
    assert not job.cancel_requested


@pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "triggerer"])
def test_a_task_that_dies_at_every_step_in_turn_starts_one_job(
    deferrable: bool, memory: str, process: Process, starter: Any, jobs: Any
) -> None:
    operator = starter(wait_for_completion=True, deferrable=deferrable, retries=99)
    result, seen = process.die_at_every_step(operator)
    assert set(seen) >= {*ANY, *OF_JOBS, *(OF_STORE if memory == "store" else [])}
    assert [job.container_ids for job in jobs()] == [result.value]


@pytest.fixture
def approved(airflow: Any, made: Any) -> list[str]:
    containers = [made(), made()]
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=containers))
    return containers


@pytest.fixture(params=["schedule", "publish"])
def send(request: Any, api: Any, approved: list[str]) -> Any:
    """Make an operator that puts two containers out on two accounts each."""
    targets = [{"social_account_id": one, "mode": "publish"} for one in api.social_account_ids]

    def make(**arguments: Any) -> Any:
        arguments = {
            "task_id": "make",
            "retries": 99,
            "container_id": approved,
            "targets": targets,
            **arguments,
        }
        if request.param == "publish":
            return LayersPublishContentOperator(**arguments)
        return LayersScheduleContentOperator(scheduled_for="2040-07-01T09:00:00Z", **arguments)

    return make


def told(result: Any) -> list[str]:
    """The posts that a result tells, in order."""
    assert result.error is None
    return sorted(post for one in result.value for post in one["scheduled_post_ids"])


@seams(*ANY)
def test_a_retry_after_a_death_ends_up_with_one_set_of_posts(
    memory: str, seam: str, send: Any, process: Process, api: Any
) -> None:
    assert process.die(send(), seam) == seam
    result = process.survive(send())
    assert told(result) == sorted(post_ids_of(api))
    assert len(told(result)) == 4


def test_a_task_that_dies_at_every_step_in_turn_makes_one_set_of_posts(
    memory: str, send: Any, process: Process, api: Any
) -> None:
    result, seen = process.die_at_every_step(send())
    assert set(seen) >= {*ANY, *(OF_STORE if memory == "store" else [])}
    assert told(result) == sorted(post_ids_of(api))
    assert len(told(result)) == 4


@pytest.mark.parametrize("memory", ["store"], indirect=True)
def test_a_retry_sends_only_what_was_not_answered(
    memory: str, send: Any, process: Process, approved: list[str], posted: Any
) -> None:
    posted()
    process.die(send(), after(1, "before the request is sent"))
    process.survive(send())
    assert [one.path.split("/")[3] for one in posted()] == approved


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    "seam", ["before the answer is read", "before job_id is told", "before job_url is told"]
)
def test_a_death_while_starting_the_job_after_a_failed_one_costs_no_third(
    seam: str, process: Process, starter: Any, jobs: Any, api: Any
) -> None:
    api.outcome("failed")
    assert process.survive(starter(wait_for_completion=True)).error is not None
    process.die(starter(wait_for_completion=True), lambda name: name == seam and len(jobs()) == 2)
    result = process.survive(starter(wait_for_completion=True))
    assert [job.status for job in jobs()] == ["failed", "completed"]
    assert result.value == jobs()[1].container_ids
