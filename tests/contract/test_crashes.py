"""The process dies between any two steps and the task is retried: it was sent once, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)
from tests.contract.bystander import post_ids_of


class DeathError(BaseException):
    """As SIGKILL: no ``except Exception`` of ours or of Airflow's catches it."""


class Process:
    """
    Runs tries of one task, and dies at a step.

    :param run: runs one try
    """

    def __init__(self, run: Callable[..., Any]) -> None:
        self._run = run
        self._is_fatal: Callable[[str], bool] = lambda _: False
        self._tries = 0

    def step(self, name: str) -> None:
        if self._is_fatal(name):
            raise DeathError(name)

    def die(self, operator: Any, fatal: str | Callable[[str], bool]) -> str:
        """Run a try that dies at a step, and return the name of that step."""
        is_fatal = fatal if callable(fatal) else fatal.__eq__
        with pytest.raises(DeathError) as death:
            self.survive(operator, is_fatal)
        return str(death.value)

    def survive(self, operator: Any, is_fatal: Callable[[str], bool] = lambda _: False) -> Any:
        """Run a try to its end."""
        self._is_fatal = is_fatal
        self._tries += 1
        return self._run(operator, on_push=self._push, try_number=self._tries)

    def die_at_every_step(self, operator: Any) -> tuple[Any, list[str]]:
        """Run tries that each die at the first new step; return the result of the last, and the steps."""
        seen: list[str] = []

        def is_new(name: str) -> bool:
            new = name not in seen
            seen.append(name)
            return new

        while True:
            with suppress(DeathError):
                return self.survive(operator, is_new), seen

    def _push(self, key: str) -> None:
        self.step(f"before {key} is pushed")


@pytest.fixture
def process(airflow: Any, api: Any, clock: Any, wire: Any) -> Process:
    """A process that dies at steps that the world outside can see, wherever they are taken."""
    api.configure(job_seconds=5)
    process = Process(airflow.run)

    def post_step(name: str, request: Any) -> None:
        if request.method == "POST":
            process.step(name)

    def stored(when: str, value: Any) -> None:
        process.step(f"{when} the {'response' if value['response'] else 'request'} is stored")

    wire.on_request = lambda request: post_step("before the request is sent", request)
    wire.on_response = lambda request, _: post_step("before the response is read", request)
    airflow.store().on_write = stored
    clock.on_sleep = lambda: process.step("during the wait")
    return process


ALWAYS = ["before the request is sent", "before the response is read", "before content_url is pushed"]
OF_STORE = [
    f"{when} the {what} is stored" for what in ("request", "response") for when in ("before", "after")
]
OF_JOBS = [
    *(f"before {key} is pushed" for key in ("job_id", "container_ids", "job_url", "job")),
    "during the wait",
]


def after(count: int, step: str) -> Callable[[str], bool]:
    """Make a step fatal once it was passed so many times."""
    passed = iter(range(count))
    return lambda name: name == step and next(passed, None) is None


def steps(*names: str) -> Any:
    """Each step with a store and without; those of the store where there is one."""
    cases = [("store", name) for name in (*OF_STORE, *names)] + [("no store", name) for name in names]
    return pytest.mark.parametrize(("memory", "step"), cases, indirect=["memory"])


@pytest.mark.parametrize("kind", ["generate"], indirect=True)
@steps(*ALWAYS, *OF_JOBS)
def test_a_retry_after_a_death_ends_up_with_the_one_job(
    memory: str, step: str, process: Process, starter: Any, jobs: Any
) -> None:
    assert process.die(starter(wait_for_completion=True), step) == step
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
    assert set(seen) >= {*ALWAYS, *OF_JOBS, *(OF_STORE if memory == "store" else [])}
    assert [job.container_ids for job in jobs()] == [result.value]


@pytest.fixture
def approved(airflow: Any, made: Any) -> list[str]:
    containers = [made(), made()]
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=containers))
    return containers


@pytest.fixture(params=["schedule", "publish"])
def send(request: Any, api: Any, approved: list[str]) -> Any:
    """Return the operator that publishes two containers on two accounts each."""
    targets = [{"social_account_id": account, "mode": "publish"} for account in api.social_account_ids]

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


def posts_in(result: Any) -> list[str]:
    """Return the posts that a result names, in order."""
    assert result.error is None
    return sorted(post for container in result.value for post in container["scheduled_post_ids"])


@steps(*ALWAYS)
def test_a_retry_after_a_death_ends_up_with_one_set_of_posts(
    memory: str, step: str, send: Any, process: Process, api: Any
) -> None:
    assert process.die(send(), step) == step
    result = process.survive(send())
    assert posts_in(result) == sorted(post_ids_of(api))
    assert len(posts_in(result)) == 4


def test_a_task_that_dies_at_every_step_in_turn_makes_one_set_of_posts(
    memory: str, send: Any, process: Process, api: Any
) -> None:
    result, seen = process.die_at_every_step(send())
    assert set(seen) >= {*ALWAYS, *(OF_STORE if memory == "store" else [])}
    assert posts_in(result) == sorted(post_ids_of(api))
    assert len(posts_in(result)) == 4


@pytest.mark.parametrize("memory", ["store"], indirect=True)
def test_a_retry_sends_only_requests_without_a_response(
    memory: str, send: Any, process: Process, approved: list[str], posted: Any
) -> None:
    posted()
    process.die(send(), after(1, "before the request is sent"))
    process.survive(send())
    assert [request.path.split("/")[3] for request in posted()] == approved


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    "step", ["before the response is read", "before job_id is pushed", "before job_url is pushed"]
)
def test_a_death_while_starting_the_job_after_a_failed_one_costs_no_third(
    step: str, process: Process, starter: Any, jobs: Any, api: Any
) -> None:
    api.outcome("failed")
    assert process.survive(starter(wait_for_completion=True)).error is not None
    process.die(starter(wait_for_completion=True), lambda name: name == step and len(jobs()) == 2)
    result = process.survive(starter(wait_for_completion=True))
    assert [job.status for job in jobs()] == ["failed", "completed"]
    assert result.value == jobs()[1].container_ids
