"""Waiting until a scheduled post is public."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.publication import (
    DRAFTS,
    ENDED,
    FARTHEST,
    UNDER_WAY,
    demand_published,
    look_at_post,
    post_roll,
    watch_post,
)
from airflow_provider_layers.exceptions import (
    LayersPostError,
    LayersTimeoutError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import good


def post(status, **fields):
    return {"id": "sp_1", "status": status, **fields}


def watching(**fields):
    return watch_post("sp_1", **({"deadline": 1000.0, "longest": 30.0} | fields))


@pytest.mark.parametrize("status", [*UNDER_WAY, *ENDED])
def test_a_post_in_a_documented_status_is_read_as_it_is(status):
    endpoint = look_at_post("sp_1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/scheduled-posts/sp_1")
    assert endpoint.read(good(post(status))) == post(status)


@pytest.mark.parametrize("body", [post("paused"), post(None), {"id": "sp_1"}, {}])
def test_a_status_that_nobody_documented_is_named(body):
    with pytest.raises(LayersUnexpectedAnswerError, match=f"status {body.get('status')!r}; known are queued"):
        look_at_post("sp_1").read(good(body))


@pytest.mark.parametrize("accept_draft", [True, False])
def test_a_public_post_is_public(accept_draft):
    demand_published(post("published"), accept_draft=accept_draft)


@pytest.mark.parametrize("status", DRAFTS)
def test_a_draft_is_good_enough_only_where_that_was_said(status):
    demand_published(post(status), accept_draft=True)
    with pytest.raises(LayersPostError, match=r"sp_1 is a draft .*accept_draft=True takes that for done"):
        demand_published(post(status), accept_draft=False)


@pytest.mark.parametrize("accept_draft", [True, False])
def test_a_canceled_post_is_an_error(accept_draft):
    with pytest.raises(LayersPostError, match=r"^Scheduled post sp_1 was canceled\.$"):
        demand_published(post("canceled"), accept_draft=accept_draft)


@pytest.mark.parametrize(
    ("last_error", "reason"),
    [
        ({"code": "TOKEN_EXPIRED", "message": "Log in again."}, "TOKEN_EXPIRED Log in again"),
        ({"code": "TOKEN_EXPIRED"}, "TOKEN_EXPIRED"),
        ({"message": "Too long."}, "Too long"),
        ("The platform refused it.", "The platform refused it"),
        ({}, "the API gave no reason"),
        (None, "the API gave no reason"),
    ],
)
@pytest.mark.parametrize("accept_draft", [True, False])
def test_a_failed_post_is_an_error_with_the_reason_of_the_platform(last_error, reason, accept_draft):
    with pytest.raises(LayersPostError) as caught:
        demand_published(post("failed", lastError=last_error), accept_draft=accept_draft)
    assert str(caught.value) == f"Scheduled post sp_1 failed: {reason}."
    assert caught.value.permanent


@pytest.mark.parametrize("status", [*UNDER_WAY, *ENDED])
def test_a_wait_ends_with_every_status_that_a_post_does_not_leave(status):
    assert watching().sight(post(status)).ended is (status in ENDED)


def test_a_post_is_likely_to_end_when_it_is_due():
    assert watching().sight(post("queued", scheduledFor="1970-01-01T00:10:00Z")).likely_end == 600.0
    assert watching().sight(post("queued")).likely_end is None
    assert watching().sight(post("queued", scheduledFor="soon")).likely_end is None


def test_a_post_is_looked_at_rarely_until_it_is_due():
    assert (watching().cadence.longest, watching().cadence.farthest) == (30.0, FARTHEST)
    assert watching(longest=3600.0).cadence.farthest == 3600.0


def test_a_deadline_says_where_the_post_was():
    error = watching().expired(post("publishing"))
    assert isinstance(error, LayersTimeoutError)
    assert str(error) == (
        "Scheduled post sp_1 was still publishing at the deadline, 1970-01-01T00:16:40+00:00. "
        "It may still go out."
    )
    assert "could not be read" in str(watching().expired(None))


def test_a_post_of_a_known_project_shows_in_its_list():
    watch = watching(project_id="prj_1")
    assert (watch.roll, watch.rows) == (post_roll("prj_1"), ("sp_1",))
    assert watching().roll is None


def test_the_list_is_asked_for_what_is_under_way():
    page = post_roll("prj_1").page(None, None, True)
    assert (page.method, page.path) == ("GET", "/v1/projects/prj_1/scheduled-posts")
    assert page.query == (("status", "queued"), ("status", "publishing"), ("limit", "100"))


def test_without_the_filter_it_is_asked_for_all_from_a_moment_on():
    page = post_roll("prj_1").page(1.0, "next", False)
    assert page.query == (("since", "1970-01-01T00:00:01.000Z"), ("limit", "100"), ("cursor", "next"))
