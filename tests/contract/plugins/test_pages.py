"""What is seen is what the API says."""

from __future__ import annotations

import pytest

from tests.contract.plugins.conftest import tell

pytestmark = pytest.mark.airflow3


@pytest.fixture
def ask(api):
    """Send something to the API as a task would."""
    import httpx

    def send(method, path, **body):
        headers = {"Authorization": f"Bearer {api.api_key}"}
        answer = httpx.request(method, f"{api.url}{path}", json=body, headers=headers, trust_env=False)
        return answer.raise_for_status().json()

    return send


@pytest.fixture
def page(get, run):
    """Push one XCom and ask for the page of its task instance: ``page(value)``."""
    there = None

    def show(value=None):
        nonlocal there
        if there is None:
            there = run()
            there.push(value)
        answer = get("task-instance", **there.query, task_id="make", map_index="{MAP_INDEX}")
        return answer.raise_for_status().json()

    return show


def test_a_finished_container(page, content):
    made = content(hook="Wait for it", targetPlatforms=["tiktok"])
    shown = page(tell(*made["containerIds"], job_id=made["jobId"]))
    (card,) = shown["containers"]
    assert card["id"] == made["containerIds"][0]
    assert card["tasks"] == [{"task_id": "make", "map_index": -1}]
    assert card["state"] == "known"
    assert card["shown"]["hook"] == "Wait for it"
    assert card["shown"]["status"] == "completed"
    assert card["shown"]["approval_status"] == "pending"
    assert len(card["shown"]["pictures"]) == 3
    assert [one["platform"] for one in card["shown"]["captions"]] == ["tiktok"]
    (job,) = shown["jobs"]
    assert (job["id"], job["shown"]["status"], job["shown"]["progress"]) == (made["jobId"], "completed", 1.0)
    assert (shown["posts"], shown["errors"], shown["left_out"], shown["cut"]) == ([], [], 0, False)
    # Somebody may still decide.
    assert shown["again_in"] == 15.0


def test_a_job_under_way_and_then_its_end(page, content, api, page_clock):
    made = content(ended=False)
    shown = page(tell(job_id=made["jobId"]))
    assert shown["jobs"][0]["shown"]["stage"] == "queued"
    api.advance(30.0)
    page_clock.advance(5.0)
    shown = page()
    assert shown["jobs"][0]["shown"]["progress"] == pytest.approx(0.5)
    assert shown["jobs"][0]["shown"]["stage"] == "generating_visuals"
    assert shown["again_in"] == 5.0
    api.advance(31.0)
    page_clock.advance(5.0)
    shown = page()
    assert shown["jobs"][0]["shown"]["status"] == "completed"
    assert [one["id"] for one in shown["containers"]] == made["containerIds"], "the job names them"
    assert shown["containers"][0]["shown"]["pictures"]


def test_a_failed_job(page, content, api):
    api.outcome("failed", code="MODERATION_BLOCKED", message="Not safe.")
    made = content()
    shown = page(tell(*made["containerIds"], job_id=made["jobId"]))
    assert shown["jobs"][0]["shown"]["error"] == "MODERATION_BLOCKED Not safe."
    assert shown["containers"][0]["shown"]["error"] == "MODERATION_BLOCKED Not safe."
    assert shown["again_in"] is None


@pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision(verb, status, page, content, ask, page_clock):
    (container,) = content()["containerIds"]
    assert page(tell(container))["containers"][0]["shown"]["approval_status"] == "pending"
    ask("POST", f"/v1/content/{container}/{verb}", **({"reason": "Too loud."} if verb == "reject" else {}))
    page_clock.advance(15.0)
    shown = page()
    assert shown["containers"][0]["shown"]["approval_status"] == status
    assert shown["again_in"] is None


@pytest.fixture
def scheduled(content, ask, api):
    """Schedule content: gives the container and its posts."""

    def schedule(when="2040-01-01T09:00:00Z"):
        (container,) = content()["containerIds"]
        ask("POST", f"/v1/content/{container}/approve")
        targets = [{"socialAccountId": one, "mode": "publish"} for one in api.social_account_ids[:2]]
        answer = ask("POST", f"/v1/content/{container}/schedule", scheduledFor=when, targets=targets)
        return container, answer["scheduledPostIds"]

    return schedule


def test_posts_are_with_their_content(page, scheduled, api, page_clock):
    container, posts = scheduled()
    shown = page(tell(container, scheduled_post_ids=posts))
    (card,) = shown["containers"]
    assert [one["id"] for one in card["posts"]] == posts
    assert {one["shown"]["status"] for one in card["posts"]} == {"queued"}
    assert card["posts"][0]["shown"]["scheduled_for"] == "2040-01-01T09:00:00.000Z"
    assert shown["posts"] == []
    api.advance(20 * 365 * 86400.0)
    page_clock.advance(30.0)
    first = page()["containers"][0]["posts"][0]["shown"]
    assert first["status"] == "published"
    assert first["url"].startswith(f"https://www.{first['platform']}.com/")


def test_posts_without_their_content_are_on_their_own(page, scheduled):
    container, posts = scheduled()
    shown = page(tell(scheduled_post_ids=posts))
    assert [one["id"] for one in shown["posts"]] == posts
    assert {one["shown"]["container_id"] for one in shown["posts"]} == {container}


def test_the_gallery_has_all_of_a_run_in_the_order_of_its_making(get, run, content, scheduled):
    there = run()
    container, posts = scheduled()
    several = content(variants=2)["containerIds"]
    there.push(tell(container), "generate")
    there.push(tell(container, scheduled_post_ids=posts), "schedule")
    for index, one in enumerate(several):
        there.push(tell(one), "review", index)
    there.push(None, "plain")
    shown = get("dag-run", **there.query).json()
    assert [one["id"] for one in shown["containers"]] == [container, *several]
    tasks = [[(task["task_id"], task["map_index"]) for task in one["tasks"]] for one in shown["containers"]]
    assert tasks == [[("generate", -1), ("schedule", -1)], [("review", 0)], [("review", 1)]]
    assert [one["id"] for one in shown["containers"][0]["posts"]] == posts
    assert shown["jobs"] == []


def test_the_gallery_tells_of_jobs_that_are_still_at_it(get, run, content, reads):
    there = run(state="running")
    ended, busy = content(), content(ended=False)
    there.push(tell(*ended["containerIds"], job_id=ended["jobId"]), "first")
    there.push(tell(*busy["containerIds"], job_id=busy["jobId"]), "second")
    reads()
    shown = get("dag-run", **there.query).json()
    assert [one["id"] for one in shown["jobs"]] == [busy["jobId"]]
    assert shown["containers"][1]["job_ids"] == [busy["jobId"]]
    assert f"/v1/jobs/{ended['jobId']}" not in reads()


@pytest.mark.parametrize("map_index", ["0", "1"])
def test_one_place_of_a_mapped_task(map_index, get, run, content):
    there = run()
    several = content(variants=2)["containerIds"]
    for index, one in enumerate(several):
        there.push(tell(one), "review", index)
    asked = {**there.query, "task_id": "review"}
    shown = get("task-instance", **asked, map_index=map_index).json()
    assert [one["id"] for one in shown["containers"]] == [several[int(map_index)]]


@pytest.mark.parametrize("map_index", [None, "", "{MAP_INDEX}", "-1", "x", "99999999999999999999"])
def test_without_a_place_all_of_the_task_is_shown(map_index, get, run, content):
    there = run()
    (container,) = content()["containerIds"]
    there.push(tell(container), "whole")
    asked = {**there.query, "task_id": "whole"} | ({} if map_index is None else {"map_index": map_index})
    assert [one["id"] for one in get("task-instance", **asked).json()["containers"]] == [container]


def test_what_the_api_does_not_know(page, api):
    shown = page(tell("cnt_gone", job_id="job_gone", scheduled_post_ids=["sp_gone"]))
    assert {one["state"] for one in (*shown["containers"], *shown["jobs"], *shown["posts"])} == {"not_found"}
    assert shown["again_in"] is None


TROUBLE = {
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_before"},
    "garbage": {"kind": "garbage"},
    "redirect": {"kind": "redirect"},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_one_that_cannot_be_read_leaves_the_rest(trouble, page, content, api, page_clock):
    first, second = content(variants=2)["containerIds"]
    api.fault(path=f"/v1/content/{first}", times=1, **trouble)
    shown = page(tell(first, second))
    assert [one["state"] for one in shown["containers"]] == ["error", "known"]
    assert shown["containers"][0]["error"]
    assert shown["containers"][0]["shown"] is None
    page_clock.advance(30.0)
    assert [one["state"] for one in page()["containers"]] == ["known", "known"]


def test_texts_of_the_api_pass_as_they_are(page, content):
    hook = '<img src=x onerror=alert(1)> & "quotes" 🧠'
    (container,) = content(hook=hook)["containerIds"]
    assert page(tell(container))["containers"][0]["shown"]["hook"] == hook


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        (None, 'The connection "layers_default" was not found.'),
        ('{"conn_type": "http"}', 'The connection "layers_default" is not of type layers.'),
        ('{"conn_type": "layers"}', 'The connection "layers_default" cannot be used as it is filled in.'),
    ],
)
def test_a_connection_that_is_of_no_use(connection, said, page, monkeypatch, reads):
    if connection is None:
        monkeypatch.delenv("AIRFLOW_CONN_LAYERS_DEFAULT")
    else:
        monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", connection)
    reads()
    shown = page(tell("cnt_1", "cnt_2"))
    assert shown["errors"] == [said]
    assert [one["state"] for one in shown["containers"]] == ["no_connection", "no_connection"]
    assert reads() == []


def test_a_connection_of_the_database(page, content, api, monkeypatch, database):
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session

    monkeypatch.delenv("AIRFLOW_CONN_LAYERS_DEFAULT")
    # As `airflow api-server` has it.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    (container,) = content()["containerIds"]
    with create_session() as session:
        kept = Connection(conn_id="of_database", **api.connection)
        session.add(kept)
    try:
        shown = page(tell(container, layers_conn_id="of_database"))
    finally:
        with create_session() as session:
            session.delete(session.merge(kept))
    assert shown["containers"][0]["state"] == "known"
