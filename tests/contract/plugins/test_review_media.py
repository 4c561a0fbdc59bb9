"""What a review shows beside its words: always what is asked about now, and nothing that is not."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.contract.plugins.conftest import Run, tell

pytestmark = pytest.mark.airflow3

PARTS = ["review/card", "review/1", "review/media"]
HOOK = "An opening line <&> *for* everybody"


@pytest.fixture
def asked(run, content, api):
    """A task instance that asks about one container: ``asked(take=2)`` gives how to ask for its parts."""

    def ask(review: Any = None, *, containers: list[str] | None = None, **others: Any) -> dict[str, Any]:
        made = containers or content(hook=HOOK)["containerIds"]
        there = run()
        there.push(tell(*made), task_id="review", state="awaiting_input")
        shown = {one: fingerprint(api, one) for one in made}
        push(there, {"take": 1, "shown": shown, "notice": None, **others} if review is None else review)
        return {**there.query, "task_id": "review", "map_index": -1, "words": 1, "containers": made}

    return ask


def push(run: Run, value: Any) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    row = {"task_id": "review", "map_index": -1, "dag_id": run.dag_id, "run_id": run.run_id}
    number = select(DagRun.id).where(DagRun.dag_id == run.dag_id, DagRun.run_id == run.run_id)
    with create_session() as session:
        session.add(XComModel(**row, key="review", value=value, dag_run_id=session.scalar(number)))


def read(api: Any, container_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {api.api_key}"}
    answer = httpx.get(f"{api.url}/v1/content/{container_id}", headers=headers, trust_env=False)
    return answer.raise_for_status().json()


def fingerprint(api: Any, container_id: str) -> str:
    from airflow_provider_layers.api.exhibit import exhibit

    return exhibit(read(api, container_id)).fingerprint


def words_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "image/svg+xml"
    return " ".join(text.text or "" for text in ET.fromstring(answer.content).iter() if text.text)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("user", "status"), [(None, 401), ("nobody", 403), ("reads-other", 403)])
def test_who_may_not_read_the_dag_sees_nothing(part, user, status, asked, get, reads):
    place = asked()
    reads()
    answer = get(part, user=user, **place)
    assert (answer.status_code, "cnt_" in answer.text, reads()) == (status, False, [])


def test_the_card_of_the_first_take_says_that_the_words_belong_to_it(asked, get):
    answer = get("review/card", **asked())
    assert "Take 1" in words_of(answer)
    assert "belong to it" in words_of(answer)
    assert "no-store" in answer.headers["cache-control"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_card_of_a_later_take_has_the_words_that_count(asked, get):
    said = words_of(get("review/card", **asked(take=2, notice="There was no new take.")))
    assert "Take 2" in said
    assert "Set the field Take to 2" in said
    assert "There was no new take." in said
    assert HOOK in said


def test_pictures_and_films_are_where_the_api_keeps_them(asked, get, api):
    place = asked()
    pictures = read(api, place["containers"][0])["preview"]["imageUrls"]
    for number, url in enumerate(pictures, start=1):
        answer = get(f"review/{number}", **place)
        assert (answer.status_code, answer.headers["location"]) == (302, url)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "no-store" in answer.headers["cache-control"]
    assert get("review/media", **place).headers["location"] == pictures[0]


def test_a_picture_that_is_not_there_is_blank(asked, get):
    answer = get("review/9", **asked())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


def test_content_that_changed_since_is_not_shown(asked, get, content, api):
    place = asked(shown={content(hook="x")["containerIds"][0]: "0123456789abcdef"})
    assert "changed since it was asked about" in words_of(get("review/card", **place))
    assert "location" not in get("review/1", **place).headers


def test_the_next_take_is_read_anew_at_once(asked, get, api, reads):
    place = asked()
    get("review/card", **place)
    reads()
    get("review/1", **place)
    assert reads() == []
    # What is asked about now has another fingerprint, so that nothing that was kept serves for it.
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    (container,) = place["containers"]
    value = {"take": 2, "shown": {container: "f" * 16}, "notice": None}
    with create_session() as session:
        session.execute(update(XComModel).where(XComModel.key == "review").values(value=value))
    assert "changed since" in words_of(get("review/card", **place))
    assert len(reads()) == 1


@pytest.mark.parametrize(
    "review",
    [
        None,
        "text",
        {},
        {"take": "1", "shown": {}},
        {"take": 1, "shown": ["cnt_1"]},
        {"take": 1, "shown": {"cnt_1": 2}},
        {"take": 1, "shown": {"../../jobs/job_1": "0123456789abcdef"}},
        {"take": 1, "shown": {"cnt_unknown": "0123456789abcdef"}},
    ],
    ids=str,
)
def test_whatever_a_task_pushes_nothing_is_shown_and_nothing_breaks(review, run, get):
    there = run()
    there.push(tell("cnt_1"), task_id="review")
    if review is not None:
        push(there, review)
    place = {**there.query, "task_id": "review"}
    assert get("review/card", **place).status_code == 200
    assert "location" not in get("review/1", **place).headers


@pytest.mark.parametrize("place", [{"map_index": 10**30}, {"words": 10**30}, {"map_index": "x"}], ids=str)
def test_numbers_have_their_limits(place, asked, get):
    assert get("review/card", **{**asked(), **place}).status_code == 422


@pytest.mark.parametrize("part", ["review/0", "review/1000", "review/secrets", "review/-1"])
def test_there_are_no_other_parts(part, asked, get):
    assert get(part, **asked()).status_code == 422
