"""The process of a review dies, or a user clears or ends it: no answer is lost, nothing is paid for twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersContentUnfinishedError,
    LayersJobTimeoutError,
    LayersReplayWindowError,
)
from tests.contract.review.reviewing import ADA, AT, DeathError, Review, Reviews, in_layers
from tests.unit.tasks import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.airflow3

SENT, RESPONDED = "before the request is sent", "before the response is read"


class Process:
    """
    The process of a review, as far as the outside world can see its steps.

    :ivar steps: that it took
    :ivar is_fatal: says whether it dies at a step
    """

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.is_fatal: Callable[[str], bool] = lambda _: False

    def step(self, name: str) -> None:
        self.steps.append(name)
        if self.is_fatal(name):
            raise DeathError(name)

    def die_at(self, name: str) -> None:
        """Die at a step, once."""
        self.is_fatal = lambda step: step == name and self._survive_from_here()

    def _survive_from_here(self) -> bool:
        self.is_fatal = lambda _: False
        return True


@pytest.fixture
def process(wire: Any, reviews: Reviews) -> Process:
    process = Process()

    def step(name: str, request: Any) -> None:
        if request.method == "POST":
            process.step(name)

    wire.on_request = lambda request: step(SENT, request)
    wire.on_response = lambda request, _: step(RESPONDED, request)
    return process


def regenerating(reviews: Reviews, **arguments: Any) -> Review:
    """Return a review that is deferred until its new version is made."""
    review = reviews.ask(**arguments)
    review.triggerer_is_up = False
    assert review.answer("Regenerate", topic="Walk.").state == "deferred"
    reviews.sent()
    return review


# Deaths


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_outlives_the_process_that_was_to_carry_it_out(
    option: str, memory: str, reviews: Reviews, process: Process, posted: Any
) -> None:
    review = reviews.ask()
    process.die_at(SENT)
    assert review.answer(option, reason="As I say.").state == "killed"
    review.start_try()
    if memory == "no store":
        assert (review.state, reviews.sent()) == ("awaiting_input", []), "the answer died with the try"
        review.answer(option, reason="As I say.", version=review.version)
    (sent,) = posted()
    assert sent.path.endswith(f"/{option.lower()}")
    assert "As I say." in str(sent.body)
    assert review.state == "success"
    assert review.xcoms["decision"]["decided_by"] == "Ada"
    assert len(reviews.questions.asked) == (1 if memory == "store" else 2)


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_decision_that_was_carried_out_is_not_asked_for_again(
    option: str, memory: str, reviews: Reviews, process: Process
) -> None:
    review = reviews.ask()
    process.die_at(RESPONDED)
    assert review.answer(option).state == "killed"
    review.start_try()
    if memory == "no store" and option == "Approve":
        assert review.state == "awaiting_input", "the answer died with the try, and Layers names no person"
        review.answer(option, version=review.version)
    assert (review.state, reviews.sent()) == ("success", [option.lower()])
    assert memory == "no store" or len(reviews.questions.asked) == 1
    assert review.value == (review.container if option == "Approve" else None)
    assert review.skipped == (None if option == "Approve" else ["follow"])


@pytest.mark.parametrize("step", [SENT, RESPONDED, "deferred"])
def test_a_new_version_is_made_once(
    step: str,
    memory: str,
    reviews: Reviews,
    process: Process,
    regenerations: Any,
    posted: Any,
    api: Any,
) -> None:
    review = reviews.ask()
    review.triggerer_is_up = step != "deferred"
    process.die_at(step)
    review.answer("Regenerate", topic="Walk.")
    assert review.state == ("deferred" if step == "deferred" else "killed")
    review.triggerer_is_up = True
    review.start_try()
    if memory == "no store" and step != SENT:
        assert type(review.error) is LayersContentUnfinishedError, "which Airflow retries"
        api.advance(60)
        review.start_try()
    assert review.state == "awaiting_input"
    if memory == "store" or step != SENT:
        assert len(regenerations()) == 1
        assert "### Captions of version 1\n" not in reviews.questions.asked[-1]["body"]
        assert len({request.idempotency_key for request in posted()}) == 1
    else:
        assert regenerations() == [], "it was never sent, and the reviewer is asked again"
    assert review.answer("Approve").state == "awaiting_input", "the form as it opens is for version 1"
    assert review.answer("Approve", version=review.version).state == "success"
    assert len(regenerations()) <= 1


def test_a_review_that_dies_at_every_step_makes_one_version_and_one_decision(
    memory: str, reviews: Reviews, process: Process, regenerations: Any, airflow: Any, api: Any
) -> None:
    review = reviews.create(retries=99)
    review.on_push = lambda key: process.step(f"before {key} is pushed")
    review.on_write = lambda when, value: process.step(
        f"{when} {'the review' if 'regeneration_count' in value else 'the request'} is stored"
    )
    process.is_fatal = lambda name: process.steps.count(name) == 1
    while review.state != "success":
        assert review.tries < 60
        if review.state == "awaiting_input":
            review.answer("Approve" if regenerations() else "Regenerate", version=review.version)
            continue
        assert review.error is None or isinstance(review.error, LayersContentUnfinishedError)
        api.advance(10)
        review.start_try()
    expected = {SENT, RESPONDED, "before review is pushed", "before decision is pushed"}
    if memory == "store":
        expected |= {"before the review is stored", "after the review is stored"}
        expected |= {"before the request is stored", "after the request is stored"}
    assert expected <= set(process.steps)
    assert review.value == review.container
    assert len(regenerations()) == 1
    assert "approve" in reviews.sent()
    assert reviews.status_of(review.container) == "approved"


def test_a_job_that_failed_after_the_process_died_is_followed_by_another(
    reviews: Reviews, airflow: Any, api: Any, regenerations: Any, posted: Any
) -> None:
    if not airflow.with_store:
        pytest.skip("below Airflow 3.3 a retry asks again, instead of continuing with the answer")
    api.outcome("failed", kind="content_regenerate")
    review = regenerating(reviews)
    api.advance(60)
    review.triggerer_is_up = True
    assert (review.start_try().state, review.notice) == ("awaiting_input", None), review.error
    assert [job.status for job in regenerations()] == ["failed", "completed"]
    assert (review.version, len(posted())) == (2, 1)


def test_a_retry_counts_the_completion_timeout_from_the_start_of_the_job(
    reviews: Reviews, airflow: Any, api: Any, clock: Any, made: Any, regenerations: Any
) -> None:
    if not airflow.with_store:
        pytest.skip("below Airflow 3.3 a retry asks again, instead of waiting for the job")
    container = made()
    api.configure(job_seconds=5000)
    review = regenerating(reviews, container=container, completion_timeout=1000)
    first = review.trigger[1]["deadline"]
    clock.sleep(600)
    assert review.start_try().state == "deferred"
    assert review.trigger[1]["job_id"] == regenerations()[0].job_id
    assert review.trigger[1]["deadline"] == pytest.approx(first, abs=30)


def test_a_job_that_may_have_been_started_too_long_ago_fails_the_task(
    reviews: Reviews, airflow: Any, process: Process, clock: Any, failure: Any
) -> None:
    """There may be a new version, so the card must not say that this is the previous one."""
    if not airflow.with_store:
        pytest.skip("below Airflow 3.3 a retry asks again, instead of continuing with the answer")
    review = reviews.ask()
    process.die_at(SENT)
    assert review.answer("Regenerate").state == "killed"
    clock.sleep(25 * 3600)
    failure(review.start_try(), LayersReplayWindowError)
    assert (reviews.sent(), len(reviews.questions.asked)) == ([], 1)


@pytest.mark.usefixtures("memory")
def test_a_version_that_takes_longer_than_the_completion_timeout_decides_nothing(
    reviews: Reviews, api: Any, regenerations: Any, failure: Any
) -> None:
    review = reviews.ask(completion_timeout=100)
    api.configure(job_seconds=500)
    error = failure(review.answer("Regenerate"), LayersJobTimeoutError)
    assert regenerations()[0].job_id in str(error)
    assert (reviews.sent(), reviews.status_of(review.container)) == (["regenerate"], "pending")


# Events


OTHER_JOB = {"job_id": "job_other", "container_ids": ["cnt_other"], "status": "ended", "reason": ""}
OTHER_ANSWER = {
    "chosen_options": ["Approve"],
    "params_input": {"version": 1},
    "responded_by_user": ADA,
    "responded_at": AT,
}


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("event", [*FOREIGN, {**OTHER_JOB, "deadline": 0.0}, OTHER_ANSWER])
def test_no_event_of_another_task_answers_while_a_version_is_made(
    event: Any, reviews: Reviews, regenerations: Any
) -> None:
    """On SQLite, Airflow reuses the number of an ended trigger and may deliver its event to another task."""
    review = regenerating(reviews)
    review.resume(event)
    assert review.state == "deferred", review.error
    review.run_trigger()
    assert (review.state, review.version, reviews.sent()) == ("awaiting_input", 2, [])
    assert len(regenerations()) == 1


def test_an_event_of_another_task_leaves_the_notice_on_the_card(reviews: Reviews) -> None:
    review = reviews.ask().answer("Approve", version=7)
    notice = review.notice
    assert notice
    for event in FOREIGN:
        assert review.resume(event).state == "awaiting_input", event
        assert review.notice == notice


# Clears


@pytest.mark.parametrize("option", ["Approve", "Reject", "Regenerate"])
def test_a_clear_asks_again_and_drops_an_answer_that_was_not_carried_out(
    option: str, memory: str, reviews: Reviews, process: Process
) -> None:
    review = reviews.ask()
    process.die_at(SENT)
    assert review.answer(option).state == "killed"
    assert review.clear().state == "awaiting_input"
    assert (reviews.sent(), reviews.status_of(review.container)) == ([], "pending")
    assert review.version == (1 if memory == "store" else 101)
    assert review.answer("Approve", version=review.version).state == "success"


@pytest.mark.usefixtures("memory")
def test_a_clear_of_a_question_asks_it_again(reviews: Reviews) -> None:
    review = reviews.ask()
    assert review.clear().state == "awaiting_input"
    assert review.answer("Approve", version=review.version).value == review.container


@pytest.mark.usefixtures("memory")
def test_an_answer_from_before_a_clear_counts_for_no_other_version(reviews: Reviews, api: Any) -> None:
    review = reviews.ask()
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.clear()
    assert review.version > 1
    assert review.answer("Approve").state == "awaiting_input", "the form as it opens is for version 1"
    assert reviews.sent() == []


@pytest.mark.usefixtures("memory")
def test_a_clear_allows_as_many_regenerations_again(reviews: Reviews, regenerations: Any) -> None:
    review = reviews.ask(max_regenerations=1).answer("Regenerate")
    review.clear()
    review.answer("Regenerate", version=review.version)
    assert (review.state, review.notice, len(regenerations())) == ("awaiting_input", None, 2)


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_clear_after_a_decision_that_layers_keeps_asks_no_one(
    option: str, memory: str, reviews: Reviews
) -> None:
    review = reviews.ask().answer(option)
    reviews.sent()
    review.clear()
    if memory == "no store" and option == "Approve":
        assert review.state == "awaiting_input", "nothing says that its own reviewer approved it"
        return
    assert (review.state, reviews.sent(), len(reviews.questions.asked)) == ("success", [], 1)
    assert review.value == (review.container if option == "Approve" else None)


# Kills


@pytest.fixture
def end_while_waiting(clock: Any) -> Any:
    """End the process with a signal in the middle of its wait; Airflow's database says why by then."""

    def end(review: Review, state: str) -> None:
        def on_signal() -> None:
            clock.on_sleep = lambda: None
            review.ti.state_in_database = state
            review.operator.on_kill()
            raise DeathError("SIGTERM")

        clock.on_sleep = on_signal

    return end


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(("state", "canceled"), [("failed", True), ("restarting", True), ("running", False)])
def test_a_user_who_ends_the_wait_for_a_new_version_cancels_its_job(
    state: str, canceled: bool, reviews: Reviews, regenerations: Any, end_while_waiting: Any
) -> None:
    review = reviews.ask(deferrable=False)
    end_while_waiting(review, state)
    assert review.answer("Regenerate").state == "killed"
    assert [job.cancel_requested for job in regenerations()] == [canceled]


@pytest.mark.parametrize(("state", "canceled"), [("failed", True), ("running", False)])
def test_a_user_who_ends_the_retry_that_continues_the_wait_cancels_it_too(
    state: str,
    canceled: bool,
    reviews: Reviews,
    regenerations: Any,
    airflow: Any,
    end_while_waiting: Any,
) -> None:
    if not airflow.with_store:
        pytest.skip("below Airflow 3.3 a retry asks again, instead of waiting for the job")
    review = reviews.ask(deferrable=False)
    end_while_waiting(review, "running")
    review.answer("Regenerate")
    end_while_waiting(review, state)
    assert review.start_try().state == "killed"
    assert [job.cancel_requested for job in regenerations()] == [canceled]


@pytest.mark.usefixtures("memory")
def test_a_user_who_ends_a_question_cancels_nothing(reviews: Reviews, api: Any) -> None:
    review = reviews.ask()
    review.ti.state_in_database = "failed"
    review.operator.on_kill()
    assert (reviews.sent(), [job.cancel_requested for job in api.jobs()]) == ([], [False])
