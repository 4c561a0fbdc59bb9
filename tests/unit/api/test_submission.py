"""One job per task instance, whatever was tried before."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count

import pytest

from airflow_provider_layers.api.endpoint import Endpoint
from airflow_provider_layers.api.submission import Start, read_submission
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersIdempotencyError,
    LayersTransportError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import LOST, bad, drive, good
from tests.unit.memories import Forgetful, Notebook


def request(turn: int) -> Endpoint:
    return Endpoint(
        asked="start it", method="POST", path="/v1/start", read=read_submission, idempotency_key=f"key-{turn}"
    )


PATHS = count()


def started(number: int) -> object:
    return good({"jobId": f"job_{number}", "kind": "k", "locationUrl": f"/v1/jobs/job_{number}"}, status=202)


def state(number: int, status: str) -> object:
    return good({"jobId": f"job_{number}", "kind": "k", "status": status})


class Submitted:
    """What became of one try, with all that was announced."""

    def __init__(self, answers, *, tries):
        self.announced = []
        # Below Airflow 3.3 a retry cannot know what was sent before it.
        memory = Forgetful(time.time() if tries > 1 else None)
        self.drive(memory, answers, tries)

    def drive(self, memory, answers, tries):
        start = Start(request, memory, tries, announce=lambda one: self.announced.append(one.job.job_id))
        self.driven = drive(start.flow(), answers)

    @property
    def keys(self):
        return [one.idempotency_key for one in self.driven.sent if one.method == "POST"]


def test_the_answer_to_a_submission_is_read():
    body = {"jobId": "job_1", "containerIds": ["cnt_1", "cnt_2"], "locationUrl": "/v1/jobs/job_1"}
    submission = read_submission(good(body, status=202))
    assert submission.job.job_id == "job_1"
    assert submission.job.status == "running"
    assert submission.job.container_ids == ("cnt_1", "cnt_2")
    assert submission.location == "/v1/jobs/job_1"


def test_an_answer_without_a_location_is_read_too():
    assert read_submission(good({"jobId": "job_1"}, status=202)).location is None


def test_the_first_try_sends_one_request_under_the_first_key():
    submitted = Submitted([started(1), state(1, "running")], tries=1)
    assert submitted.driven.result.job.job_id == "job_1"
    assert submitted.keys == ["key-0"]
    assert submitted.announced == ["job_1"]


@pytest.mark.parametrize("status", ["running", "completed"])
@pytest.mark.parametrize("tries", [2, 3, 7])
def test_a_retry_finds_the_job_that_is_there(status, tries):
    submitted = Submitted([started(1), state(1, status)], tries=tries)
    assert submitted.driven.result.job.job_id == "job_1"
    assert submitted.keys == ["key-0"]
    assert submitted.announced == ["job_1"]


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_job_that_did_not_succeed_makes_way_for_the_next_key(status):
    submitted = Submitted([started(1), state(1, status), started(2), state(2, "running")], tries=2)
    assert submitted.driven.result.job.job_id == "job_2"
    assert submitted.keys == ["key-0", "key-1"]
    assert submitted.announced == ["job_1", "job_2"]


def test_by_the_third_try_two_jobs_may_have_failed():
    answers = [started(1), state(1, "failed"), started(2), state(2, "canceled"), started(3)]
    answers.append(state(3, "failed"))
    submitted = Submitted(answers, tries=3)
    assert submitted.driven.result.job.job_id == "job_3"
    assert submitted.keys == ["key-0", "key-1", "key-2"]


def test_a_lost_answer_is_asked_for_again_under_the_same_key():
    submitted = Submitted([LOST, bad(503), started(1), state(1, "running")], tries=1)
    assert submitted.keys == ["key-0", "key-0", "key-0"]
    assert submitted.announced == ["job_1"]


def test_unknown_is_not_absent_after_a_submission_that_nobody_answered():
    submitted = Submitted([LOST] * 5, tries=1)
    assert isinstance(submitted.driven.error, LayersTransportError)
    assert set(submitted.keys) == {"key-0"}


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([LOST] * 5, LayersTransportError),
        ([state(1, "paused")] * 5, LayersUnexpectedAnswerError),
    ],
)
def test_unknown_is_not_absent_when_the_earlier_job_cannot_be_read(answers, kind):
    submitted = Submitted([started(1), *answers], tries=2)
    assert type(submitted.driven.error) is kind
    assert submitted.keys == ["key-0"]
    assert submitted.announced == ["job_1"]


@pytest.mark.parametrize("tries", [1, 2])
def test_a_request_that_changed_between_tries_starts_nothing(tries):
    submitted = Submitted([bad(409, "IDEMPOTENCY_CONFLICT")], tries=tries)
    assert isinstance(submitted.driven.error, LayersIdempotencyError)
    assert submitted.announced == []


def test_a_job_is_announced_before_anything_else_can_fail():
    submitted = Submitted([started(1), bad(401)], tries=2)
    assert submitted.driven.error is not None
    assert submitted.announced == ["job_1"]


class Remembered(Submitted):
    """The same with a memory that survives between tries, as from Airflow 3.3 on."""

    def __init__(self, answers, *, tries, memory):
        self.announced = []
        self.drive(memory, answers, tries)


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_remembered_job_is_looked_at_and_not_asked_for_again(status):
    memory = Notebook()
    Remembered([started(1), state(1, "running")], tries=1, memory=memory)
    again = Remembered([state(1, status)], tries=2, memory=memory)
    assert again.driven.result.job.job_id == "job_1"
    assert again.announced == ["job_1"]
    assert again.keys == []


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_remembered_job_that_ended_badly_makes_way_once(status):
    memory = Notebook()
    Remembered([started(1), state(1, "running")], tries=1, memory=memory)
    again = Remembered([state(1, status), started(2), state(2, "running")], tries=2, memory=memory)
    assert again.driven.result.job.job_id == "job_2"
    assert again.keys == ["key-1"]
    third = Remembered([state(1, status), state(2, "running")], tries=3, memory=memory)
    assert third.driven.result.job.job_id == "job_2"
    assert third.keys == []


def test_many_tries_that_sent_nothing_leave_the_first_key_to_the_next():
    fresh = Remembered([started(1), state(1, "failed")], tries=7, memory=Notebook())
    assert fresh.keys == ["key-0"], "nothing was sent before, so a job that failed at once is the one"


UNSEEN = [bad(404, "NOT_FOUND")] * 6


def test_a_job_that_the_api_does_not_know_is_asked_for_once_more():
    submitted = Submitted([started(7), *UNSEEN, started(1), state(1, "running")], tries=1)
    assert submitted.driven.result.job.job_id == "job_1"
    assert submitted.keys == ["key-0", "key-0"]
    assert submitted.announced == ["job_7", "job_1"]


def test_a_job_that_the_api_goes_on_denying_is_an_error_that_names_its_key():
    submitted = Submitted([started(1), *UNSEEN, started(1)], tries=1)
    assert isinstance(submitted.driven.error, LayersUnexpectedAnswerError)
    assert "job_1" in str(submitted.driven.error)
    assert "key-0" in str(submitted.driven.error)


def test_a_remembered_job_that_the_api_denies_is_asked_for_under_its_key():
    memory = Notebook()
    Remembered([started(7), bad(401)], tries=1, memory=memory)
    again = Remembered([bad(404), started(1), state(1, "running")], tries=2, memory=memory)
    assert again.driven.result.job.job_id == "job_1"
    assert again.keys == ["key-0"]
    third = Remembered([state(1, "running")], tries=3, memory=memory)
    assert third.announced == ["job_1"], "the wrong answer is forgotten"


@pytest.mark.parametrize("failure", [[LOST] * 5, [bad(503)] * 5])
def test_a_new_job_that_cannot_be_seen_for_the_moment_is_there_all_the_same(failure):
    submitted = Submitted([started(1), *failure], tries=1)
    assert submitted.driven.result.job.job_id == "job_1"
    assert submitted.driven.result.seen is None


def test_another_job_on_the_container_is_waited_for():
    busy = bad(409, "CONFLICT", details={"jobId": "job_0"})
    answers = [busy, state(0, "running"), state(0, "canceled"), started(1), state(1, "running")]
    submitted = Submitted(answers, tries=1)
    assert submitted.driven.result.job.job_id == "job_1"
    assert submitted.keys == ["key-0", "key-0"]


def test_a_conflict_that_names_no_job_is_final():
    submitted = Submitted([bad(409, "CONFLICT", details={"layerCount": 2})], tries=1)
    assert isinstance(submitted.driven.error, LayersConflictError)


def changing(turn: int) -> Endpoint:
    return replace(request(turn), path=f"/v1/start/{next(PATHS)}")


def test_a_changed_request_is_no_change_once_its_job_was_canceled():
    memory = Notebook()
    Remembered([started(1), state(1, "running")], tries=1, memory=memory)
    announced = []
    start = Start(changing, memory, 2, announce=lambda one: announced.append(one.job.job_id))
    driven = drive(start.flow(), [state(1, "canceled"), started(2), state(2, "running")])
    assert driven.result.job.job_id == "job_2"
    assert announced == ["job_1", "job_2"]
