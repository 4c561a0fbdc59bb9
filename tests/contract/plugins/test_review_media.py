"""What a review shows beside its text is always the version that it asks about now."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3

PARTS = ["review/card", "review/1", "review/media"]
HOOK = "An opening line <&> *for* everybody"


@pytest.fixture
def fingerprint(send):
    from airflow_provider_layers.review.preview import content_preview

    return lambda container_id: content_preview(send("GET", f"/v1/content/{container_id}")).fingerprint


@pytest.fixture
def question(run, content, fingerprint):
    """Add a task instance that asks about a container, and return the parameters of a request for it."""

    def add(**state):
        (container,) = content(hook=HOOK)["containerIds"]
        added = run()
        added.add_task(ui_data(container), "review", state="awaiting_input")
        value = {"version": 1, "shown": {container: fingerprint(container)}, "notice": None, **state}
        added.push(value, "review", key="review")
        return {**added.query, "task_id": "review", "map_index": -1, "version": 1}

    return add


def card_text(response):
    assert response.headers["content-type"] == "image/svg+xml"
    return " ".join(element.text for element in ET.fromstring(response.content).iter() if element.text)


def has_location(response):
    return "location" in response.headers


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("user", "status"), [(None, 401), ("nobody", 403), ("reads-other", 403)])
def test_who_may_not_read_the_dag_sees_nothing(part, user, status, question, get, reads):
    query = question()
    reads()
    response = get(part, user=user, **query)
    assert (response.status_code, "cnt_" in response.text, has_location(response)) == (status, False, False)
    assert reads() == []


def test_the_card_of_the_version_whose_captions_are_in_the_text(question, get):
    response = get("review/card", **question())
    text = card_text(response)
    assert ("Version 1" in text, "belong to this version" in text) == (True, True)
    assert "no-store" in response.headers["cache-control"]
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_the_card_of_a_later_version_has_its_own_captions(question, get):
    text = card_text(get("review/card", **question(version=2, notice="No new version was made.")))
    for part in ("Version 2", "Set the field Version to 2", "No new version was made.", HOOK):
        assert part in text


def test_pictures_are_loaded_from_where_the_api_stores_them(question, get, api, send):
    query = question()
    (container_id,) = [job.container_ids[0] for job in api.jobs()]
    pictures = send("GET", f"/v1/content/{container_id}")["preview"]["imageUrls"]
    responses = [get(f"review/{number}", **query) for number in range(1, len(pictures) + 1)]
    assert [response.headers["location"] for response in responses] == pictures
    for response in responses:
        assert response.status_code == 302
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "no-store" in response.headers["cache-control"]
    assert get("review/media", **query).headers["location"] == pictures[0]


def test_a_picture_that_the_version_does_not_have_is_blank(question, get):
    response = get("review/9", **question())
    assert (response.status_code, response.headers["content-type"]) == (200, "image/svg+xml")


def test_content_that_has_changed_is_not_shown(question, get, content):
    query = question(shown={content(hook="x")["containerIds"][0]: "0123456789abcdef"})
    assert "content has changed" in card_text(get("review/card", **query))
    assert not has_location(get("review/1", **query))


def test_the_next_version_is_read_at_once(question, get, content, fingerprint, reads):
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    query = question()
    assert "Version 1" in card_text(get("review/card", **query))
    reads()
    assert has_location(get("review/1", **query))
    assert reads() == [], "the parts of a version are read together"
    (other,) = content(hook="The new opening line")["containerIds"]
    value = {"version": 2, "shown": {other: fingerprint(other)}, "notice": None}
    reads()
    with create_session() as session:
        session.execute(update(XComModel).where(XComModel.key == "review").values(value=value))
    assert "The new opening line" in card_text(get("review/card", **query))
    assert reads() == [f"/v1/content/{other}"]


@pytest.mark.parametrize(
    "review",
    [
        None,
        "text",
        {},
        {"version": "1", "shown": {}},
        {"version": 1, "shown": {"cnt_1": 2}},
        {"version": 1, "shown": {"../../jobs/job_1": "0123456789abcdef"}},
        {"version": 1, "shown": {"cnt_unknown": "0123456789abcdef"}},
    ],
    ids=str,
)
def test_whatever_a_task_pushes_nothing_is_shown_and_nothing_fails(review, run, get):
    added = run()
    added.add_task(ui_data("cnt_1"), "review")
    if review is not None:
        added.push(review, "review", key="review")
    query = {**added.query, "task_id": "review"}
    assert get("review/card", **query).status_code == 200
    assert not has_location(get("review/1", **query))


@pytest.mark.parametrize(("name", "least", "most"), [("map_index", -1, 2**31 - 1), ("version", 0, 2**31 - 1)])
def test_numbers_have_limits(name, least, most, question, get):
    query = question()
    numbers = [least - 1, least, most, most + 1, "x"]
    statuses = [get("review/card", **{**query, name: number}).status_code for number in numbers]
    assert statuses == [422, 200, 200, 422, 422]


@pytest.mark.parametrize("part", ["review/0", "review/1000", "review/secrets", "review/-1"])
def test_there_are_no_other_parts(part, question, get):
    assert get(part, **question()).status_code == 422
