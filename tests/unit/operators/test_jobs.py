"""Starting a job once, waiting for it, ending it with the task, and canceling one."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseTrigger

from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersJobTimeoutError,
    LayersNotFoundError,
    LayersParameterError,
    LayersTransportError,
)
from airflow_provider_layers.operators.content import (
    LayersGenerateContentOperator,
    LayersRegenerateContentOperator,
)
from airflow_provider_layers.operators.jobs import LayersCancelJobOperator
from tests.unit.scripted import BASE_URL, NOW, FakeClock, ScriptedApi, error, ok
from tests.unit.stores import AirflowStore
from tests.unit.tasks import FOREIGN, connected, context

KIND = "content_regenerate"
STARTED_AT = "2027-01-15T07:00:00.000Z"
STARTED = 1_800_000_000.0 - 3600.0
ACCEPTED = ok({"accepted": True}, 202)


def started(number=1, **fields):
    body = {"jobId": f"job_{number}", "kind": KIND, "containerId": "cnt_1"}
    return ok({**body, "locationUrl": f"/v1/jobs/job_{number}", **fields}, 202)


def job(status, number=1, **fields):
    return ok({"jobId": f"job_{number}", "kind": KIND, "status": status, **fields})


class Task:
    """
    A regenerate task at a scripted API.

    :param fields: of the operator
    """

    def __init__(self, api, **fields):
        self.api, self.clock = api, FakeClock()
        operator = LayersRegenerateContentOperator(task_id="task", container_id="cnt_1", **fields)
        self.operator = connected(operator, api, clock=self.clock)

    def execute(self, *, store=None, **of_ti):
        self.context = context(self.operator, **of_ti)
        if store is not None:
            self.context["task_state_store"] = store
        return self.operator.execute(self.context)

    def resume(self, event, **of_ti):
        """Resume after a wait for the job that the first phase has started."""
        self.context = context(self.operator, **of_ti)
        self.context["ti"].xcom |= {"job_id": "job_1", "container_ids": ["cnt_1"]}
        return self.operator.execute_complete(self.context, event)

    @property
    def xcom(self):
        return self.context["ti"].xcom


def trigger_arguments(work, *arguments, **options):
    with pytest.raises(TaskDeferred) as caught:
        work(*arguments, **options)
    assert caught.value.method_name == "execute_complete"
    return caught.value.trigger.serialize()[1]


def logged(caplog, capfd) -> str:
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    return caplog.text + "".join(capfd.readouterr())


# Starting


def test_a_task_that_does_not_wait_returns_the_job_and_publishes_it(script):
    task = Task(script(started(projectId="prj_1")))
    assert task.execute() == "job_1"
    job_url, content_url = f"{BASE_URL}/v1/jobs/job_1", f"{BASE_URL}/v1/content/cnt_1"
    assert task.xcom == {
        "job_id": "job_1",
        "container_ids": ["cnt_1"],
        "container_id": "cnt_1",
        "project_id": "prj_1",
        "job_url": job_url,
        "_link_LayersJobLink": job_url,
        "content_url": content_url,
        "_link_LayersContentLink": content_url,
        "layers": {
            "layers_conn_id": "layers_default",
            "job_id": "job_1",
            "container_ids": ["cnt_1"],
            "scheduled_post_ids": [],
        },
    }


@pytest.mark.parametrize("location", ["https://[not-an-address/", "https://evil.example/", 7])
def test_a_useless_location_does_not_keep_the_job_from_being_published(script, location):
    task = Task(script(started(locationUrl=location)))
    task.execute()
    assert task.xcom["job_url"] == f"{BASE_URL}/v1/jobs/job_1"


class Refusing(AirflowStore):
    """The store of a task that was cleared while its request was in flight: it accepts the request only."""

    def set(self, key, value, *, retention=None):
        if isinstance(value, dict) and value["response"] is not None:
            raise RuntimeError("the task instance is unknown")
        super().set(key, value, retention=retention)


def test_a_job_is_logged_even_if_its_id_cannot_be_stored(script, caplog, capfd):
    caplog.set_level(logging.INFO)
    with pytest.raises(RuntimeError):
        Task(script(started())).execute(store=Refusing())
    assert "Layers job job_1" in logged(caplog, capfd)


def test_a_wrong_option_is_refused_when_the_dag_is_parsed(script):
    for on_clear in ("Resubmit", "", None):
        with pytest.raises(ValueError, match=r"on_clear = .*: should be 'resubmit' or 'reattach'"):
            Task(script(), on_clear=on_clear)
    for poll_interval in (0, -1):
        with pytest.raises(ValueError, match="poll_interval"):
            Task(script(), poll_interval=poll_interval)


def keys(script, *counts, store=None, **fields):
    """Return the keys that tries send: of each (try number, max tries) that start the same running job."""
    apis = []
    for try_number, max_tries in counts:
        # A first try believes its response; a later one reads the job that it may have found.
        is_first = (try_number == max_tries and fields.get("on_clear") != "reattach") or try_number == 1
        apis.append(api := script(started(), *([] if is_first else [job("running")])))
        Task(api, retries=1, **fields).execute(try_number=try_number, max_tries=max_tries)
    return [api.keys[0] for api in apis]


def test_a_retry_sends_the_same_key_and_a_clear_another_unless_it_reattaches(script):
    first, retry, cleared = keys(script, (1, 1), (2, 1), (3, 3))
    assert first == retry != cleared
    assert len(set(keys(script, (1, 1), (2, 1), (3, 3), on_clear="reattach"))) == 1


def test_the_first_try_after_a_clear_starts_one_job_only(script):
    """It cannot know an earlier job, so it reads none."""
    task = Task(script(started()), retries=1)
    task.execute(try_number=3, max_tries=3)
    assert len(task.api.keys) == 1


def test_a_clear_that_reattaches_counts_all_tries(script):
    """The job that it finds may be of an earlier try: a failed one is replaced."""
    task = Task(
        script(started(), job("failed"), started(2), job("running", 2)), retries=0, on_clear="reattach"
    )
    assert task.execute(try_number=2, max_tries=1) == "job_2"
    assert len(set(task.api.keys)) == 2


@pytest.mark.parametrize("with_store", [True, False])
def test_a_clear_that_cannot_reattach_because_the_request_changed_starts_a_new_job(script, with_store):
    store = AirflowStore() if with_store else None
    first = Task(script(started()), brief={"topic": "a"}, on_clear="reattach")
    first.execute(store=store)
    # With a store the change is noticed without the API.
    refused = job("running") if with_store else error(409, "IDEMPOTENCY_CONFLICT")
    api = script(refused, started(2))
    cleared = Task(api, brief={"topic": "b"}, on_clear="reattach")
    assert cleared.execute(store=store, try_number=2, max_tries=1) == "job_2"
    assert api.keys[-1] != first.api.keys[0]


# Waiting


def test_a_job_that_has_ended_already_is_not_waited_for(script):
    task = Task(
        script(started(), job("completed", result={"containerId": "cnt_1"})),
        wait_for_completion=True,
        deferrable=True,
    )
    assert task.execute(try_number=2) == ["cnt_1"]
    assert task.xcom["job"] == {
        "job_id": "job_1",
        "kind": KIND,
        "status": "completed",
        "container_ids": ["cnt_1"],
        "result": {"containerId": "cnt_1"},
    }


def test_a_worker_waits_for_the_job_with_growing_pauses(script):
    task = Task(
        script(started(), *[job("running")] * 3, job("completed")),
        wait_for_completion=True,
        poll_interval=3.0,
    )
    assert task.execute() == ["cnt_1"]
    # The vendor's guidance, with up to half a second of jitter; the first poll is spread over two seconds.
    pauses = zip(task.clock.slept, (0.0, 2.0, 2.6, 3.0), (2.0, 2.5, 3.1, 3.5), strict=True)
    assert [pause for pause, least, most in pauses if not least <= pause <= most] == []


def test_a_worker_that_waits_too_long_fails_and_cancels_only_if_requested(script):
    for cancel_on_timeout in (True, False):
        api = script(started(), then=job("running"))
        task = Task(api, wait_for_completion=True, completion_timeout=60, cancel_on_timeout=cancel_on_timeout)
        with pytest.raises(LayersJobTimeoutError, match="job_1 was still running"):
            task.execute()
        assert 60 <= task.clock.now - NOW < 75
        assert ("POST /v1/jobs/job_1/cancel" in api.paths) is cancel_on_timeout


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize(
    ("end", "error_type"),
    [(job("failed", error={"code": "X"}), LayersJobFailedError), (job("canceled"), LayersJobCanceledError)],
    ids=["failed", "canceled"],
)
def test_a_job_without_content_is_its_own_error(script, deferrable, end, error_type):
    task = Task(script(*[] if deferrable else [started()], end), wait_for_completion=True)
    with pytest.raises(error_type, match="job_1"):
        task.resume(event()) if deferrable else task.execute()


@pytest.fixture
def _heartbeat(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "5")


@pytest.mark.usefixtures("_heartbeat")
def test_a_deferral_passes_ids_and_moments(script):
    task = Task(
        script(started()),
        wait_for_completion=True,
        deferrable=True,
        poll_interval=4.0,
        completion_timeout=timedelta(minutes=10),
        cancel_on_kill=False,
    )
    assert trigger_arguments(task.execute) == {
        "job_id": "job_1",
        "layers_conn_id": "layers_default",
        "deadline": NOW + 600,
        "poll_interval": 4.0,
        "not_before": NOW + 6.0,
        "container_ids": ["cnt_1"],
        "cancel_on_kill": False,
        "project_id": None,
        "kind": KIND,
        "content_format": None,
        "started_at": None,
        "confirm": True,
    }


def test_a_deferral_passes_what_is_known_of_the_job_and_what_the_operator_knows(script):
    operator = LayersGenerateContentOperator(
        task_id="task",
        project_id="prj_1",
        format="auto",
        brief={},
        wait_for_completion=True,
        deferrable=True,
    )
    api = script(started(), started(projectId="prj_2", startedAt=STARTED_AT))
    connected(operator, api)
    arguments = trigger_arguments(operator.execute, context(operator))
    assert (arguments["project_id"], arguments["content_format"]) == ("prj_1", "auto")
    arguments = trigger_arguments(operator.execute, context(operator))
    assert (arguments["project_id"], arguments["started_at"]) == ("prj_2", STARTED_AT)


# (try number, max tries), whether a clear reattaches, and what the deadline counts from.
ANCHORS = {
    "a first try": ((1, 0), "resubmit", NOW),
    "a retry": ((2, 0), "resubmit", STARTED),
    "a first try after a clear that reattaches": ((2, 1), "reattach", STARTED),
}


@pytest.mark.parametrize(("counts", "on_clear", "anchor"), ANCHORS.values(), ids=ANCHORS)
def test_the_deadline_counts_from_the_start_of_a_job_that_an_earlier_try_may_have_started(
    script, counts, on_clear, anchor
):
    is_first = anchor == NOW
    task = Task(
        script(started(), *([] if is_first else [job("running", startedAt=STARTED_AT)])),
        wait_for_completion=True,
        deferrable=True,
        completion_timeout=60,
        on_clear=on_clear,
    )
    try_number, max_tries = counts
    arguments = trigger_arguments(task.execute, try_number=try_number, max_tries=max_tries)
    assert arguments["deadline"] == anchor + 60


def test_the_deadline_counts_from_now_if_the_start_of_the_job_is_unknown(script):
    for started_at in (None, "", "yesterday", 7):
        task = Task(
            script(started(), job("running", startedAt=started_at)),
            wait_for_completion=True,
            deferrable=True,
            completion_timeout=60,
        )
        assert trigger_arguments(task.execute, try_number=2)["deadline"] == NOW + 60


# Resuming


def event(status="completed", **fields):
    return {"job_id": "job_1", "status": status, "reason": "Why.", "container_ids": ["cnt_1"]} | fields


def test_the_job_itself_decides_whatever_the_event_says(script):
    foreign = event("failed", job_id="job_2", container_ids=["cnt_2"])
    for given in (event(), event("error"), event("timeout"), foreign, *FOREIGN):
        task = Task(script(job("completed")))
        assert task.resume(given) == ["cnt_1"]
        assert task.xcom["job"]["status"] == "completed"


def test_a_timeout_is_the_jobs_own_error_and_cancels_only_if_requested(script):
    reason = "Layers job job_1 was still running."
    for cancel_on_timeout in (True, False):
        task = Task(
            script(job("running"), *[ACCEPTED] * cancel_on_timeout), cancel_on_timeout=cancel_on_timeout
        )
        with pytest.raises(LayersJobTimeoutError, match=f"^{reason}$"):
            task.resume(event("timeout", reason=reason))


def test_a_wait_that_failed_can_be_retried(script):
    with pytest.raises(LayersTransportError, match=r"job_1 is running and could not be polled: Why\."):
        Task(script(job("running"))).resume(event("error"))


@pytest.mark.usefixtures("_heartbeat")
@pytest.mark.parametrize("map_index", [-1, 3])
def test_the_event_of_another_task_ends_nothing(script, caplog, capfd, map_index):
    others = [event(status, job_id="job_2", container_ids=["cnt_2"]) for status in ("completed", "timeout")]
    for foreign in (*others, *FOREIGN):
        running = job("running", startedAt=STARTED_AT, projectId="prj_1")
        task = Task(script(running), completion_timeout=60, cancel_on_timeout=True)
        arguments = trigger_arguments(task.resume, foreign, map_index=map_index)
        assert (arguments["job_id"], arguments["container_ids"]) == ("job_1", ["cnt_1"])
        assert (arguments["project_id"], arguments["deadline"]) == ("prj_1", STARTED + 60)
        assert arguments["not_before"] == NOW + 6.0
    assert "Ignoring an event of another task" in logged(caplog, capfd)


def test_without_a_published_job_the_event_names_it(script):
    """As in ``dag.test()``, which keeps no XCom of the first phase."""
    task = Task(script(job("completed")))
    assert task.operator.execute_complete(context(task.operator), event()) == ["cnt_1"]


def test_a_wait_that_airflow_ended_names_its_job(script, caplog, capfd):
    task = Task(script())
    given = context(task.operator)
    given["ti"].xcom["job_id"] = "job_1"
    with pytest.raises(Exception, match="Trigger"):
        task.operator.resume_execution("__fail__", {"error": "Trigger timeout"}, given)
    assert "job_1. The job itself continues" in logged(caplog, capfd)


@pytest.mark.parametrize("cancel_on_kill", [True, False])
def test_a_deferral_that_no_kill_reaches_names_its_job(script, caplog, capfd, cancel_on_kill, monkeypatch):
    monkeypatch.delattr(BaseTrigger, "on_kill", raising=False)
    task = Task(
        script(started()),
        wait_for_completion=True,
        deferrable=True,
        cancel_on_kill=cancel_on_kill,
    )
    trigger_arguments(task.execute)
    assert ("Layers job job_1 continues" in logged(caplog, capfd)) is cancel_on_kill


# Ending


def killed(script, *replies, state="failed", cancel_on_kill=True, **of_ti):
    """Start a job, and kill the task after a user, or Airflow, changed its state; return the requests."""
    task = Task(script(started(), *replies), cancel_on_kill=cancel_on_kill)
    task.execute(state=state, **of_ti)
    task.operator.on_kill()
    return task.api.paths[1:]


CANCEL = "POST /v1/jobs/job_1/cancel"


@pytest.mark.parametrize("map_index", [-1, 0, 3])
def test_a_kill_by_a_user_cancels_the_job(script, map_index):
    for state in ("failed", "success", "skipped", "restarting"):
        assert killed(script, ACCEPTED, state=state, map_index=map_index) == [CANCEL]


def test_a_kill_by_airflow_cancels_nothing(script):
    for state in ("running", "up_for_retry", None):
        assert killed(script, state=state, map_index=0) == []


def test_a_kill_cancels_nothing_where_that_is_off(script):
    assert killed(script, cancel_on_kill=False) == []


def test_a_kill_never_fails(script):
    for status in (401, 403, 404, 409):
        assert killed(script, error(status)) == [CANCEL]


@pytest.mark.parametrize(("state", "cancels"), [("failed", True), ("restarting", True), ("running", False)])
def test_a_kill_after_the_wait_cancels_the_job_of_this_task(script, state, cancels):
    task = Task(script(job("running"), *[ACCEPTED] * cancels))
    trigger_arguments(task.resume, event(job_id="job_2"), state=state)
    task.operator.on_kill()
    assert task.api.paths[1:] == [CANCEL] * cancels


class Killed(BaseException):
    """What a signal handler raises in the middle of a request."""


def test_a_kill_during_the_start_reports_the_key_that_was_sent(script, caplog, capfd):
    task = Task(script(Killed()))
    with pytest.raises(Killed):
        task.execute(state="failed")
    capfd.readouterr()
    caplog.clear()
    task.operator.on_kill()
    (key,) = task.api.keys
    assert (
        f"A Layers job may be running: the task was killed while it started one. Idempotency-Key: {key}."
        in (logged(caplog, capfd))
    )


def test_a_kill_before_the_start_says_nothing(script, caplog, capfd):
    task = Task(script())
    task.operator.on_kill()
    assert "Layers job" not in logged(caplog, capfd)


class ThreadRecordingApi(ScriptedApi):
    """Records the thread of its last request."""

    def _handle(self, request):
        self.thread = threading.current_thread()
        return super()._handle(request)


def test_the_cancel_of_a_kill_neither_keeps_the_process_from_ending_nor_outlasts_it():
    api = ThreadRecordingApi(started(), job("running"), ACCEPTED)
    task = Task(api)
    task.execute(state="failed")
    task.operator.on_kill()
    assert api.paths[-1] == CANCEL
    assert api.thread is not threading.main_thread()
    assert api.thread.daemon
    assert api.requests[-1].extensions["timeout"]["read"] < 5, (
        "Airflow kills the process 5 s after the signal"
    )


# Canceling


def cancel(script, reply, job_id="job_1"):
    task = connected(
        LayersCancelJobOperator(task_id="task", job_id=job_id), script(reply) if reply else script()
    )
    given = context(task)
    return task.execute(given), given["ti"].xcom["layers"]["job_id"]


@pytest.mark.parametrize(
    ("reply", "accepted", "reason"),
    [
        (ok({"jobId": "job_1", "accepted": True}, 202), True, None),
        (ok({"accepted": False, "reason": "ALREADY_COMPLETED"}), False, "ALREADY_COMPLETED"),
        (
            error(409, "CONFLICT", details={"subcode": "JOB_CANCEL_UNAVAILABLE"}),
            False,
            "JOB_CANCEL_UNAVAILABLE",
        ),
    ],
)
def test_every_outcome_of_a_cancel_is_a_result(script, reply, accepted, reason):
    result = {"job_id": "job_1", "accepted": accepted, "reason": reason}
    assert cancel(script, reply) == (result, "job_1")


@pytest.mark.parametrize(
    ("reply", "error_type"),
    [(error(404, "NOT_FOUND"), LayersNotFoundError), (error(409, "CONFLICT"), LayersConflictError)],
)
def test_a_job_that_cannot_be_canceled_is_an_error(script, reply, error_type):
    with pytest.raises(error_type, match="Could not cancel job job_1"):
        cancel(script, reply)


def test_a_wrong_job_id_is_refused_before_anything_is_sent(script):
    for job_id in ("", None, ["job_1"]):
        with pytest.raises(LayersParameterError, match="job_id = "):
            cancel(script, None, job_id)
