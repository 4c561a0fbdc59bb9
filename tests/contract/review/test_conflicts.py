"""Content is decided in Layers while a person is asked in Airflow: what was decided first holds."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_layers.exceptions import LayersPromotionError, LayersServerError
from airflow_provider_layers.operators.content import LayersScheduleContentOperator
from tests.contract.asking import ask, posts_of
from tests.contract.reviewing import Reviews, in_layers

pytestmark = [pytest.mark.airflow3, pytest.mark.usefixtures("memory")]

OPTIONS = ["Approve", "Reject", "Regenerate"]
VERBS = {"approve": "approved", "reject": "rejected"}
SURPRISES = {
    ("Approve", "reject"): "answered Approve after it had been rejected in Layers. It stays rejected.",
    ("Reject", "approve"): "Layers has it as approved: it was decided there before",
    ("Regenerate", "approve"): "after it had been decided in Layers. It stays approved, without a new take.",
    ("Regenerate", "reject"): "answered Regenerate after it had been rejected in Layers. It stays rejected.",
}


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


def warnings(capfd: Any) -> list[str]:
    return [line for line in capfd.readouterr().out.splitlines() if "[warning" in line]


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_was_decided_in_layers_holds_and_is_told(
    verb: str, option: str, reviews: Reviews, api: Any, capfd: Any
) -> None:
    review = reviews.begun()
    in_layers(api, review.container, verb)
    balance, jobs = ask(api, "/v1/credits"), len(api.jobs())
    reviews.sent()
    warnings(capfd)
    review.answer(option, reason="As I say.")
    assert (review.state, reviews.sent()) == ("success", [])
    assert reviews.status_of(review.container) == VERBS[verb]
    assert (ask(api, "/v1/credits"), len(api.jobs())) == (balance, jobs), "nothing was paid for"
    goes_on = verb == "approve" and option != "Reject"
    assert (review.value, review.skipped) == ((review.container, None) if goes_on else (None, ["follow"]))
    decision = review.xcoms["decision"]
    assert (decision["option"], decision["decided_by"]) == (option, "Ada")
    assert decision["approval_status"] == {review.container: VERBS[verb]}
    assert decision["approved"] == ([review.container] if goes_on else [])
    told, expected = warnings(capfd), SURPRISES.get((option, verb))
    assert len(told) == (1 if expected else 0)
    assert not expected or expected in told[0]


@pytest.mark.parametrize("option", ["Approve", "Reject"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_decision_between_our_look_and_our_word_holds(
    verb: str, option: str, reviews: Reviews, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_layers import client

    review, request = reviews.begun(), client._request

    def racing(endpoint: Any) -> Any:
        if endpoint.method == "POST":
            monkeypatch.setattr(client, "_request", request)
            in_layers(api, review.container, verb)
        return request(endpoint)

    monkeypatch.setattr(client, "_request", racing)
    review.answer(option)
    assert reviews.sent() == [verb, option.lower()], "theirs, and then ours, which is refused"
    assert (review.state, reviews.status_of(review.container)) == ("success", VERBS[verb])
    goes_on = (verb, option) == ("approve", "Approve")
    assert (review.value, review.skipped) == ((review.container, None) if goes_on else (None, ["follow"]))


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_one_of_several_that_was_decided_in_layers_does_not_stop_the_others(
    option: str, reviews: Reviews, api: Any, made: Any
) -> None:
    ours, rejected, approved = containers = [made(), made(), made()]
    review = reviews.begun(containers)
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


def test_content_that_was_decided_and_made_anew_is_asked_about_again(reviews: Reviews, api: Any) -> None:
    review = reviews.begun()
    in_layers(api, review.container, "approve")
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.answer("Approve")
    assert (review.state, review.take, reviews.sent()) == ("awaiting_input", 2, [])


def test_content_of_several_that_became_undecided_meanwhile_is_asked_about(
    reviews: Reviews, api: Any, made: Any
) -> None:
    first, second = made(), made()
    in_layers(api, second, "approve")
    review = reviews.begun([first, second])
    in_layers(api, second, "regenerate")
    reviews.sent()
    assert review.answer("Approve").state == "awaiting_input", "nobody was shown the second one"
    assert reviews.sent() == []
    assert review.answer("Approve", take=2).value == [first, second]


def test_a_new_take_is_not_asked_for_of_two_at_once(reviews: Reviews, api: Any, made: Any) -> None:
    """Airflow goes on offering what it offered first, when only one waited for a decision."""
    first, second = made(), made()
    in_layers(api, second, "approve")
    review = reviews.begun([first, second])
    in_layers(api, second, "regenerate")
    review.answer("Approve")
    reviews.sent()
    review.answer("Regenerate", take=2)
    assert (review.state, reviews.sent()) == ("awaiting_input", []), review.error
    assert review.notice


@pytest.mark.parametrize("option", ["Approve", "Reject"])
@pytest.mark.parametrize("fault", ["fail_after", "disconnect_after"])
def test_a_lost_answer_of_layers_is_asked_for_again_under_the_same_key(
    fault: str, option: str, reviews: Reviews, api: Any, posted: Any
) -> None:
    review = reviews.begun()
    api.fault(fault, method="POST")
    assert review.answer(option).state == "success"
    first, second = posted()
    assert first.idempotency_key == second.idempotency_key
    assert second.replayed


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_a_retry_after_an_outage_of_layers_ends_up_with_one_decision(
    option: str, reviews: Reviews, api: Any
) -> None:
    review = reviews.begun()
    api.fault("fail_after", method="POST", times=5)
    assert isinstance(review.answer(option).error, LayersServerError), "which Airflow retries"
    status = {"Approve": "approved", "Reject": "rejected"}[option]
    assert reviews.status_of(review.container) == status
    reviews.sent()
    review.begin()
    assert (review.state, reviews.sent()) == ("success", [])
    assert review.value == (review.container if option == "Approve" else None)


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_approval_lets_the_schedule_go_that_waited_for_it(
    option: str, reviews: Reviews, api: Any, airflow: Any, made: Any
) -> None:
    container = made()
    airflow.value(scheduled(api, container))
    reviews.begun(container).answer(option)
    assert len(posts_of(api)) == (1 if option == "Approve" else 0)


def test_an_approval_whose_schedule_fails_is_a_failure(
    reviews: Reviews, api: Any, airflow: Any, made: Any, failure: Any
) -> None:
    container = made()
    airflow.value(scheduled(api, container))
    api.configure(disconnected_accounts=api.social_account_ids)
    failure(reviews.begun(container).answer("Approve"), LayersPromotionError)
    assert reviews.status_of(container) == "approved"


def scheduled(api: Any, container: str) -> LayersScheduleContentOperator:
    targets = [{"social_account_id": api.social_account_ids[0], "mode": "publish"}]
    return LayersScheduleContentOperator(
        task_id="s", container_id=container, targets=targets, scheduled_for="2040-07-01T09:00:00Z"
    )
