"""What the page shows is what the API returns."""

from __future__ import annotations

import pytest

from tests.contract.plugins.conftest import ui_data

pytestmark = pytest.mark.airflow3


@pytest.fixture
def page(get, run):
    """Add a task instance with an XCom and request its page: ``page(value)``, then ``page()`` again."""
    added = None

    def show(value=None):
        nonlocal added
        if added is None:
            added = run()
            added.add_task(value)
        response = get("task-instance", **added.query, task_id="make", map_index="{MAP_INDEX}")
        return response.raise_for_status().json()

    return show


def test_a_finished_container(page, content):
    generated = content(hook="Wait for it", targetPlatforms=["tiktok"])
    shown = page(ui_data(*generated["containerIds"], job_id=generated["jobId"]))
    (card,) = shown["containers"]
    assert card["id"] == generated["containerIds"][0]
    assert card["tasks"] == [{"task_id": "make", "map_index": -1}]
    assert card["state"] == "loaded"
    assert card["data"]["hook"] == "Wait for it"
    assert card["data"]["status"] == "completed"
    assert card["data"]["approval_status"] == "pending"
    assert len(card["data"]["pictures"]) == 3
    assert [caption["platform"] for caption in card["data"]["captions"]] == ["tiktok"]
    (job,) = shown["jobs"]
    assert (job["id"], job["data"]["status"], job["data"]["progress"]) == (
        generated["jobId"],
        "completed",
        1.0,
    )
    assert (shown["posts"], shown["errors"], shown["omitted"], shown["truncated"]) == ([], [], 0, False)
    assert shown["refresh_after"] == 15.0, "because somebody may decide on it"


def test_the_progress_of_a_job_and_its_end(page, content, api, page_timer):
    generated = content(ended=False)
    shown = page(ui_data(job_id=generated["jobId"]))
    assert shown["jobs"][0]["data"]["stage"] == "queued"
    api.advance(30.0)
    page_timer.now += 5.0
    shown = page()
    assert shown["jobs"][0]["data"]["progress"] == pytest.approx(0.5)
    assert shown["jobs"][0]["data"]["stage"] == "generating_visuals"
    assert shown["refresh_after"] == 5.0
    api.advance(31.0)
    page_timer.now += 5.0
    shown = page()
    assert shown["jobs"][0]["data"]["status"] == "completed"
    assert [entry["id"] for entry in shown["containers"]] == generated["containerIds"], "the job names them"
    assert shown["containers"][0]["data"]["pictures"]


def test_a_failed_job(page, content, api):
    api.outcome("failed", code="MODERATION_BLOCKED", message="Not safe.")
    generated = content()
    shown = page(ui_data(*generated["containerIds"], job_id=generated["jobId"]))
    assert shown["jobs"][0]["data"]["error"] == "MODERATION_BLOCKED Not safe."
    assert shown["containers"][0]["data"]["error"] == "MODERATION_BLOCKED Not safe."
    assert shown["refresh_after"] is None


@pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision(verb, status, page, content, send, page_timer):
    (container,) = content()["containerIds"]
    assert page(ui_data(container))["containers"][0]["data"]["approval_status"] == "pending"
    send("POST", f"/v1/content/{container}/{verb}", **({"reason": "Too loud."} if verb == "reject" else {}))
    page_timer.now += 15.0
    shown = page()
    assert shown["containers"][0]["data"]["approval_status"] == status
    assert shown["refresh_after"] is None


@pytest.fixture
def scheduled(content, send, api):
    """Schedule content and return its id and those of its posts."""

    def schedule():
        (container,) = content()["containerIds"]
        send("POST", f"/v1/content/{container}/approve")
        targets = [{"socialAccountId": one, "mode": "publish"} for one in api.social_account_ids[:2]]
        path = f"/v1/content/{container}/schedule"
        response = send("POST", path, scheduledFor="2040-01-01T09:00:00Z", targets=targets)
        return container, response["scheduledPostIds"]

    return schedule


def test_posts_are_with_their_content(page, scheduled, api, page_timer):
    container, posts = scheduled()
    shown = page(ui_data(container, scheduled_post_ids=posts))
    (card,) = shown["containers"]
    assert [entry["id"] for entry in card["posts"]] == posts
    assert {entry["data"]["status"] for entry in card["posts"]} == {"queued"}
    assert card["posts"][0]["data"]["scheduled_for"] == "2040-01-01T09:00:00.000Z"
    assert shown["posts"] == []
    api.advance(20 * 365 * 86400.0)
    page_timer.now += 30.0
    first = page()["containers"][0]["posts"][0]["data"]
    assert first["status"] == "published"
    assert first["url"].startswith(f"https://www.{first['platform']}.com/")


def test_posts_whose_content_is_not_on_the_page_are_separate(page, scheduled):
    container, posts = scheduled()
    shown = page(ui_data(scheduled_post_ids=posts))
    assert [entry["id"] for entry in shown["posts"]] == posts
    assert {entry["data"]["container_id"] for entry in shown["posts"]} == {container}


def test_the_gallery_shows_all_of_a_run_in_order(get, run, content, scheduled):
    added = run()
    container, posts = scheduled()
    several = content(variants=2)["containerIds"]
    added.add_task(ui_data(container), "generate")
    added.add_task(ui_data(container, scheduled_post_ids=posts), "schedule")
    for index, container_id in enumerate(several):
        added.add_task(ui_data(container_id), "review", index)
    added.add_task(None, "plain")
    shown = get("dag-run", **added.query).json()
    assert [entry["id"] for entry in shown["containers"]] == [container, *several]
    tasks = [
        [(task["task_id"], task["map_index"]) for task in entry["tasks"]] for entry in shown["containers"]
    ]
    assert tasks == [[("generate", -1), ("schedule", -1)], [("review", 0)], [("review", 1)]]
    assert [entry["id"] for entry in shown["containers"][0]["posts"]] == posts
    assert shown["jobs"] == []


def test_the_gallery_shows_running_jobs_and_does_not_read_others(get, run, content, reads):
    added = run(state="running")
    finished, running = content(), content(ended=False)
    added.add_task(ui_data(*finished["containerIds"], job_id=finished["jobId"]), "first")
    added.add_task(ui_data(*running["containerIds"], job_id=running["jobId"]), "second")
    reads()
    shown = get("dag-run", **added.query).json()
    assert [entry["id"] for entry in shown["jobs"]] == [running["jobId"]]
    assert shown["containers"][1]["job_ids"] == [running["jobId"]]
    assert f"/v1/jobs/{finished['jobId']}" not in reads()


@pytest.mark.parametrize("map_index", ["0", "1"])
def test_one_task_instance_of_a_mapped_task(map_index, get, run, content):
    added = run()
    several = content(variants=2)["containerIds"]
    for index, container_id in enumerate(several):
        added.add_task(ui_data(container_id), "review", index)
    shown = get("task-instance", **added.query, task_id="review", map_index=map_index).json()
    assert [entry["id"] for entry in shown["containers"]] == [several[int(map_index)]]


@pytest.mark.parametrize("map_index", [None, "", "{MAP_INDEX}", "-1", "x"])
def test_without_a_map_index_all_of_the_task_is_shown(map_index, get, run, content):
    added = run()
    (container,) = content()["containerIds"]
    added.add_task(ui_data(container), "whole")
    query = {**added.query, "task_id": "whole"} | ({} if map_index is None else {"map_index": map_index})
    assert [entry["id"] for entry in get("task-instance", **query).json()["containers"]] == [container]


def test_what_the_api_does_not_find(page, api):
    shown = page(ui_data("cnt_gone", job_id="job_gone", scheduled_post_ids=["sp_gone"]))
    entries = (*shown["containers"], *shown["jobs"], *shown["posts"])
    assert {entry["state"] for entry in entries} == {"not_found"}
    assert shown["refresh_after"] is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "fail_before"},
        {"kind": "disconnect_before"},
        {"kind": "garbage"},
        {"kind": "redirect"},
        {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    ],
    ids=["503", "disconnect", "garbage", "redirect", "401"],
)
def test_a_container_that_cannot_be_read_leaves_the_rest(fault, page, content, api, page_timer):
    first, second = content(variants=2)["containerIds"]
    api.fault(path=f"/v1/content/{first}", times=1, **fault)
    shown = page(ui_data(first, second))
    assert [entry["state"] for entry in shown["containers"]] == ["error", "loaded"]
    assert shown["containers"][0]["error"]
    assert shown["containers"][0]["data"] is None
    page_timer.now += 30.0
    assert [entry["state"] for entry in page()["containers"]] == ["loaded", "loaded"]


def test_texts_of_the_api_are_not_changed(page, content):
    hook = '<img src=x onerror=alert(1)> & "quotes" 🧠'
    (container,) = content(hook=hook)["containerIds"]
    assert page(ui_data(container))["containers"][0]["data"]["hook"] == hook


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        (None, 'The connection "layers_default" was not found.'),
        ('{"conn_type": "http"}', 'The connection "layers_default" is not of type layers.'),
        ('{"conn_type": "layers"}', 'The connection "layers_default" is not filled in correctly.'),
    ],
)
def test_a_connection_that_is_not_usable(connection, message, page, monkeypatch, reads):
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_LAYERS_DEFAULT")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", connection)
    reads()
    shown = page(ui_data("cnt_1", "cnt_2"))
    assert shown["errors"] == [message]
    assert [entry["state"] for entry in shown["containers"]] == ["connection_error"] * 2
    assert reads() == []


def test_a_connection_in_the_database(page, content, api, monkeypatch, database):
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    monkeypatch.delenv("AIRFLOW_CONN_LAYERS_DEFAULT")
    # As `airflow api-server` sets it.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    (container,) = content()["containerIds"]
    with create_session() as session:
        saved = Connection(conn_id="of_database", **api.connection)
        session.add(saved)
    try:
        shown = page(ui_data(container, layers_conn_id="of_database"))
    finally:
        with create_session() as session:
            session.delete(session.merge(saved))
    assert shown["containers"][0]["state"] == "loaded"


def test_content_beyond_the_limit_is_counted(get, run):
    added = run()
    for index in range(3):
        added.add_task(ui_data(*(f"cnt_{index}_{number}" for number in range(90))), f"task_{index}")
    shown = get("dag-run", **added.query).json()
    assert (len(shown["containers"]), shown["omitted"]) == (200, 70)
