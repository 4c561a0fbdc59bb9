"""Waiting for a job: in a worker to its end, in the triggerer as one among many."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.cadence import Cadence
from airflow_provider_layers.api.content import SINCE_MARGIN
from airflow_provider_layers.api.waiting import look_in_time, until_ended, watch_job
from airflow_provider_layers.api.watching import NOT_FOUND_GRACE, UNEXPECTED_IN_A_ROW
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersPermissionError,
    LayersRequestError,
    LayersSuspendedError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import LOST, Clock, bad, drive, good

FOREVER = 1e12
GARBAGE = good("<html>")
UNCHANGED = good(status=304)


def job(status: str = "running", etag: str = '"1"', **fields: object) -> object:
    return good({"jobId": "job_1", "kind": "content_generate", "status": status, **fields}, etag=etag)


def never() -> float:
    return 0.0


def wait(answers, *, seconds=None, longest=10.0, chance=never):
    clock = Clock()
    deadline = FOREVER if seconds is None else clock() + seconds
    flow = until_ended("job_1", deadline=deadline, cadence=Cadence(longest), clock=clock, chance=chance)
    return drive(flow, answers, clock=clock)


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_job_that_has_ended_is_given_back_whatever_its_end(status):
    driven = wait([job(), job(), job(status)])
    assert driven.result.status == status
    assert driven.pauses == [2.0, 2.6]


def test_the_next_look_asks_only_for_what_has_changed():
    driven = wait([job(etag='"1"'), UNCHANGED, job(etag='"2"'), job("completed")])
    assert [one.etag for one in driven.sent] == [None, '"1"', '"1"', '"2"']


@pytest.mark.parametrize("failure", [LOST, bad(408), bad(425), bad(429), bad(500), bad(503), GARBAGE])
def test_failures_that_pass_never_end_a_wait_by_themselves(failure):
    answers = [job(), *[failure, job()] * 30, job("completed")]
    assert wait(answers).result.status == "completed"


@pytest.mark.parametrize("failure", [LOST, bad(429), bad(503)])
def test_not_even_a_long_row_of_them_does(failure):
    assert wait([failure] * 200 + [job("completed")]).result.status == "completed"


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (bad(400), LayersRequestError),
        (bad(401), LayersAuthenticationError),
        (bad(403), LayersPermissionError),
        (bad(503, "KILL_SWITCH"), LayersSuspendedError),
    ],
)
def test_failures_that_do_not_pass_end_it_at_once(failure, kind):
    driven = wait([job(), failure])
    assert type(driven.error) is kind
    assert len(driven.pauses) == 1


def test_a_job_may_be_unknown_for_a_moment_after_its_start():
    assert wait([bad(404), bad(404), job("completed")]).result.status == "completed"


def test_a_job_that_stays_unknown_ends_the_wait():
    driven = wait([bad(404)] * 6)
    assert isinstance(driven.error, LayersNotFoundError)
    assert NOT_FOUND_GRACE <= sum(driven.pauses) < NOT_FOUND_GRACE + 10.0


def test_a_job_that_vanishes_later_ends_the_wait():
    assert isinstance(wait([job()] * 10 + [bad(404)]).error, LayersNotFoundError)


@pytest.mark.parametrize(
    "strange",
    [GARBAGE, good(status=302), job("paused"), good({"jobId": "job_2", "status": "completed"}), good({})],
)
def test_answers_that_nobody_documented_end_the_wait_when_they_stay(strange):
    assert isinstance(wait([job()] + [strange] * UNEXPECTED_IN_A_ROW).error, LayersUnexpectedAnswerError)


@pytest.mark.parametrize("answer", [job(), UNCHANGED])
def test_a_good_answer_starts_the_count_of_strange_ones_anew(answer):
    row = [GARBAGE] * (UNEXPECTED_IN_A_ROW - 1)
    assert wait([job(), *row, answer, *row, job("completed")]).result.status == "completed"


def test_retry_after_is_the_floor_of_the_pause():
    assert wait([bad(429, retry_after="30"), job("completed")]).pauses == [30.0]


def test_a_shorter_retry_after_does_not_shorten_the_pause():
    assert wait([bad(429, retry_after="1"), job("completed")]).pauses == [2.0]


@pytest.mark.parametrize("answer", [job(), bad(429, retry_after="3600"), bad(429, retry_after="inf")])
def test_no_pause_reaches_past_the_deadline(answer):
    driven = wait([answer, job()], seconds=1.5)
    assert driven.pauses == [1.5]
    assert isinstance(driven.error, LayersJobTimeoutError)


def test_one_last_look_is_taken_after_the_deadline():
    driven = wait([job(), job("completed")], seconds=1.5)
    assert driven.result.status == "completed"
    assert driven.pauses == [1.5]


def test_a_deadline_that_has_passed_before_the_wait_still_leaves_one_look():
    assert wait([job("completed")], seconds=-100).result.status == "completed"
    assert isinstance(wait([job()], seconds=-100).error, LayersJobTimeoutError)


def test_a_timeout_says_where_the_job_was_and_that_it_goes_on():
    error = wait([job(stage="assembling")], seconds=0).error
    assert error.job_id == "job_1"
    assert error.message == (
        "was still running in stage assembling at the deadline, 1970-01-12T13:46:40+00:00. "
        "It may still complete."
    )


def test_a_timeout_of_a_job_that_was_never_seen_says_so():
    assert "could not be read at the deadline" in str(wait([LOST], seconds=0).error)


def test_the_deadline_gives_way_to_an_error_that_tells_more():
    assert isinstance(wait([bad(401)], seconds=0).error, LayersAuthenticationError)


def test_jitter_comes_from_the_chance_that_was_passed_in():
    assert wait([job(), job("completed")], chance=lambda: 1.0).pauses == [2.5]


def test_looking_in_time_waits_for_a_new_job_to_show():
    driven = drive(look_in_time("job_1", chance=never), [bad(404), bad(404), job()])
    assert driven.result.status == "running"
    assert driven.pauses == [2.0, 2.6]


def test_looking_in_time_gives_up_on_a_job_that_stays_unknown():
    driven = drive(look_in_time("job_1", chance=never), [bad(404)] * 6)
    assert isinstance(driven.error, LayersNotFoundError)
    assert sum(driven.pauses) >= NOT_FOUND_GRACE


def watching(**fields):
    return watch_job("job_1", **({"deadline": 1000.0, "longest": 10.0} | fields))


def sight(**fields):
    given = watching(clock=lambda: 500.0)
    return given.sight(given.look(None).read(job(**fields)))


def test_a_watched_job_is_looked_at_and_asked_for_what_has_changed():
    watch = watching()
    assert watch.name == "job job_1"
    assert (watch.look(None).path, watch.look(None).etag) == ("/v1/jobs/job_1", None)
    assert watch.look('"1"').etag == '"1"'
    assert watch.look('"1"').read(UNCHANGED) is None


def test_a_running_job_tells_what_it_knows_of_its_end():
    seen = sight(progress=0.4, etaSeconds=30, etag='"7"')
    assert (seen.ended, seen.likely_end, seen.progress, seen.etag) == (False, 530.0, 0.4, '"7"')


def test_a_job_may_tell_nothing_of_its_end():
    seen = sight()
    assert (seen.ended, seen.likely_end, seen.progress, seen.lasted) == (False, None, None, None)


def test_a_job_that_is_about_to_end_has_no_seconds_left():
    assert sight(etaSeconds=0).likely_end == 500.0


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_an_ended_job_tells_how_long_it_took(status):
    moments = {"startedAt": "2026-04-18T12:00:00.000Z", "finishedAt": "2026-04-18T12:01:30.500Z"}
    seen = sight(status=status, **moments)
    assert (seen.ended, seen.lasted) == (True, 90.5)


def test_a_moment_without_an_offset_is_one_in_utc():
    moments = {"startedAt": "2026-04-18T12:00:00", "finishedAt": "2026-04-18T12:01:30Z"}
    assert sight(status="completed", **moments).lasted == 90.0


@pytest.mark.parametrize("missing", ["startedAt", "finishedAt"])
def test_an_ended_job_without_its_moments_teaches_nothing(missing):
    moments = {"startedAt": "2026-04-18T12:00:00Z", "finishedAt": "2026-04-18T12:01:30Z"}
    assert sight(status="completed", **(moments | {missing: None})).lasted is None


def test_a_deadline_says_where_the_watched_job_was():
    watch = watching()
    error = watch.expired(watch.look(None).read(job(stage="assembling")))
    assert isinstance(error, LayersJobTimeoutError)
    assert error.message == (
        "was still running in stage assembling at the deadline, 1970-01-01T00:16:40+00:00. "
        "It may still complete."
    )
    assert "could not be read" in str(watch.expired(None))


def test_jobs_of_a_kind_and_format_are_a_species():
    assert watching(kind="content_generate", content_format="video").species == (
        "job",
        "content_generate",
        "video",
    )
    assert watching(kind="content_generate").species == ("job", "content_generate", "")
    assert watching(content_format="video").species == (), "nothing can be learned of an unknown kind"


def test_the_start_of_a_job_is_a_moment_or_unknown():
    assert watching(started_at="1970-01-01T00:10:00Z").began == 600.0
    assert watching(started_at=None).began is None
    assert watching(started_at="yesterday").began is None


def test_a_job_of_a_known_project_shows_in_the_list_of_its_containers():
    watch = watching(project_id="prj_1", container_ids=["cnt_1", "2"])
    assert watch.rows == ("1", "2")
    page = watch.roll.page(1000.0, None, True)
    assert page.path == "/v1/projects/prj_1/content"
    assert page.query == (
        ("status", "queued"),
        ("status", "processing"),
        ("status", "generating"),
        ("since", f"1970-01-01T00:0{(1000 - SINCE_MARGIN) // 60:.0f}:40.000Z"),
        ("limit", "200"),
    )
    assert watch.roll.page(None, "next", False).query == (("limit", "200"), ("cursor", "next"))
    assert watching(container_ids=["cnt_1"]).roll is None


def test_the_watched_pauses_are_as_long_as_was_asked_for():
    assert watching(longest=3.0).cadence == Cadence(longest=3.0)
