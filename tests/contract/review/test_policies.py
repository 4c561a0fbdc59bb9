"""A person is asked whatever the project's policy is, unless a person has decided already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_layers.exceptions import (
    LayersContentUnfinishedError,
    LayersPartialError,
    LayersPartialPermanentError,
    LayersReviewRejectedError,
)
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersPublishContentOperator,
    LayersScheduleContentOperator,
)
from tests.contract.bystander import posts_of, read
from tests.contract.review.reviewing import DeathError, Review, Reviews, by_a_program, in_layers

pytestmark = pytest.mark.airflow3

KEEPS_NO_DECISION = (
    "cannot be rejected there, so Layers keeps no decision. This DAG run does not continue with it. What is "
    "scheduled in Layers is still published unless you cancel it there."
)


@pytest.fixture
def unreviewed(api: Any, made: Any) -> Any:
    """Make a finished container of a project whose policy asks no one."""

    def make() -> str:
        policy = api.settings()["review_policy"]
        api.configure(review_policy="auto_approve")
        container = str(made())
        api.configure(review_policy=policy)
        return container

    return make


def targets(api: Any) -> list[dict[str, str]]:
    return [{"social_account_id": api.social_account_ids[0], "mode": "publish"}]


def publish(api: Any, container: str) -> LayersPublishContentOperator:
    return LayersPublishContentOperator(task_id="publish", container_id=container, targets=targets(api))


def test_nothing_is_published_before_a_person_approves_whatever_the_policy(
    reviews: Reviews, api: Any, airflow: Any, made: Any
) -> None:
    api.configure(review_policy="auto_approve")
    review = reviews.ask(made())
    assert reviews.status_of(review.container) == "not_required"
    assert "not required in Layers" in reviews.questions.asked[0]["body"]
    assert (posts_of(api), reviews.sent()) == ([], [])
    review.answer("Approve", reason="Nice.")
    assert (review.state, review.value, review.skipped) == ("success", review.container, None)
    assert reviews.sent() == [], "Layers refuses an approval of it, and the DAG run needs none"
    decision = review.xcoms["decision"]
    assert (decision["option"], decision["decided_by"], decision["reason"]) == ("Approve", "Ada", "Nice.")
    assert (decision["approved"], decision["warnings"]) == ([review.container], [])
    airflow.value(publish(api, review.value))
    assert [post["containerId"] for post in posts_of(api)] == [review.container]


@pytest.mark.parametrize("fail_on_reject", [False, True])
def test_a_rejection_of_content_that_needs_no_approval_stops_the_dag_run_only(
    fail_on_reject: bool, reviews: Reviews, api: Any, airflow: Any, unreviewed: Any, capfd: Any
) -> None:
    container = unreviewed()
    schedule = LayersScheduleContentOperator(
        task_id="s", container_id=container, targets=targets(api), scheduled_for="2040-07-01T09:00:00Z"
    )
    airflow.value(schedule)
    review = reviews.ask(container, fail_on_reject=fail_on_reject).answer("Reject", reason="Off brand.")
    assert reviews.sent() == [], "Layers would refuse it"
    assert [post["status"] for post in posts_of(api)] == ["queued"]
    if fail_on_reject:
        assert type(review.error) is LayersReviewRejectedError
        assert f"Content {container} was rejected by Ada: Off brand." in str(review.error)
    else:
        assert (review.state, review.value, review.skipped) == ("success", None, ["follow"])
    decision = review.xcoms["decision"]
    assert (decision["approved"], decision["approval_status"]) == ([], {container: "not_required"})
    (warning,) = decision["warnings"]
    assert warning.endswith(f"Ada answered Reject, but it needs no approval and {KEEPS_NO_DECISION}")
    assert warning in "".join(capfd.readouterr())


def test_clones_that_land_approved_past_the_first_n_are_asked_about(
    reviews: Reviews, api: Any, airflow: Any, made: Any
) -> None:
    api.configure(review_policy="review_first_n", first_n=1, past_first_n="approved", show_decider=True)
    in_layers(api, made(), "approve")
    clone = LayersCloneFromPostOperator(
        task_id="c", project_id=api.project_id, source_platform_post_id=api.top_post_ids[0]
    )
    container = airflow.run(clone).xcoms["container_id"]
    api.advance(60)
    assert reviews.status_of(container) == "approved"
    review = reviews.ask(container).answer("Reject")
    assert (review.value, review.skipped, reviews.sent()) == (None, ["follow"], [])
    (warning,) = review.xcoms["decision"]["warnings"]
    assert f"it was already approved in Layers and {KEEPS_NO_DECISION}" in warning


@pytest.mark.parametrize("show_decider", [False, True])
def test_an_approval_by_a_program_stands_in_for_no_person(
    show_decider: bool, reviews: Reviews, api: Any, airflow: Any, made: Any
) -> None:
    api.configure(show_decider=show_decider)
    container = made()
    airflow.value(LayersApproveContentOperator(task_id="approve", container_id=container))
    review = reviews.ask(container).answer("Approve")
    assert (review.value, reviews.sent()) == (container, [])


def test_a_rejection_by_a_program_needs_no_answer(reviews: Reviews, api: Any, made: Any) -> None:
    container = made()
    by_a_program(api, container, "reject")
    review = reviews.create(container).start_try()
    assert (review.state, review.skipped, reviews.questions.asked) == ("success", ["follow"], [])


def test_an_approval_by_a_person_of_an_earlier_version_does_not_count(
    reviews: Reviews, api: Any, made: Any
) -> None:
    """Where the policy asks no one, regenerating keeps the approval, and the name with it."""
    container = made()
    in_layers(api, container, "approve")
    api.configure(review_policy="auto_approve")
    by_a_program(api, container, "regenerate")
    assert type(reviews.create(container).start_try().error) is LayersContentUnfinishedError
    api.advance(60)
    assert read(api, f"/v1/content/{container}")["approvedBy"] == "user_1"
    assert reviews.ask(container).answer("Approve").value == container


def test_the_policy_stands_in_for_people_if_requested(
    reviews: Reviews, api: Any, made: Any, unreviewed: Any
) -> None:
    by_policy, by_program, pending = unreviewed(), made(), made()
    by_a_program(api, by_program, "approve")
    review = reviews.create([by_policy, by_program], ask_when="pending").start_try()
    assert (review.value, reviews.questions.asked) == ([by_policy, by_program], [])
    review = reviews.ask([by_policy, by_program, pending], ask_when="pending")
    assert list(review.xcoms["review"]["shown"]) == [pending]
    review.answer("Reject")
    assert (review.value, reviews.sent()) == ([by_policy, by_program], ["reject"])


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_undecided_content_of_every_kind_is_one_question(
    option: str, reviews: Reviews, api: Any, made: Any, unreviewed: Any
) -> None:
    by_person, rejected, by_program, pending = made(), made(), made(), made()
    by_policy = unreviewed()
    in_layers(api, by_person, "approve")
    in_layers(api, rejected, "reject")
    by_a_program(api, by_program, "approve")
    review = reviews.ask([by_person, by_policy, rejected, pending, by_program])
    assert list(review.xcoms["review"]["shown"]) == [by_policy, pending, by_program]
    review.answer(option)
    assert reviews.sent() == [option.lower()], "only one is pending in Layers"
    approved = [by_person, by_policy, pending, by_program] if option == "Approve" else [by_person]
    assert (review.state, review.value) == ("success", approved)
    assert review.xcoms["decision"]["approval_status"] == {
        by_person: "approved",
        by_policy: "not_required",
        rejected: "rejected",
        pending: "approved" if option == "Approve" else "rejected",
        by_program: "approved",
    }
    warned = {warning.split()[1].rstrip(":") for warning in review.xcoms["decision"]["warnings"]}
    assert warned == (set() if option == "Approve" else {by_policy, by_program})


# Versions, retries and clears of content that needs no approval


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", ["Approve", "Reject", "Regenerate"])
def test_content_that_needs_no_approval_and_has_changed_is_asked_about_again(
    option: str, reviews: Reviews, api: Any, made: Any
) -> None:
    api.configure(review_policy="auto_approve")
    review = reviews.ask(made())
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.answer(option)
    assert (review.state, review.version, reviews.sent()) == ("awaiting_input", 2, [])
    assert review.notice == f"Ada answered {option} to content that has changed since."
    assert review.answer("Approve", version=1).state == "awaiting_input"
    assert review.answer("Approve", version=2).value == review.container


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("status", ["not_required", "approved"])
def test_a_new_version_of_content_that_needs_no_approval_is_asked_about(
    status: str, reviews: Reviews, api: Any, made: Any, regenerations: Any
) -> None:
    container = made()
    if status == "approved":
        by_a_program(api, container, "approve")
    api.configure(review_policy="auto_approve")
    review = reviews.ask(container if status == "approved" else made())
    review.answer("Regenerate", topic="Walk.")
    assert (review.state, review.version, len(regenerations())) == ("awaiting_input", 2, 1)
    assert reviews.status_of(review.container) == status
    assert review.answer("Approve", version=2).value == review.container


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_about_content_that_needs_no_approval_outlives_the_process(
    option: str, memory: str, reviews: Reviews, unreviewed: Any
) -> None:
    review = reviews.create(unreviewed())
    review.on_push = lambda key: die() if key == "decision" and review.tries == 1 else None
    review.start_try()
    assert review.answer(option).state == "killed"
    review.start_try()
    if memory == "no store":
        assert review.state == "awaiting_input", "the answer died with the try"
        review.answer(option, version=review.version)
    assert len(reviews.questions.asked) == (1 if memory == "store" else 2)
    continues = option == "Approve"
    assert (review.value, review.skipped) == ((review.container, None) if continues else (None, ["follow"]))
    assert review.xcoms["decision"]["decided_by"] == "Ada"
    if memory == "store":
        assert review.start_try().value == (review.container if continues else None)
        assert len(reviews.questions.asked) == 1


def die() -> None:
    raise DeathError


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_clear_asks_again_where_layers_keeps_no_decision(
    option: str, reviews: Reviews, unreviewed: Any
) -> None:
    review = reviews.ask(unreviewed()).answer(option)
    assert review.clear().state == "awaiting_input"
    assert review.answer("Approve", version=review.version).value == review.container


def test_what_was_approved_before_a_clear_is_asked_about_once_it_has_changed(
    reviews: Reviews, api: Any
) -> None:
    review = reviews.ask().answer("Approve")
    api.configure(review_policy="auto_approve")
    in_layers(api, review.container, "regenerate")
    assert reviews.status_of(review.container) == "approved"
    assert review.clear().state == "awaiting_input"


@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_on_timeout_decides_about_content_that_needs_no_approval(
    on_timeout: str, reviews: Reviews, unreviewed: Any
) -> None:
    review = reviews.ask(unreviewed(), response_timeout=timedelta(days=2), on_timeout=on_timeout).time_out()
    continues = on_timeout == "approve"
    assert (review.value, review.skipped) == ((review.container, None) if continues else (None, ["follow"]))
    assert reviews.sent() == []


# Lists are carried through


def approve_with_a_failure(reviews: Reviews, api: Any, containers: list[str], **fault: Any) -> Review:
    """Approve several containers, and let the approval of the first fail."""
    review = reviews.ask(containers)
    api.fault("fail_before", method="POST", path=f"/v1/content/{containers[0]}/approve", **fault)
    return review.answer("Approve")


def test_the_next_try_carries_out_what_is_missing(memory: str, reviews: Reviews, api: Any, made: Any) -> None:
    first, second, third = containers = [made(), made(), made()]
    review = approve_with_a_failure(reviews, api, containers, times=5)
    assert type(review.error) is LayersPartialError
    assert str(review.error).startswith("The answer could not be carried out for 1 of 3 containers.\n")
    assert f"\n{first}: " in str(review.error)
    statuses = {first: "pending", second: "approved", third: "approved"}
    assert review.xcoms["decision"]["approval_status"] == statuses
    reviews.sent()
    review.start_try()
    if memory == "no store":
        review.answer("Approve", version=review.version)
    assert (review.value, reviews.sent()) == (containers, ["approve"])
    assert len(reviews.questions.asked) == (1 if memory == "store" else 2)


def test_after_a_clear_only_what_failed_is_asked_about(
    reviews: Reviews, api: Any, airflow: Any, made: Any, failure: Any
) -> None:
    if not airflow.with_store:
        pytest.skip("below Airflow 3.3 nothing says what the reviewer approved")
    containers = [made(), made(), made()]
    review = approve_with_a_failure(reviews, api, containers, status=403, code="FORBIDDEN_SCOPE")
    failure(review, LayersPartialPermanentError)
    reviews.sent()
    review.clear()
    assert list(review.xcoms["review"]["shown"]) == containers[:1]
    assert review.answer("Approve", version=review.version).value == containers
    assert reviews.sent() == ["approve"]


def test_what_failed_and_has_changed_is_asked_about_alone(
    reviews: Reviews, api: Any, airflow: Any, made: Any
) -> None:
    if not airflow.with_store:
        pytest.skip("below Airflow 3.3 nothing says what the reviewer approved")
    containers = [made(), made()]
    review = approve_with_a_failure(reviews, api, containers, times=5)
    in_layers(api, containers[0], "regenerate")
    review.start_try()
    assert (review.state, list(review.xcoms["review"]["shown"])) == ("awaiting_input", containers[:1])
