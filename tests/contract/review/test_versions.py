"""A person asks for a new take, and every answer counts for the take that it was given to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.api.exhibit import Exhibit
from tests.contract.asking import ask
from tests.contract.reviewing import Reviews, in_layers

pytestmark = pytest.mark.airflow3

OPTIONS = ["Approve", "Reject", "Regenerate"]


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    return Reviews(api, airflow, made, posted, monkeypatch)


@pytest.fixture
def takes(api: Any) -> Any:
    """Give the jobs that made new takes."""
    return lambda: [one for one in api.jobs() if one.kind == "content_regenerate"]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_new_take_is_made_once_and_asked_about_and_approved(
    deferrable: bool, reviews: Reviews, posted: Any, takes: Any
) -> None:
    review = reviews.begun(deferrable=deferrable)
    review.answer("Regenerate", topic="Walk.", angle="Slow.", value_propositions=["Free."])
    assert (review.state, review.take, review.notice) == ("awaiting_input", 2, None)
    (sent,) = posted()
    assert sent.path == f"/v1/content/{review.container}/regenerate"
    assert sent.body == {"brief": {"topic": "Walk.", "angle": "Slow.", "valuePropositions": ["Free."]}}
    assert UUID(sent.idempotency_key).version == 4
    first, second = reviews.desk.asked
    assert ("### Take 1 in words" in first["body"], "### Take 2 in words" in second["body"]) == (True, True)
    assert second["params"]["take"]["value"] == 2
    assert reviews.desk.row.body == first["body"], "Airflow goes on showing the words of the first"

    review.answer("Approve", take=2)
    assert (review.state, review.value) == ("success", review.container)
    assert reviews.sent() == ["approve"]
    assert [one.status for one in takes()] == ["completed"]


def test_a_new_take_may_keep_the_media_and_change_nothing_else(
    reviews: Reviews, posted: Any, api: Any
) -> None:
    review = reviews.begun()
    before = ask(api, f"/v1/content/{review.container}")["assets"]
    assert review.answer("Regenerate", preserve_assets=True).take == 2
    assert [one.body for one in posted()] == [{"preserveAssets": True}]
    assert ask(api, f"/v1/content/{review.container}")["assets"] == before


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("named", [{"take": 1}, {"take": None}, {"take": "2"}, {"take": 3}, {}])
def test_an_answer_that_names_another_take_or_none_is_asked_again(
    named: dict[str, Any], option: str, reviews: Reviews
) -> None:
    review = reviews.begun().answer("Regenerate")
    assert reviews.sent() == ["regenerate"]
    review.answer_by_rest(option, named)
    assert (review.state, review.take) == ("awaiting_input", 2)
    assert review.notice.startswith("The last answer was for take ")
    assert review.notice.endswith("and this is take 2.")
    assert reviews.sent() == [], "nothing was decided, and nothing paid for"
    assert review.answer("Approve", take=2).state == "success"


def test_the_form_as_airflow_opens_it_names_the_first_take(reviews: Reviews) -> None:
    """Airflow does not change it either, so whoever looks at the second take has to say so."""
    review = reviews.begun().answer("Regenerate")
    assert reviews.desk.form["take"] == 1
    assert review.answer("Approve").notice == "The last answer was for take 1, and this is take 2."


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", OPTIONS)
def test_content_that_changed_since_it_was_shown_is_asked_about_again(
    option: str, reviews: Reviews, api: Any
) -> None:
    review = reviews.begun()
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.answer(option)
    assert (review.state, review.take) == ("awaiting_input", 2)
    assert review.notice == f"Ada answered {option} to what was shown before the content changed."
    assert reviews.sent() == []
    assert reviews.status_of(review.container) == "pending"
    assert review.answer(option, take=1).notice == "The last answer was for take 1, and this is take 2."
    assert reviews.sent() == []
    assert review.answer("Reject", take=2).state == "success"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_is_decided_while_somebody_else_has_a_new_take_made(
    option: str, reviews: Reviews, api: Any
) -> None:
    review = reviews.begun()
    in_layers(api, review.container, "regenerate", seconds=0)
    reviews.sent()
    review.answer(option)
    assert not isinstance(review.error, AirflowFailException), "it is over in a minute"
    api.advance(60)
    if review.state == "failed":
        review.begin()
    assert (review.state, reviews.sent()) == ("awaiting_input", [])


def test_a_change_in_one_of_several_decides_none(reviews: Reviews, api: Any, made: Any) -> None:
    containers = [made(), made()]
    review = reviews.begun(containers)
    in_layers(api, containers[1], "regenerate")
    reviews.sent()
    review.answer("Approve")
    assert (review.state, review.take, reviews.sent()) == ("awaiting_input", 2, [])
    review.answer("Approve", take=2)
    assert (review.value, reviews.sent()) == (containers, ["approve", "approve"])


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("most", [1, 2])
def test_no_more_takes_are_made_than_allowed(most: int, reviews: Reviews, takes: Any) -> None:
    review = reviews.begun(max_regenerations=most)
    for take in range(1, most + 1):
        review.answer("Regenerate", take=take)
    assert (review.take, len(takes())) == (most + 1, most)
    review.answer("Regenerate", take=most + 1)
    assert (review.state, review.take, len(takes())) == ("awaiting_input", most + 1, most)
    assert review.notice == f"There were {most} new takes, which is the most."
    assert review.answer("Approve", take=most + 1).state == "success"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("brief", "text"),
    [
        ({"topic": "[blocked] words"}, "MODERATION_BLOCKED"),
        ({"value_propositions": [f"Number {number}." for number in range(21)]}, "at most 20"),
    ],
)
def test_a_brief_that_is_refused_can_be_given_anew(
    brief: dict[str, Any], text: str, reviews: Reviews, takes: Any
) -> None:
    review = reviews.begun().answer("Regenerate", **brief)
    assert (review.state, review.take) == ("awaiting_input", 1), review.error
    assert review.notice.startswith("There is no new take, this is the one before. ")
    assert text in review.notice
    assert takes() == []
    review.answer("Regenerate", topic="Walk.")
    assert (review.state, review.take, review.notice) == ("awaiting_input", 2, None), review.notice
    assert len(takes()) == 1


@pytest.mark.usefixtures("memory")
def test_without_credits_there_is_no_new_take_and_the_one_before_can_be_approved(
    reviews: Reviews, api: Any, takes: Any
) -> None:
    review = reviews.begun()
    api.configure(credits=0)
    review.answer("Regenerate")
    assert (review.state, review.take) == ("awaiting_input", 1)
    assert "BILLING_EXHAUSTED" in review.notice
    assert review.answer("Approve").state == "success"
    assert takes() == []


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("again", ["Walk.", "Run."])
@pytest.mark.parametrize("ended", ["failed", "canceled"])
def test_a_take_that_came_to_nothing_can_be_asked_for_again(
    ended: str, again: str, reviews: Reviews, api: Any, takes: Any
) -> None:
    review = reviews.begun()
    api.outcome(ended, kind="content_regenerate")
    review.answer("Regenerate", topic="Walk.")
    assert (review.state, review.take) == ("awaiting_input", 1)
    assert review.notice.startswith("There is no new take, this is the one before. Layers job job_")
    review.answer("Regenerate", topic=again)
    assert (review.state, review.take, review.notice) == ("awaiting_input", 2, None), review.error
    assert [one.status for one in takes()] == [ended, "completed"]


@pytest.mark.usefixtures("memory")
def test_a_new_take_that_looks_the_same_can_be_asked_for_again(
    reviews: Reviews, takes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exhibit, "fingerprint", "the same")
    review = reviews.begun()
    for count in (1, 2):
        review.answer("Regenerate", topic="Walk.")
        assert (review.state, review.take, len(takes())) == ("awaiting_input", 1, count)


@pytest.mark.usefixtures("memory")
def test_a_take_that_came_to_nothing_is_not_in_the_way_of_one_that_a_retry_is_asked_for(
    reviews: Reviews, api: Any, takes: Any
) -> None:
    review = reviews.begun()
    api.outcome("failed", kind="content_regenerate")
    review.answer("Regenerate", topic="Walk.")
    assert review.begin().state == "awaiting_input", "the try after it"
    review.answer("Regenerate", topic="Run.", take=review.take)
    assert (review.state, review.notice) == ("awaiting_input", None), review.error
    assert [one.status for one in takes()] == ["failed", "completed"]
