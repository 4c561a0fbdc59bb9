"""A person asks for new versions, and every answer counts only for the version it names."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from tests.contract.bystander import read
from tests.contract.review.reviewing import Reviews, in_layers

pytestmark = pytest.mark.airflow3

OPTIONS = ["Approve", "Reject", "Regenerate"]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("deferrable", [True, False])
def test_a_new_version_is_made_once_and_then_asked_about(
    deferrable: bool, reviews: Reviews, posted: Any, regenerations: Any
) -> None:
    review = reviews.ask(deferrable=deferrable)
    review.answer("Regenerate", topic="Walk.", angle="Slow.", value_propositions=["Free."])
    assert (review.state, review.version, review.notice) == ("awaiting_input", 2, None)
    (sent,) = posted()
    assert sent.path == f"/v1/content/{review.container}/regenerate"
    assert sent.body == {"brief": {"topic": "Walk.", "angle": "Slow.", "valuePropositions": ["Free."]}}
    assert UUID(sent.idempotency_key).version == 4
    first, second = reviews.questions.asked
    assert "### Captions of version 1" in first["body"]
    assert "### Captions of version 2" in second["body"]
    assert second["params"]["version"]["value"] == 2
    assert reviews.questions.row.body == first["body"], "Airflow keeps the texts of the first question"

    review.answer("Approve", version=2)
    assert (review.state, review.value) == ("success", review.container)
    assert reviews.sent() == ["approve"]
    assert [job.status for job in regenerations()] == ["completed"]


def test_a_new_version_may_keep_the_media_and_change_nothing_else(
    reviews: Reviews, posted: Any, api: Any
) -> None:
    review = reviews.ask()
    before = read(api, f"/v1/content/{review.container}")["assets"]
    assert review.answer("Regenerate", preserve_assets=True).version == 2
    assert [request.body for request in posted()] == [{"preserveAssets": True}]
    assert read(api, f"/v1/content/{review.container}")["assets"] == before


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("named", [{"version": 1}, {"version": 3}, {}])
def test_an_answer_for_another_version_is_refused(
    named: dict[str, Any], option: str, reviews: Reviews
) -> None:
    review = reviews.ask().answer("Regenerate")
    assert reviews.sent() == ["regenerate"]
    review.answer_by_rest(option, named)
    assert (review.state, review.version) == ("awaiting_input", 2)
    assert review.notice == (
        f"The last answer was for version {named.get('version', 1)}, and this is version 2."
    )
    assert reviews.sent() == [], "nothing was decided, and nothing paid for"
    assert review.answer("Approve", version=2).state == "success"


@pytest.mark.parametrize("version", [0.5, -1, 10**30, "2", True, None, [1], {"version": 2}])
def test_a_version_that_is_no_number_never_counts_for_the_second(version: Any, reviews: Reviews) -> None:
    review = reviews.ask().answer("Regenerate")
    reviews.sent()
    review.answer_by_rest("Approve", {"version": version})
    assert (review.state, reviews.sent()) == ("awaiting_input", []), review.error


def test_the_form_as_airflow_opens_it_names_the_first_version(reviews: Reviews) -> None:
    """Airflow keeps the first form, too, so a reviewer of a later version has to change the number."""
    review = reviews.ask().answer("Regenerate")
    assert reviews.questions.form["version"] == 1
    assert review.answer("Approve").notice == "The last answer was for version 1, and this is version 2."


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", OPTIONS)
def test_content_that_changed_since_it_was_shown_is_asked_about_again(
    option: str, reviews: Reviews, api: Any
) -> None:
    review = reviews.ask()
    in_layers(api, review.container, "regenerate")
    reviews.sent()
    review.answer(option)
    assert (review.state, review.version) == ("awaiting_input", 2)
    assert review.notice == f"Ada answered {option} to content that has changed since."
    assert reviews.sent() == []
    assert reviews.status_of(review.container) == "pending"
    assert review.answer(option, version=1).notice.startswith("The last answer was for version 1")
    assert reviews.sent() == []
    assert review.answer("Reject", version=2).state == "success"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("option", OPTIONS)
def test_nothing_is_decided_while_somebody_else_regenerates(option: str, reviews: Reviews, api: Any) -> None:
    review = reviews.ask()
    in_layers(api, review.container, "regenerate", seconds=0)
    reviews.sent()
    review.answer(option)
    assert not isinstance(review.error, AirflowFailException), "it is over in a minute"
    api.advance(60)
    if review.state == "failed":
        review.start_try()
    assert (review.state, reviews.sent()) == ("awaiting_input", [])


def test_a_change_in_one_of_several_containers_decides_none(reviews: Reviews, api: Any, made: Any) -> None:
    containers = [made(), made()]
    review = reviews.ask(containers)
    in_layers(api, containers[1], "regenerate")
    reviews.sent()
    review.answer("Approve")
    assert (review.state, review.version, reviews.sent()) == ("awaiting_input", 2, [])
    review.answer("Approve", version=2)
    assert (review.value, reviews.sent()) == (containers, ["approve", "approve"])


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_versions_are_made_than_allowed(limit: int, reviews: Reviews, regenerations: Any) -> None:
    review = reviews.ask(max_regenerations=limit)
    for version in range(1, limit + 1):
        review.answer("Regenerate", version=version)
    assert (review.version, len(regenerations())) == (limit + 1, limit)
    review.answer("Regenerate", version=limit + 1)
    assert (review.state, review.version, len(regenerations())) == ("awaiting_input", limit + 1, limit)
    assert review.notice == f"No more than {limit} regenerations are allowed."
    assert review.answer("Approve", version=limit + 1).state == "success"


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize(
    ("brief", "text"),
    [
        ({"topic": "[blocked] words"}, "MODERATION_BLOCKED"),
        ({"value_propositions": [f"Number {number}." for number in range(21)]}, "at most 20"),
    ],
)
def test_a_refused_brief_can_be_changed(
    brief: dict[str, Any], text: str, reviews: Reviews, regenerations: Any
) -> None:
    review = reviews.ask().answer("Regenerate", **brief)
    assert (review.state, review.version) == ("awaiting_input", 1), review.error
    assert review.notice.startswith("There is no new version; this is the previous one. ")
    assert text in review.notice
    assert regenerations() == []
    review.answer("Regenerate", topic="Walk.")
    assert (review.state, review.version, review.notice) == ("awaiting_input", 2, None), review.notice
    assert len(regenerations()) == 1


@pytest.mark.usefixtures("memory")
def test_without_credits_the_previous_version_can_be_approved(
    reviews: Reviews, api: Any, regenerations: Any
) -> None:
    review = reviews.ask()
    api.configure(credits=0)
    review.answer("Regenerate")
    assert (review.state, review.version) == ("awaiting_input", 1)
    assert "BILLING_EXHAUSTED" in review.notice
    assert review.answer("Approve").state == "success"
    assert regenerations() == []


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("topic", ["Walk.", "Run."])
@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_regeneration_that_failed_can_be_asked_for_again(
    status: str, topic: str, reviews: Reviews, api: Any, regenerations: Any
) -> None:
    review = reviews.ask()
    api.outcome(status, kind="content_regenerate")
    review.answer("Regenerate", topic="Walk.")
    assert (review.state, review.version) == ("awaiting_input", 1)
    assert review.notice.startswith("There is no new version; this is the previous one. Layers job job_")
    review.answer("Regenerate", topic=topic)
    assert (review.state, review.version, review.notice) == ("awaiting_input", 2, None), review.error
    assert [job.status for job in regenerations()] == [status, "completed"]


@pytest.mark.usefixtures("memory")
def test_a_regeneration_that_failed_can_be_asked_for_again_after_a_retry(
    reviews: Reviews, api: Any, regenerations: Any
) -> None:
    review = reviews.ask()
    api.outcome("failed", kind="content_regenerate")
    review.answer("Regenerate", topic="Walk.")
    assert review.start_try().state == "awaiting_input"
    review.answer("Regenerate", topic="Run.", version=review.version)
    assert (review.state, review.notice) == ("awaiting_input", None), review.error
    assert [job.status for job in regenerations()] == ["failed", "completed"]


@pytest.mark.usefixtures("memory")
def test_a_new_version_that_looks_like_the_previous_one_can_be_regenerated(
    reviews: Reviews, api: Any, regenerations: Any
) -> None:
    review = reviews.ask()
    container = read(api, f"/v1/content/{review.container}")
    path = f"/v1/content/{review.container}"
    api.fault("garbage", method="GET", path=path, times=None, status=200, body=json.dumps(container))
    for count in (1, 2):
        review.answer("Regenerate", topic="Walk.")
        assert (review.state, review.version, len(regenerations())) == ("awaiting_input", 1, count)


@pytest.mark.usefixtures("memory")
def test_an_approval_is_no_replay_of_the_approval_of_an_earlier_version(
    reviews: Reviews, api: Any, posted: Any
) -> None:
    review = reviews.ask()
    api.fault("fail_after", method="POST", times=5)
    assert review.answer("Approve").state == "failed", "Layers approved it, and every response was lost"
    in_layers(api, review.container, "regenerate")
    assert review.start_try().state == "awaiting_input"
    posted()
    assert review.answer("Approve", version=review.version).state == "success"
    assert [request.replayed for request in posted()] == [False]
    assert reviews.status_of(review.container) == "approved"
