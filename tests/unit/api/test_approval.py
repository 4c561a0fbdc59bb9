"""Waiting until somebody has decided on content."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_provider_layers.api.agenda import BELIEVED, Agenda
from airflow_provider_layers.api.approval import (
    LOST,
    STATUSES,
    Standing,
    approval_roll,
    decisive,
    demand_approval,
    earliest,
    look_at_approval,
    project_of,
    read_approvals,
    settled,
    watch_approval,
)
from airflow_provider_layers.api.cadence import Experience
from airflow_provider_layers.api.content import content_roll
from airflow_provider_layers.api.waits import Look
from airflow_provider_layers.api.watching import Row
from airflow_provider_layers.exceptions import (
    LayersContentError,
    LayersParameterError,
    LayersReviewRejectedError,
    LayersTimeoutError,
    LayersUnexpectedAnswerError,
)
from tests.unit.driving import good
from tests.unit.watches import FOREVER, NOW

FINE = ("approved", "not_required")
MADE = "2026-04-18T12:00:00.000Z"
WAITS = Row("pending", MADE, None)


def content(approval="pending", status="completed", **fields):
    return {"id": "cnt_1", "approvalStatus": approval, "status": status, **fields}


def standing(approval="pending", status="completed", name="cnt_1", **fields):
    return Standing(name, approval, status, **fields)


def watching(**fields):
    return watch_approval("cnt_1", **({"deadline": 1000.0, "longest": 60.0} | fields))


@pytest.mark.parametrize("approval", STATUSES)
def test_of_content_is_read_where_it_stands(approval):
    endpoint = look_at_approval("cnt_1")
    assert (endpoint.method, endpoint.path) == ("GET", "/v1/content/cnt_1")
    told = content(approval, projectId="prj_1", createdAt=MADE, caption="a" * 5000)
    assert endpoint.read(good(told)) == standing(approval, project_id="prj_1", created_at=MADE)


def test_it_is_known_by_the_id_that_it_was_asked_for_by():
    assert look_at_approval("1").read(good(content())).container_id == "1"


@pytest.mark.parametrize("approval", ["escalated", None, "", 1, ["approved"]])
def test_an_approval_status_that_nobody_documented_is_named(approval):
    with pytest.raises(LayersUnexpectedAnswerError) as caught:
        look_at_approval("cnt_1").read(good(content(approval)))
    assert f"approvalStatus {approval!r}; known are not_required, pending" in str(caught.value)


def test_content_that_tells_no_approval_status_is_not_taken_for_approved():
    with pytest.raises(LayersUnexpectedAnswerError, match="approvalStatus None"):
        look_at_approval("cnt_1").read(good({"id": "cnt_1", "status": "completed"}))


@pytest.mark.parametrize("status", ["queued", "processing", "generating", "completed", None])
def test_content_in_the_making_can_still_be_decided_on(status):
    assert standing("pending", status).state == "pending"


@pytest.mark.parametrize("status", LOST)
def test_content_that_was_lost_before_a_decision_cannot(status):
    assert standing("pending", status).state == status


@pytest.mark.parametrize("status", LOST)
@pytest.mark.parametrize("approval", [*FINE, "rejected"])
def test_a_decision_stays_whatever_becomes_of_the_content(approval, status):
    assert standing(approval, status).state == approval


@pytest.mark.parametrize("approval", STATUSES)
def test_what_needs_no_approval_is_as_good_as_approved(approval):
    assert standing(approval).approved is (approval in FINE)


@pytest.mark.parametrize("fail_on_reject", [True, False])
@pytest.mark.parametrize(
    ("states", "done"),
    [
        ([], True),
        (["approved", "not_required"], True),
        (["rejected", "approved"], True),
        (["pending"], False),
        (["approved", "pending"], False),
    ],
)
def test_a_wait_is_settled_once_all_are_decided(states, done, fail_on_reject):
    assert settled(map(standing, states), fail_on_reject=fail_on_reject) is done


def test_a_rejection_settles_it_for_all_where_it_fails_it():
    mixed = [standing("pending"), standing("rejected")]
    assert settled(mixed, fail_on_reject=True)
    assert not settled(mixed, fail_on_reject=False)
    assert "rejected" not in decisive(fail_on_reject=False)


@pytest.mark.parametrize("fail_on_reject", [True, False])
@pytest.mark.parametrize("status", LOST)
def test_lost_content_settles_it_for_all_in_any_case(status, fail_on_reject):
    assert settled([standing(), standing("pending", status)], fail_on_reject=fail_on_reject)
    assert status in decisive(fail_on_reject=fail_on_reject)


@pytest.mark.parametrize("fail_on_reject", [True, False])
def test_what_may_go_out_is_given_in_the_order_in_which_it_was_asked_for(fail_on_reject):
    fine = [
        standing("not_required", name="c"),
        standing("approved", name="a"),
        standing("approved", name="b"),
    ]
    assert demand_approval(fine, fail_on_reject=fail_on_reject) == ["c", "a", "b"]


def test_a_rejection_is_an_error_that_says_which():
    mixed = [standing("rejected", name="a"), standing("approved", name="b"), standing("rejected", name="c")]
    with pytest.raises(LayersReviewRejectedError, match=r"^Rejected in Layers: content a, c\.$") as caught:
        demand_approval(mixed, fail_on_reject=True)
    assert caught.value.permanent
    assert demand_approval(mixed, fail_on_reject=False) == ["b"]


@pytest.mark.parametrize("fail_on_reject", [True, False])
@pytest.mark.parametrize(
    ("lost", "text"),
    [
        (
            standing("pending", "failed", error="NO_MEDIA There was none."),
            "failed .*: NO_MEDIA There was none",
        ),
        (standing("pending", "failed"), "failed before anybody decided on it"),
        (standing("pending", "canceled"), "was canceled before anybody decided on it"),
    ],
)
def test_lost_content_is_an_error_that_says_why(lost, text, fail_on_reject):
    with pytest.raises(LayersContentError, match=rf"^Content cnt_1 {text}\.$") as caught:
        demand_approval([standing("approved", name="a"), lost], fail_on_reject=fail_on_reject)
    assert caught.value.permanent


def test_why_it_failed_is_taken_from_the_api():
    told = content("pending", "failed", lastError={"code": "NO_MEDIA", "message": "There was none."})
    assert look_at_approval("cnt_1").read(good(told)).error == "NO_MEDIA There was none."


def test_the_list_is_read_for_another_word_than_that_of_jobs():
    assert approval_roll("prj_1") == approval_roll("prj_1")
    assert approval_roll("prj_1") != approval_roll("prj_2")
    assert approval_roll("prj_1") != content_roll("prj_1")
    assert len({approval_roll("prj_1"), approval_roll("prj_1"), content_roll("prj_1")}) == 2
    assert approval_roll("prj_1").path == content_roll("prj_1").path


def test_the_list_cannot_be_asked_for_what_waits_only():
    roll = approval_roll("prj_1")
    assert (roll.running, roll.filtered, roll.page_size) == ({"pending"}, False, 200)
    page = roll.page(1000.0, "next", roll.filtered)
    assert page.query == (("since", "1970-01-01T00:06:40.000Z"), ("limit", "200"), ("cursor", "next"))


def test_of_a_row_counts_its_approval():
    rows = [
        {"id": "cnt_1", "approvalStatus": "pending", "status": "completed", "completedAt": MADE},
        {"id": "2", "approvalStatus": "approved", "status": "failed"},
        {"id": "cnt_3", "approvalStatus": "pending", "status": "failed"},
        {"id": "cnt_4", "status": "completed"},
    ]
    assert read_approvals({"items": rows}) == {
        "1": Row("pending", MADE, None),
        "2": Row("approved", None, None),
        "3": Row("failed", None, None),
        "4": Row("None", None, None),
    }


@pytest.mark.parametrize("page", [{}, {"items": [None]}, {"items": {"id": "cnt_1"}}])
def test_a_page_without_rows_is_none_that_the_api_documents(page):
    with pytest.raises(LayersUnexpectedAnswerError, match="a list without items"):
        read_approvals(page)


@pytest.mark.parametrize(("approval", "status", "ended"), [
    ("pending", "completed", False),
    ("pending", "processing", False),
    ("pending", "failed", True),
    ("pending", "canceled", True),
    ("approved", "completed", True),
    ("not_required", "completed", True),
    ("rejected", "completed", True),
])  # fmt: skip
def test_a_wait_ends_with_a_decision_or_when_there_can_be_none(approval, status, ended):
    assert watching().sight(standing(approval, status)).ended is ended


def test_content_of_a_known_project_and_age_shows_in_its_list():
    watch = watching(project_id="prj_1", created_at="1970-01-01T00:10:00Z")
    assert (watch.roll, watch.rows, watch.listed_since) == (approval_roll("prj_1"), ("1",), 600.0)
    assert watch.cadence.longest == 60.0


@pytest.mark.parametrize(
    "fields",
    [{}, {"project_id": "prj_1"}, {"project_id": "prj_1", "created_at": "soon"}, {"created_at": MADE}],
)
def test_a_list_that_would_be_read_from_its_beginning_is_not_read(fields):
    assert watching(**fields).roll is None


@pytest.mark.parametrize("wrong", ["", None, 5])
def test_a_wrong_id_is_a_wrong_parameter(wrong):
    with pytest.raises(LayersParameterError, match="container_id = "):
        look_at_approval(wrong)


def test_a_deadline_says_where_the_content_was():
    error = watching().expired(standing())
    assert isinstance(error, LayersTimeoutError)
    assert str(error) == (
        "Content cnt_1 was still pending at the deadline, 1970-01-01T00:16:40+00:00. "
        "Somebody may still decide on it."
    )
    assert "could not be read" in str(watching().expired(None))


def agenda(*ages):
    """Wait for content of one project that was created so many seconds ago."""
    held = Agenda(Experience(), chance=lambda: 0.0)
    for number, age in enumerate(ages):
        created_at = datetime.fromtimestamp(NOW - age, timezone.utc).isoformat()
        given = {"deadline": FOREVER, "longest": 60.0, "project_id": "prj_1", "created_at": created_at}
        held.add(watch_approval(f"cnt_{number}", **given), now=NOW)
    return held


def test_the_list_is_read_from_the_oldest_that_waits_and_without_a_filter():
    swept = agenda(5.0, 90.0).take(NOW)
    assert (swept.since(), swept.rows(), swept.group.filtered) == (NOW - 90.0, {"0", "1"}, False)


def test_what_the_list_tells_as_decided_is_looked_at_before_it_counts():
    held = agenda(5.0, 5.0)
    list(held.swept(held.take(NOW), {"0": Row("approved", MADE, None), "1": WAITS}, 1, now=NOW))
    look = held.take(NOW)
    assert (look.wait.watch.rows, held.take(NOW)) == (("0",), None)
    assert held.looked(look, standing("approved"), now=NOW)


def test_what_the_list_goes_on_telling_is_checked_after_a_while():
    held = agenda(5.0, 5.0)
    rows, looks, now = {"0": WAITS, "1": WAITS}, [], NOW
    while len(looks) < 2:
        task = held.take(now)
        if isinstance(task, Look):
            looks.append(now - NOW)
            held.looked(task, standing(), now=now)
        elif task:
            list(held.swept(task, rows, 1, now=now))
        now = held.next_moment()
    assert BELIEVED <= looks[0] <= BELIEVED + 60.0


def test_a_list_that_is_longer_than_there_are_waits_is_left_for_looks():
    held = agenda(*[5.0] * 3)
    list(held.swept(held.take(NOW), dict.fromkeys("012", WAITS), 4, now=NOW))
    now = held.next_moment()
    assert [type(held.take(now)) for _ in range(4)] == [Look, Look, Look, type(None)]


@pytest.mark.parametrize(
    ("told", "given", "project"),
    [
        ([], "prj_9", "prj_9"),
        ([None, None], "prj_9", "prj_9"),
        (["prj_1", "prj_1"], "prj_9", "prj_1"),
        (["prj_1", None], None, "prj_1"),
        (["prj_1", "prj_2"], "prj_9", None),
    ],
)
def test_what_content_tells_of_its_project_wins(told, given, project):
    assert project_of([standing(project_id=one) for one in told], given) == project


@pytest.mark.parametrize(
    ("moments", "first"),
    [
        ([], None),
        (["2026-04-18T12:00:00Z"], "2026-04-18T12:00:00Z"),
        (["2026-04-18T12:00:00Z", "2026-04-18T13:00:00+02:00"], "2026-04-18T13:00:00+02:00"),
        (["2026-04-18T12:00:00Z", None], None),
        (["2026-04-18T12:00:00Z", "soon"], None),
        (["2026-04-18T12:00:00Z"] * 2, "2026-04-18T12:00:00Z"),
    ],
)
def test_the_first_that_was_created_counts_where_it_is_known_of_all(moments, first):
    assert earliest([standing(created_at=one) for one in moments]) == first
