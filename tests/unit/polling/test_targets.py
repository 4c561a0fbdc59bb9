"""What can be waited for, the lists in which it appears, and which errors a wait survives."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.content import ContentState
from airflow_provider_layers.api.top_performers import get_top_performers
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersConflictError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPermissionError,
    LayersRateLimitError,
    LayersRequestError,
    LayersServerError,
    LayersSuspendedError,
    LayersTimeoutError,
    LayersTransportError,
    LayersUnexpectedResponseError,
)
from airflow_provider_layers.polling.intervals import NOT_FOUND_GRACE, PollInterval
from airflow_provider_layers.polling.targets import (
    FAR_POST_INTERVAL,
    MAX_CONSECUTIVE_FAILURES,
    SINCE_MARGIN,
    ErrorTolerance,
    Row,
    approval_source,
    approval_target,
    content_source,
    job_target,
    read_rows,
    scheduled_post_source,
    scheduled_post_target,
    top_performers_target,
)
from tests.limits import CONTENT_PAGE, POST_STATUSES, SCHEDULED_POSTS_PAGE
from tests.unit.polling.things import NOW
from tests.unit.scripted import FakeClock, response

CREATED = "2026-04-18T12:00:00.000Z"


def api_error(kind, status):
    return kind("read it", status_code=status)


# Errors


@pytest.mark.parametrize(
    "error",
    [LayersTransportError("lost"), api_error(LayersRateLimitError, 429), api_error(LayersServerError, 503)],
    ids=["transport", "429", "503"],
)
def test_errors_that_pass_on_their_own_are_tolerated_however_many(error):
    tolerance = ErrorTolerance(grace_ends=NOW)
    assert all(tolerance.tolerates(error, now=NOW + number) for number in range(1000))


@pytest.mark.parametrize(
    "error",
    [
        api_error(LayersRequestError, 422),
        api_error(LayersAuthenticationError, 401),
        api_error(LayersPermissionError, 403),
        api_error(LayersConflictError, 409),
        api_error(LayersSuspendedError, 503),
    ],
    ids=["422", "401", "403", "409", "suspended"],
)
def test_permanent_errors_are_not_tolerated(error):
    assert not ErrorTolerance(grace_ends=NOW + 1000).tolerates(error, now=NOW)


def test_an_unknown_id_is_tolerated_for_a_grace():
    tolerance = ErrorTolerance(grace_ends=NOW + NOT_FOUND_GRACE)
    unknown = api_error(LayersNotFoundError, 404)
    assert tolerance.tolerates(unknown, now=NOW + NOT_FOUND_GRACE - 0.1)
    assert not tolerance.tolerates(unknown, now=NOW + NOT_FOUND_GRACE)


def test_undocumented_responses_are_not_tolerated_once_there_are_many_in_a_row():
    tolerance = ErrorTolerance(grace_ends=NOW)
    unexpected = LayersUnexpectedResponseError("<html>")
    row = [True] * (MAX_CONSECUTIVE_FAILURES - 1)
    assert [tolerance.tolerates(unexpected, now=NOW) for _ in row] == row
    tolerance.reset()
    assert [tolerance.tolerates(unexpected, now=NOW) for _ in [*row, False]] == [*row, False]


# Lists


def test_the_columns_that_count_are_read_by_id_without_its_prefix():
    page = {
        "items": [
            {"id": "cnt_1", "status": "processing"},
            {"id": "2", "status": "completed", "completedAt": CREATED},
            {"id": "cnt_cnt_3", "status": "failed", "scheduledFor": CREATED},
            {"id": "sp_cnt_4"},
            {},
        ]
    }
    assert read_rows(page) == {
        "1": Row("processing", None, None),
        "2": Row("completed", CREATED, None),
        "cnt_3": Row("failed", None, CREATED),
        "sp_cnt_4": Row("None", None, None),
        "None": Row("None", None, None),
    }


def test_for_an_approval_the_state_of_the_decision_counts():
    rows = [
        {"id": "cnt_1", "approvalStatus": "pending", "status": "completed", "completedAt": CREATED},
        {"id": "2", "approvalStatus": "approved", "status": "failed"},
        {"id": "cnt_3", "approvalStatus": "pending", "status": "failed"},
        {"id": "cnt_4", "status": "completed"},
    ]
    assert approval_source("prj_1").read_rows({"items": rows}) == {
        "1": Row("pending", CREATED, None),
        "2": Row("approved", None, None),
        "3": Row("failed", None, None),
        "4": Row("None", None, None),
    }


@pytest.mark.parametrize("source", [content_source, approval_source], ids=["content", "approval"])
@pytest.mark.parametrize(
    "page",
    [{}, {"items": None}, {"items": {"id": "cnt_1"}}, {"rows": []}, {"items": [{"id": "cnt_1"}, None]}],
)
def test_a_page_without_items_is_undocumented(page, source):
    with pytest.raises(LayersUnexpectedResponseError, match="a list without items"):
        source("prj_1").read_rows(page)


SOURCES = [content_source, approval_source, scheduled_post_source]


def test_sources_of_one_list_are_equal_and_others_are_not():
    assert all(make("prj_1") == make("prj_1") for make in SOURCES)
    assert len({make(project) for make in SOURCES for project in ("prj_1", "prj_1", "prj_2")}) == 6


def test_content_is_filtered_by_what_is_unfinished_from_before_the_start_of_the_oldest_job():
    source = content_source("prj_1")
    page = source.page(1000.0, "next", True)
    assert (page.method, page.path) == ("GET", "/v1/projects/prj_1/content")
    assert source.filtered
    assert page.query == (
        ("status", "queued"),
        ("status", "processing"),
        ("status", "generating"),
        ("since", f"1970-01-01T00:{(1000 - SINCE_MARGIN) // 60:02.0f}:40.000Z"),
        ("limit", str(CONTENT_PAGE.most)),
        ("cursor", "next"),
    )
    assert source.page(None, None, False).query == (("limit", str(CONTENT_PAGE.most)),)


def test_no_filter_selects_content_that_waits_for_a_decision():
    source = approval_source("prj_1")
    assert (source.unfinished, source.filtered) == ({"pending"}, False)
    assert "status" not in dict(source.page(1000.0, None, source.filtered).query)


def test_posts_are_filtered_by_what_is_unfinished():
    source = scheduled_post_source("prj_1")
    page = source.page(None, None, True)
    assert (page.path, source.filtered) == ("/v1/projects/prj_1/scheduled-posts", True)
    limit = ("limit", str(SCHEDULED_POSTS_PAGE.most))
    assert page.query == (("status", "queued"), ("status", "publishing"), limit)
    unfiltered = source.page(1.0, "next", False).query
    assert unfiltered == (("since", "1970-01-01T00:00:01.000Z"), limit, ("cursor", "next"))


# Jobs


def job(status="running", **fields):
    etag = fields.pop("etag", '"1"')
    return response({"jobId": "job_1", "kind": "content_generate", "status": status, **fields}, etag=etag)


def waiting(**fields):
    return job_target("job_1", **({"deadline": 1000.0} | fields))


def observe(started_at=None, now=500.0, **fields):
    target = waiting(clock=FakeClock(now), started_at=started_at)
    return target.observe(target.poll(None).read(job(**fields)))


def test_a_job_is_read_again_only_if_it_has_changed():
    target = waiting()
    assert (target.name, target.poll(None).path) == ("job job_1", "/v1/jobs/job_1")
    assert (target.poll(None).etag, target.poll('"1"').etag) == (None, '"1"')
    assert target.poll('"1"').read(response(status=304)) is None


def test_the_api_s_own_estimate_is_the_expected_end():
    assert observe(etaSeconds=30, etag='"7"').expected_end == 530.0
    assert observe(etaSeconds=30, etag='"7"').etag == '"7"'
    assert observe(etaSeconds=0).expected_end == 500.0


@pytest.mark.parametrize(("progress", "earliest"), [(0.5, 550.0), (0.1, 590.0), (0.9, 510.0)])
def test_progress_gives_the_earliest_end(progress, earliest):
    """The job has run for 100 s; half in 100 s leaves 100 s, give or take half of them."""
    assert observe("1970-01-01T00:06:40Z", progress=progress).earliest_end == pytest.approx(earliest)


@pytest.mark.parametrize(
    ("started_at", "progress"),
    [(None, 0.5), ("1970-01-01T00:06:40Z", None), ("1970-01-01T00:09:00Z", 0.5)]
    + [("1970-01-01T00:06:40Z", progress) for progress in (0.0, 1.0, 2.0, -1.0)],
)
def test_progress_without_meaning_gives_none(started_at, progress):
    assert observe(started_at, progress=progress).earliest_end is None


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_finished_job_shows_how_long_it_took(status):
    seen = observe(status=status, startedAt="2026-04-18T12:00:00.000Z", finishedAt="2026-04-18T12:01:30.500Z")
    assert (seen.finished, seen.duration) == (True, 90.5)
    assert observe(status=status, startedAt="2026-04-18T12:00:00", finishedAt=CREATED).duration == 0.0
    assert observe(status=status, startedAt=CREATED).duration is None
    assert observe(status=status, finishedAt=CREATED).duration is None


def test_a_running_job_may_show_nothing_else():
    seen = observe()
    assert (seen.finished, seen.expected_end, seen.earliest_end, seen.duration) == (False, None, None, None)


@pytest.mark.parametrize(
    "hint",
    [
        {"etaSeconds": "30"},
        {"etaSeconds": {"p50": 30}},
        {"progress": "40%"},
        {"startedAt": 17},
        {"finishedAt": {"at": "noon"}},
    ],
    ids=str,
)
def test_a_hint_of_another_shape_is_ignored(hint):
    seen = observe("1970-01-01T00:06:40Z", status="completed", **hint)
    assert (seen.finished, seen.expected_end, seen.earliest_end, seen.duration) == (True, None, None, None)


def test_jobs_of_a_kind_and_format_share_a_history():
    assert waiting(kind="generate", content_format="video").history_key == ("job", "generate", "video")
    assert waiting(kind="generate").history_key == ("job", "generate", "")
    assert waiting(content_format="video").history_key == (), "an unknown kind has none"


def test_a_job_of_a_known_project_appears_in_the_list_of_its_containers():
    target = waiting(project_id="prj_1", container_ids=["cnt_1", "2"])
    assert (target.list_source, target.row_ids) == (content_source("prj_1"), ("1", "2"))
    assert waiting(container_ids=["cnt_1"]).list_source is None


def test_its_containers_are_as_old_as_the_job_unless_it_regenerates():
    started = {"started_at": "1970-01-01T00:10:00Z"}
    generate = waiting(kind="content_generate", **started)
    regenerate = waiting(kind="content_regenerate", **started)
    assert (generate.started_at, generate.listed_since) == (600.0, 600.0)
    assert (regenerate.started_at, regenerate.listed_since) == (600.0, None)
    assert waiting(started_at="yesterday").started_at is None


def test_a_timeout_names_the_state_of_the_job():
    target = waiting(max_interval=3.0)
    assert target.interval == PollInterval(3.0)
    error = target.timeout_error(target.poll(None).read(job(stage="assembling")))
    assert isinstance(error, LayersJobTimeoutError)
    assert error.message == (
        "was still running in stage assembling at the deadline, 1970-01-01T00:16:40+00:00. "
        "It may still complete."
    )
    assert "could not be read at the deadline" in str(target.timeout_error(None))


# Approvals


def deciding(**fields):
    return approval_target("cnt_1", **({"deadline": 1000.0, "max_interval": 60.0} | fields))


@pytest.mark.parametrize(
    ("approval_status", "status", "finished"),
    [
        ("pending", "completed", False),
        ("pending", "processing", False),
        ("pending", "failed", True),
        ("pending", "canceled", True),
        ("approved", "completed", True),
        ("not_required", "completed", True),
        ("rejected", "completed", True),
    ],
)
def test_an_approval_ends_with_a_decision_or_when_there_can_be_none(approval_status, status, finished):
    state = ContentState("cnt_1", approval_status, status)
    assert deciding().observe(state).finished is finished


def test_content_of_a_known_project_and_age_appears_in_its_list():
    target = deciding(project_id="prj_1", created_at="1970-01-01T00:10:00Z")
    assert (target.list_source, target.row_ids) == (approval_source("prj_1"), ("1",))
    assert (target.listed_since, target.interval) == (600.0, PollInterval(60.0))


@pytest.mark.parametrize(
    "fields",
    [{}, {"project_id": "prj_1"}, {"project_id": "prj_1", "created_at": "soon"}, {"created_at": CREATED}],
)
def test_a_list_that_would_be_read_from_its_beginning_is_not_used(fields):
    assert deciding(**fields).list_source is None


def test_a_timeout_names_the_state_of_the_content():
    error = deciding().timeout_error(ContentState("cnt_1", "pending"))
    assert isinstance(error, LayersTimeoutError)
    assert str(error) == (
        "Content cnt_1 was still pending at the deadline, 1970-01-01T00:16:40+00:00. "
        "It may still be approved or rejected."
    )
    assert "could not be read" in str(deciding().timeout_error(None))


# Scheduled posts


def publishing(**fields):
    return scheduled_post_target("sp_1", **({"deadline": 1000.0, "max_interval": 30.0} | fields))


@pytest.mark.parametrize("status", POST_STATUSES)
def test_a_post_ends_with_every_status_that_it_does_not_leave(status):
    finished = status not in ("queued", "publishing")
    assert publishing().observe({"id": "sp_1", "status": status}).finished is finished


def test_a_post_is_expected_to_end_when_it_is_due_and_rarely_polled_before():
    def expected(moment):
        return publishing().observe({"status": "queued", "scheduledFor": moment}).expected_end

    assert expected("1970-01-01T00:10:00Z") == 600.0
    assert [expected(moment) for moment in (None, "soon", 17)] == [None] * 3
    assert publishing().interval == PollInterval(30.0, far_interval=FAR_POST_INTERVAL)
    assert publishing(max_interval=3600.0).interval.far_interval == 3600.0


def test_a_post_of_a_known_project_appears_in_its_list():
    target = publishing(project_id="prj_1")
    assert (target.list_source, target.row_ids) == (scheduled_post_source("prj_1"), ("sp_1",))
    assert publishing().list_source is None


def test_a_timeout_names_the_state_of_the_post():
    error = publishing().timeout_error({"status": "publishing"})
    assert isinstance(error, LayersTimeoutError)
    assert str(error) == (
        "Scheduled post sp_1 was still publishing at the deadline, 1970-01-01T00:16:40+00:00. "
        "It may still be published."
    )
    assert "could not be read" in str(publishing().timeout_error(None))


# Rankings


def ranking(**fields):
    defaults = {"threshold": 5.0, "min_rows": 2, "deadline": 1000.0, "max_interval": 600.0, "metric": "views"}
    return top_performers_target("prj_1", **(defaults | fields))


def rows(*values):
    return [{"metricValue": value} for value in values]


@pytest.mark.parametrize(
    ("values", "finished"), [((), False), ((9,), False), ((9, 4), False), ((9, 5), True)]
)
def test_a_ranking_ends_when_enough_rows_reach_the_threshold(values, finished):
    assert ranking().observe(rows(*values)).finished is finished


def test_a_ranking_is_polled_as_it_was_asked_for():
    target = ranking(window="7d", platform=["tiktok"])
    assert target.poll(None) == get_top_performers("prj_1", metric="views", window="7d", platform=["tiktok"])
    assert (target.list_source, target.interval, target.deadline) == (None, PollInterval(600.0), 1000.0)
    with pytest.raises(LayersParameterError, match="metric = 'likes'"):
        ranking(metric="likes")


@pytest.mark.parametrize(
    ("result", "text"),
    [(rows(9, 1), "had 1 such rows"), ([], "had 0 such rows"), (None, "could not be read")],
)
def test_a_timeout_names_how_far_the_ranking_was(result, text):
    error = ranking().timeout_error(result)
    assert isinstance(error, LayersTimeoutError)
    assert text in str(error)
    assert "2 were wanted with views of 5.0 or more" in str(error)
