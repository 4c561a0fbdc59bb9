"""The process of a review dies, or a person clears it: no answer is lost, and no take is paid for twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers import client
from airflow_provider_layers.exceptions import LayersContentUnfinishedError, LayersJobTimeoutError
from tests.contract.reviewing import DeathError, Review, Reviews, in_layers
from tests.unit.tasks import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.airflow3

SENT, ANSWERED = "before the request is sent", "before the answer is read"


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


@pytest.fixture
def takes(api: Any) -> Any:
    """Give the jobs that made new takes."""
    return lambda: [one for one in api.jobs() if one.kind == "content_regenerate"]


class Fate:
    """Which steps that the world outside can see the process does not survive."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.fatal: Callable[[str], bool] = lambda _: False

    def step(self, name: str) -> None:
        self.seen.append(name)
        if self.fatal(name):
            raise DeathError(name)

    def at(self, name: str) -> None:
        """Let the process die at a step, once."""
        self.fatal = lambda step: step == name and self.forget()

    def forget(self) -> bool:
        self.fatal = lambda _: False
        return True


@pytest.fixture
def fate(monkeypatch: pytest.MonkeyPatch) -> Fate:
    fate, request, answer = Fate(), client._request, client._answer

    def sending(endpoint: Any) -> Any:
        if endpoint.method == "POST":
            fate.step(SENT)
        return request(endpoint)

    def answered(response: Any) -> Any:
        if response.request.method == "POST":
            fate.step(ANSWERED)
        return answer(response)

    monkeypatch.setattr(client, "_request", sending)
    monkeypatch.setattr(client, "_answer", answered)
    return fate


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_outlives_the_process_that_was_to_carry_it_out(
    option: str, memory: str, reviews: Reviews, fate: Fate, posted: Any
) -> None:
    review = reviews.begun()
    fate.at(SENT)
    assert review.answer(option, reason="As I say.").state == "killed"
    review.begin()
    if memory == "no store":
        assert (review.state, reviews.sent()) == ("awaiting_input", []), "the answer died with the try"
        review.answer(option, reason="As I say.", take=review.take)
    (sent,) = posted()
    assert sent.path.endswith(f"/{option.lower()}")
    assert "As I say." in str(sent.body)
    assert review.state == "success"
    assert review.xcoms["decision"]["decided_by"] == "Ada"
    assert len(reviews.desk.asked) == (1 if memory == "store" else 2)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_decision_that_was_carried_out_is_not_asked_for_again(
    option: str, reviews: Reviews, fate: Fate
) -> None:
    review = reviews.begun()
    fate.at(ANSWERED)
    assert review.answer(option).state == "killed"
    assert review.begin().state == "success"
    assert (reviews.sent(), len(reviews.desk.asked)) == ([option.lower()], 1)
    assert review.value == (review.container if option == "Approve" else None)
    assert review.skipped == (None if option == "Approve" else ["follow"])


@pytest.mark.parametrize("step", [SENT, ANSWERED, "deferred"])
def test_a_new_take_that_was_asked_for_is_made_once(
    step: str, memory: str, reviews: Reviews, fate: Fate, takes: Any, posted: Any, api: Any
) -> None:
    review = reviews.begun()
    review.triggerer_is_up = step != "deferred"
    fate.at(step)
    review.answer("Regenerate", topic="Walk.")
    assert review.state == ("deferred" if step == "deferred" else "killed")
    review.triggerer_is_up = True
    review.begin()
    if memory == "no store" and step != SENT:
        assert type(review.error) is LayersContentUnfinishedError, "which Airflow retries"
        api.advance(60)
        review.begin()
    assert review.state == "awaiting_input"
    if memory == "store" or step != SENT:
        assert len(takes()) == 1
        assert "### Take 1 in words" not in reviews.desk.asked[-1]["body"]
        assert len({one.idempotency_key for one in posted()}) == 1
    else:
        assert takes() == [], "it was never sent, and is asked for anew"
    assert review.answer("Approve").state == "awaiting_input", "the form as it opens is for take 1"
    assert review.answer("Approve", take=review.take).state == "success"
    assert len(takes()) <= 1


def test_a_review_that_dies_at_every_step_in_turn_makes_one_take_and_one_decision(
    memory: str, reviews: Reviews, fate: Fate, takes: Any, airflow: Any, api: Any, monkeypatch: Any
) -> None:
    review = reviews.of(retries=99)

    def on_write(when: str, record: Any) -> None:
        fate.step(f"{when} {'the review' if 'made' in record else 'the request'} is stored")

    make_context = airflow.context

    def context(*given: Any, **fields: Any) -> Any:
        made = make_context(*given, **fields, on_push=lambda key: fate.step(f"before {key} is told"))
        if airflow.with_store:
            made["task_state_store"].on_write = on_write
        return made

    monkeypatch.setattr(airflow, "context", context)
    fate.fatal = lambda name: fate.seen.count(name) == 1
    while review.state != "success":
        assert review.tries < 60
        if review.state == "awaiting_input":
            review.answer("Approve" if takes() else "Regenerate", take=review.take)
            continue
        assert review.error is None or isinstance(review.error, LayersContentUnfinishedError)
        api.advance(10)
        review.begin()
    assert {SENT, ANSWERED, "before review is told", "before decision is told"} <= set(fate.seen)
    assert memory == "no store" or "after the review is stored" in fate.seen
    assert review.value == review.container
    assert len(takes()) == 1
    assert [one for one in reviews.sent() if one == "approve"]
    assert reviews.status_of(review.container) == "approved"


@pytest.mark.parametrize("option", ["Approve", "Reject", "Regenerate"])
def test_a_clear_asks_anew_and_forgets_an_answer_that_was_not_carried_out(
    option: str, memory: str, reviews: Reviews, fate: Fate
) -> None:
    review = reviews.begun()
    fate.at(SENT)
    assert review.answer(option).state == "killed"
    assert review.clear().state == "awaiting_input"
    assert (reviews.sent(), reviews.status_of(review.container)) == ([], "pending")
    assert review.take == (1 if memory == "store" else 101)
    assert review.answer("Approve", take=review.take).state == "success"


@pytest.mark.usefixtures("memory")
def test_a_clear_of_a_question_asks_the_same_once_more(reviews: Reviews) -> None:
    review = reviews.begun()
    assert review.clear().state == "awaiting_input"
    assert review.answer("Approve", take=review.take).value == review.container


@pytest.mark.usefixtures("memory")
def test_an_answer_from_before_a_clear_is_for_no_other_take(reviews: Reviews, api: Any) -> None:
    review = reviews.begun()
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.clear()
    assert review.take > 1
    assert review.answer("Approve").state == "awaiting_input", "the form as it opens is for take 1"
    assert reviews.sent() == []


@pytest.mark.usefixtures("memory")
def test_a_clear_after_the_most_takes_allows_as_many_again(reviews: Reviews, takes: Any) -> None:
    review = reviews.begun(max_regenerations=1).answer("Regenerate")
    review.clear()
    review.answer("Regenerate", take=review.take)
    assert (review.state, review.notice, len(takes())) == ("awaiting_input", None, 2)


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(("option", "value"), [("Approve", True), ("Reject", False)])
def test_a_clear_after_a_decision_asks_nobody(option: str, value: bool, reviews: Reviews) -> None:
    review = reviews.begun().answer(option)
    reviews.sent()
    review.clear()
    assert (review.state, reviews.sent(), len(reviews.desk.asked)) == ("success", [], 1)
    assert review.value == (review.container if value else None)


OTHERS_JOB = {"job_id": "job_other", "container_ids": ["cnt_other"], "status": "ended", "reason": ""}


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("event", [*FOREIGN, {**OTHERS_JOB, "deadline": 0.0}])
def test_an_event_of_another_task_is_no_answer(event: Any, reviews: Reviews, takes: Any) -> None:
    """On SQLite Airflow gives the number of an ended trigger to the next one, and mixes up what they tell."""
    review = begun_take(reviews)
    review.resume(event)
    assert review.state == "deferred", review.error
    review.fire()
    assert (review.state, review.take, reviews.sent()) == ("awaiting_input", 2, [])
    assert len(takes()) == 1


def begun_take(reviews: Reviews, **given: Any) -> Review:
    review = reviews.begun(**given)
    review.triggerer_is_up = False
    assert review.answer("Regenerate", topic="Walk.").state == "deferred"
    reviews.sent()
    return review


@pytest.mark.usefixtures("memory")
def test_a_take_that_is_not_ready_in_time_decides_nothing(reviews: Reviews, takes: Any, api: Any) -> None:
    review = reviews.begun(completion_timeout=100)
    api.configure(job_seconds=500)
    review.answer("Regenerate")
    assert isinstance(review.error, AirflowFailException)
    assert type(review.error.__cause__) is LayersJobTimeoutError
    assert takes()[0].job_id in str(review.error)
    assert (reviews.sent(), reviews.status_of(review.container)) == (["regenerate"], "pending")
