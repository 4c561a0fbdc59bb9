from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from airflow_provider_layers.plugins import pages
from airflow_provider_layers.plugins.found import NO_CONNECTION, STILL_PENDING, Found
from airflow_provider_layers.plugins.mention import Mention
from airflow_provider_layers.plugins.loader import CONTENT, JOB, POST


class Reader:
    """Knows what a test says, and nothing of the rest."""

    def __init__(self, **known):
        self.known = known
        self.rounds = []

    def read(self, wanted):
        self.rounds.append([one.name for one in wanted])
        return {one: self.known.get(one.name, Found("not_found", settled=True)) for one in wanted}


def mention(*container_ids, task_id="make", map_index=-1, job_id=None, posts=(), conn_id="layers_default"):
    return Mention(task_id, map_index, conn_id, job_id, container_ids, tuple(posts))


def records(*mentions, unfinished=False, cut=False):
    return SimpleNamespace(mentions=mentions, unfinished=unfinished, cut=cut)


def done(**shown):
    return Found("known", {"container_id": None, **shown}, settled=True)


def busy(**shown):
    return Found("known", {"container_ids": [], **shown}, keep=5.0)


def ids(entries):
    return [one["id"] for one in entries]


@pytest.fixture(params=[pages.of_task_instance, pages.of_run], ids=["task instance", "run"])
def tell(request):
    return request.param


def test_nothing(tell):
    page = tell(records(), Reader())
    assert page == {
        "jobs": [],
        "containers": [],
        "posts": [],
        "errors": [],
        "left_out": 0,
        "cut": False,
        "again_in": None,
    }


def test_one_read_for_all_that_is_known_at_first(tell):
    reader = Reader(c1=done(), p1=done())
    tell(records(mention("c1", posts=["p1"]), mention("c2", "c1", task_id="other")), reader)
    assert reader.rounds == [["c1", "p1", "c2"], []]


def test_content_is_shown_once_with_all_its_tasks(tell):
    page = tell(records(mention("c1"), mention("c1", task_id="b", map_index=2), mention("c1")), Reader())
    (card,) = page["containers"]
    assert card["tasks"] == [{"task_id": "make", "map_index": -1}, {"task_id": "b", "map_index": 2}]


def test_the_same_id_behind_two_connections_is_two(tell):
    page = tell(records(mention("c1"), mention("c1", conn_id="other")), Reader())
    assert ids(page["containers"]) == ["c1", "c1"]


def test_a_task_instance_shows_its_job_even_when_it_has_ended():
    found = records(mention("c1", job_id="j1"))
    assert ids(pages.of_task_instance(found, Reader(j1=done(container_ids=[]), c1=done()))["jobs"]) == ["j1"]
    reader = Reader(j1=done(container_ids=[]), c1=done())
    assert pages.of_run(found, reader)["jobs"] == []
    assert reader.rounds == [["c1"], []]


def test_a_run_shows_the_jobs_of_content_that_is_being_made():
    page = pages.of_run(
        records(mention("c1", job_id="j1"), mention("c2", job_id="j2")),
        Reader(c1=busy(), c2=done(), j1=busy()),
    )
    assert ids(page["jobs"]) == ["j1"]
    assert [one["job_ids"] for one in page["containers"]] == [["j1"], ["j2"]]


def test_what_a_job_names_is_shown_although_the_task_did_not_say_so(tell):
    reader = Reader(j1=done(container_ids=["c1", "c2"]), c1=done())
    page = tell(records(mention(job_id="j1")), reader)
    assert ids(page["containers"]) == ["c1", "c2"]
    assert reader.rounds == [["j1"], ["c1", "c2"]]


def test_posts_are_with_their_content_or_on_their_own(tell):
    reader = Reader(p1=done(container_id="c1"), p2=done(container_id="elsewhere"), p3=STILL_PENDING)
    page = tell(records(mention("c1", posts=["p1", "p2", "p3"])), reader)
    assert ids(page["containers"][0]["posts"]) == ["p1"]
    assert ids(page["posts"]) == ["p2", "p3"]


def test_what_is_wrong_with_a_connection_is_said_once(tell):
    fault = Found(NO_CONNECTION, error="No such connection.")
    page = tell(records(mention("c1", "c2", posts=["p1"])), Reader(c1=fault, c2=fault, p1=fault))
    assert page["errors"] == ["No such connection."]


def test_there_is_an_end_to_what_is_shown(tell):
    many = [f"c{number}" for number in range(250)]
    page = tell(records(mention(*many), mention("c249", "c0", task_id="again"), cut=True), Reader())
    assert ids(page["containers"]) == many[:200]
    assert (page["left_out"], page["cut"]) == (50, True)


def test_posts_and_jobs_have_an_end_too():
    mentions = [mention(job_id=f"j{one}", posts=[f"p{one}"], map_index=one) for one in range(250)]
    page = pages.of_task_instance(records(*mentions), Reader())
    assert (len(page["posts"]), len(page["jobs"]), page["left_out"]) == (200, 200, 100)


@pytest.mark.parametrize(
    ("known", "unfinished", "again"),
    [
        ({}, False, None),
        ({}, True, 10.0),
        ({"c1": busy()}, True, 5.0),
        ({"c1": Found("known", {}, keep=15.0)}, False, 15.0),
        ({"c1": Found("known", {}, keep=15.0)}, True, 10.0),
        ({"c1": STILL_PENDING}, False, 2.0),
        ({"c1": Found("error", error="x", keep=30.0)}, False, 30.0),
    ],
)
def test_when_it_is_worth_looking_again(known, unfinished, again, tell):
    page = tell(records(mention("c1"), unfinished=unfinished), Reader(**known))
    assert page["again_in"] == again


def test_it_is_plain_json(tell):
    page = tell(records(mention("c1", job_id="j1", posts=["p1"])), Reader(c1=busy(), j1=busy(), p1=done()))
    assert json.loads(json.dumps(page)) == page


def test_a_great_run_is_put_together_quickly(tell):
    mentions = [mention(*(f"c{one}" for one in range(200)), map_index=number) for number in range(1000)]
    assert len(tell(records(*mentions), Reader())["containers"]) == 200


def test_kinds_are_apart(tell):
    assert len({CONTENT, JOB, POST}) == 3
    page = tell(records(mention("x", posts=["x"])), Reader(x=done()))
    assert (ids(page["containers"]), ids(page["posts"])) == (["x"], ["x"])
