"""Content is decided in Layers while a person is asked in Airflow: the first decision holds."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import LayersPromotionError, LayersServerError
from airflow_provider_layers.operators.content import LayersScheduleContentOperator
from tests.contract.bystander import posts_of, read
from tests.contract.review.reviewing import Reviews, in_layers

pytestmark = [pytest.mark.airflow3, pytest.mark.usefixtures("memory")]

OPTIONS = ["Approve", "Reject", "Regenerate"]
VERBS = {"approve": "approved", "reject": "rejected"}
CONFLICTS = {
    ("Approve", "reject"): "answered Approve, but it was already rejected in Layers and stays rejected.",
    ("Reject", "approve"): "answered Reject, but it was already approved in Layers and cannot be rejected",
    ("Regenerate", "approve"): "answered Regenerate, but it was already decided in Layers. It stays approved",
    ("Regenerate", "reject"): "answered Regenerate, but it was already rejected in Layers",
}


def warnings(capfd: Any) -> list[str]:
    return [line for line in capfd.readouterr().out.splitlines() if "[warning" in line]


def scheduled(api: Any, container: str) -> LayersScheduleContentOperator:
    targets = [{"social_account_id": api.social_account_ids[0], "mode": "publish"}]
    return LayersScheduleContentOperator(
        task_id="s", container_id=container, targets=targets, scheduled_for="2040-07-01T09:00:00Z"
    )


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_decision_in_layers_holds_and_a_conflict_is_logged(
    verb: str, option: str, reviews: Reviews, api: Any, capfd: Any
) -> None:
    review = reviews.ask()
    in_layers(api, review.container, verb)
    balance, jobs = read(api, "/v1/credits"), len(api.jobs())
    reviews.sent()
    warnings(capfd)
    review.answer(option, reason="As I say.")
    assert (review.state, reviews.sent()) == ("success", [])
    assert reviews.status_of(review.container) == VERBS[verb]
    assert (read(api, "/v1/credits"), len(api.jobs())) == (balance, jobs), "nothing was paid for"
    continues = verb == "approve" and option != "Reject"
    assert (review.value, review.skipped) == ((review.container, None) if continues else (None, ["follow"]))
    decision = review.xcoms["decision"]
    assert (decision["option"], decision["decided_by"]) == (option, "Ada")
    assert decision["approval_status"] == {review.container: VERBS[verb]}
    assert decision["approved"] == ([review.container] if continues else [])
    logged, expected = warnings(capfd), CONFLICTS.get((option, verb))
    assert len(logged) == (1 if expected else 0)
    assert not expected or expected in logged[0]


@pytest.mark.parametrize("option", ["Approve", "Reject"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_decision_between_our_comparison_and_our_request_holds(
    verb: str, option: str, reviews: Reviews, api: Any, wire: Any
) -> None:
    review = reviews.ask()

    def decide_first(request: Any) -> None:
        if request.method == "POST":
            in_layers(api, review.container, verb)

    wire.on_request = decide_first
    review.answer(option)
    assert reviews.sent() == [option.lower()], "which is refused"
    assert (review.state, reviews.status_of(review.container)) == ("success", VERBS[verb])
    continues = (verb, option) == ("approve", "Approve")
    assert (review.value, review.skipped) == ((review.container, None) if continues else (None, ["follow"]))


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_containers_decided_in_layers_do_not_stop_the_others(
    option: str, reviews: Reviews, api: Any, made: Any
) -> None:
    ours, rejected, approved = containers = [made(), made(), made()]
    review = reviews.ask(containers)
    in_layers(api, rejected, "reject")
    in_layers(api, approved, "approve")
    reviews.sent()
    review.answer(option)
    assert (review.state, reviews.sent()) == ("success", [option.lower()])
    assert review.value == ([ours, approved] if option == "Approve" else None)
    assert review.xcoms["decision"]["approval_status"] == {
        ours: "approved" if option == "Approve" else "rejected",
        rejected: "rejected",
        approved: "approved",
    }


def test_content_that_was_decided_and_then_regenerated_is_asked_about_again(
    reviews: Reviews, api: Any
) -> None:
    review = reviews.ask()
    in_layers(api, review.container, "approve")
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.answer("Approve")
    assert (review.state, review.version, reviews.sent()) == ("awaiting_input", 2, [])


def test_a_container_that_became_pending_is_asked_about(reviews: Reviews, api: Any, made: Any) -> None:
    first, second = made(), made()
    in_layers(api, second, "approve")
    review = reviews.ask([first, second])
    in_layers(api, second, "regenerate")
    reviews.sent()
    assert review.answer("Approve").state == "awaiting_input", "the second one was not shown"
    assert reviews.sent() == []
    assert review.answer("Approve", version=2).value == [first, second]


def test_two_containers_are_not_regenerated_at_once(reviews: Reviews, api: Any, made: Any) -> None:
    """Airflow keeps offering the option of the first question, when only one container was pending."""
    first, second = made(), made()
    in_layers(api, second, "approve")
    review = reviews.ask([first, second])
    in_layers(api, second, "regenerate")
    review.answer("Approve")
    reviews.sent()
    review.answer("Regenerate", version=2)
    assert (review.state, reviews.sent()) == ("awaiting_input", []), review.error
    assert review.notice == "Regenerate works for one container at a time."


@pytest.mark.parametrize("option", ["Approve", "Reject"])
@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
def test_a_lost_response_is_requested_again_with_the_same_key(
    fault: str, option: str, reviews: Reviews, api: Any, posted: Any
) -> None:
    review = reviews.ask()
    api.fault(fault, method="POST")
    assert review.answer(option).state == "success"
    first, second = posted()
    assert first.idempotency_key == second.idempotency_key
    assert second.replayed


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_retry_after_an_outage_finds_the_decision(
    option: str, memory: str, reviews: Reviews, api: Any
) -> None:
    review = reviews.ask()
    api.fault("fail_after", method="POST", times=5)
    assert isinstance(review.answer(option).error, LayersServerError), "which Airflow retries"
    status = {"Approve": "approved", "Reject": "rejected"}[option]
    assert reviews.status_of(review.container) == status
    reviews.sent()
    review.start_try()
    if memory == "no store" and option == "Approve":
        assert review.state == "awaiting_input", "the answer died with the try, and Layers names no person"
        review.answer(option, version=review.version)
    assert (review.state, reviews.sent()) == ("success", [])
    assert review.value == (review.container if option == "Approve" else None)


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_approval_releases_the_schedule_that_waited_for_it(
    option: str, reviews: Reviews, api: Any, airflow: Any, made: Any
) -> None:
    container = made()
    airflow.value(scheduled(api, container))
    reviews.ask(container).answer(option)
    assert len(posts_of(api)) == (1 if option == "Approve" else 0)


def test_an_approval_whose_schedule_fails_is_a_failure(
    reviews: Reviews, api: Any, airflow: Any, made: Any, failure: Any
) -> None:
    container = made()
    airflow.value(scheduled(api, container))
    api.configure(disconnected_accounts=api.social_account_ids)
    failure(reviews.ask(container).answer("Approve"), LayersPromotionError)
    assert reviews.status_of(container) == "approved"
