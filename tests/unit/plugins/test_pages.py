"""What a page contains, from what task instances refer to and what a loader returns."""

from __future__ import annotations

import json

import pytest

from airflow_provider_layers.plugins.pages import dag_run_page, task_instance_page
from airflow_provider_layers.plugins.queries import PageReferences, TaskReference
from airflow_provider_layers.plugins.serializers import CONNECTION_ERROR, PENDING_RESULT, ReadResult


class Loader:
    """Has the results that a test sets by id; everything else is not found."""

    def __init__(self, **results):
        self.results = results
        self.calls = []

    def load(self, resources):
        self.calls.append([resource.resource_id for resource in resources])
        missing = ReadResult("not_found", final=True)
        return {resource: self.results.get(resource.resource_id, missing) for resource in resources}


def task(*container_ids, task_id="make", map_index=-1, job_id=None, posts=(), conn_id="layers_default"):
    return TaskReference(task_id, map_index, conn_id, job_id, container_ids, tuple(posts))


def references(*tasks, unfinished=False, truncated=False):
    return PageReferences(tasks, unfinished, truncated=truncated)


def finished(**data):
    return ReadResult("loaded", {"status": "completed", "container_id": None, **data}, final=True)


def running(**data):
    return ReadResult("loaded", {"status": "processing", "container_ids": [], **data}, ttl=5.0)


def ids(entries):
    return [entry["id"] for entry in entries]


@pytest.fixture(params=[task_instance_page, dag_run_page], ids=["task instance", "run"])
def page_of(request):
    return request.param


def test_nothing(page_of):
    assert page_of(references(), Loader()) == {
        "waiting": [],
        "jobs": [],
        "containers": [],
        "posts": [],
        "errors": [],
        "omitted": 0,
        "truncated": False,
        "refresh_after": None,
    }


def test_all_that_tasks_refer_to_is_loaded_together(page_of):
    loader = Loader(c1=finished(), p1=finished())
    page_of(references(task("c1", posts=["p1"]), task("c2", "c1", task_id="other")), loader)
    assert loader.calls == [["c1", "p1", "c2"], []]


def test_content_is_shown_once_with_all_its_tasks(page_of):
    page = page_of(references(task("c1"), task("c1", task_id="b", map_index=2), task("c1")), Loader())
    (card,) = page["containers"]
    assert card["tasks"] == [{"task_id": "make", "map_index": -1}, {"task_id": "b", "map_index": 2}]


def test_the_same_id_behind_two_connections_is_two_containers(page_of):
    page = page_of(references(task("c1"), task("c1", conn_id="other")), Loader())
    assert ids(page["containers"]) == ["c1", "c1"]


def test_the_same_id_of_two_kinds_is_two_entries(page_of):
    page = page_of(references(task("x", posts=["x"])), Loader(x=finished()))
    assert (ids(page["containers"]), ids(page["posts"])) == (["x"], ["x"])


def test_only_a_task_instance_shows_a_job_that_ended():
    results = {"j1": finished(container_ids=[]), "c1": finished()}
    found = references(task("c1", job_id="j1"))
    assert ids(task_instance_page(found, Loader(**results))["jobs"]) == ["j1"]
    loader = Loader(**results)
    assert dag_run_page(found, loader)["jobs"] == []
    assert loader.calls == [["c1"], []], "and it is not even read"


def test_a_run_shows_the_jobs_of_unfinished_content():
    page = dag_run_page(
        references(task("c1", job_id="j1"), task("c2", job_id="j2")),
        Loader(c1=running(), c2=finished(), j1=running()),
    )
    assert ids(page["jobs"]) == ["j1"]
    assert [entry["job_ids"] for entry in page["containers"]] == [["j1"], ["j2"]]


def test_content_that_only_the_job_names_is_shown(page_of):
    loader = Loader(j1=finished(container_ids=["c1", "c2"]), c1=finished())
    page = page_of(references(task(job_id="j1")), loader)
    assert ids(page["containers"]) == ["c1", "c2"]
    assert loader.calls == [["j1"], ["c1", "c2"]]


def test_posts_are_with_their_content_or_separate(page_of):
    loader = Loader(p1=finished(container_id="c1"), p2=finished(container_id="other"), p3=PENDING_RESULT)
    page = page_of(references(task("c1", posts=["p1", "p2", "p3"])), loader)
    assert ids(page["containers"][0]["posts"]) == ["p1"]
    assert ids(page["posts"]) == ["p2", "p3"]


def test_the_error_of_a_connection_is_shown_once(page_of):
    error = ReadResult(CONNECTION_ERROR, error="No such connection.")
    page = page_of(references(task("c1", "c2", posts=["p1"])), Loader(c1=error, c2=error, p1=error))
    assert page["errors"] == ["No such connection."]


def test_the_number_of_containers_is_limited(page_of):
    many = [f"c{number}" for number in range(250)]
    page = page_of(references(task(*many), task("c249", "c0", task_id="again"), truncated=True), Loader())
    assert ids(page["containers"]) == many[:200]
    assert (page["omitted"], page["truncated"]) == (50, True)


def test_the_numbers_of_posts_and_jobs_are_limited():
    tasks = [task(job_id=f"j{one}", posts=[f"p{one}"], map_index=one) for one in range(250)]
    page = task_instance_page(references(*tasks), Loader())
    assert (len(page["posts"]), len(page["jobs"]), page["omitted"]) == (200, 200, 100)


def test_a_large_run_loads_each_container_once(page_of):
    many = [f"c{number}" for number in range(200)]
    loader = Loader()
    page = page_of(references(*(task(*many, map_index=number) for number in range(1000))), loader)
    assert loader.calls == [many, []]
    assert [len(entry["tasks"]) for entry in page["containers"]] == [1000] * 200


@pytest.mark.parametrize(
    ("results", "unfinished", "seconds"),
    [
        ({}, False, None),
        ({}, True, 10.0),
        ({"c1": running()}, True, 5.0),
        ({"c1": ReadResult("loaded", {"status": "completed"}, ttl=15.0)}, False, 15.0),
        ({"c1": ReadResult("loaded", {"status": "completed"}, ttl=15.0)}, True, 10.0),
        ({"c1": PENDING_RESULT}, False, 2.0),
        ({"c1": ReadResult("error", error="x", ttl=30.0)}, False, 30.0),
    ],
)
def test_when_the_page_asks_again(results, unfinished, seconds, page_of):
    page = page_of(references(task("c1"), unfinished=unfinished), Loader(**results))
    assert page["refresh_after"] == seconds


def test_it_is_plain_json(page_of):
    loader = Loader(c1=running(), j1=running(), p1=finished())
    page = page_of(references(task("c1", job_id="j1", posts=["p1"])), loader)
    assert json.loads(json.dumps(page)) == page
