"""The same adversary against three providers at once: how many jobs each of them paid for."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

from dev import CHECKOUT
from dev.airflow_client import UNMAPPED
from dev.chaos.actions import CLEAR
from dev.chaos.campaign import chaos_environment, run_campaign
from dev.chaos.metadata_db import TaskInstanceKey
from dev.chaos.snapshot import epoch_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_layers.emulator.control_client import CreatedJob, EmulatorControl
    from dev.chaos.campaign import CampaignPlan
    from dev.chaos.snapshot import Snapshot

PIPELINES = CHECKOUT / "dev" / "chaos" / "comparison_pipelines.py"
PROVIDERS = {
    "compare_layers": "this provider",
    "compare_http": "HttpOperator + HttpSensor",
    "compare_livy": "LivyOperator",
}
MEASURES = (
    "submitting task instances",
    "jobs started",
    "jobs paid for (completed)",
    "of which in vain",
    "jobs paid for per job wanted",
    "jobs that outlived a mark or clear",
    "tasks failed without a user",
)
# A job that ends this many seconds after a user's action is not counted as having outlived it.
GRACE = 8.0
LIVY_STATES = {"running": "running", "completed": "success", "failed": "dead", "canceled": "killed"}


def compare_providers(name: str, plan: CampaignPlan, notify: Callable[[str], None]) -> str:
    """Run the campaign against all providers and return the table.

    :param name: name of the AIRFLOW_HOME
    :param plan: the numbers of the run
    :param notify: called with lines about the progress
    """
    started = time.monotonic()
    with chaos_environment(name, plan, PIPELINES, _connect_peers) as environment:
        snapshot = run_campaign(environment, plan, notify, tuple(PROVIDERS))
    kills, requests = len(snapshot.log.kills), snapshot.log.user_requests
    notify(
        f"seed {plan.seed}, {time.monotonic() - started:.0f} s, {kills} kills, {requests} marks and clears"
    )
    columns = {PROVIDERS[dag_id]: _measure(snapshot, dag_id) for dag_id in PROVIDERS}
    widths = {column: max(len(column), 8) for column in columns}
    head = " " * 36 + "  ".join(f"{column:>{width}}" for column, width in widths.items())
    rows = [
        f"{measure:<36}"
        + "  ".join(f"{columns[column][measure]:>{width}}" for column, width in widths.items())
        for measure in MEASURES
    ]
    return "\n".join([head, *rows])


def _connect_peers(control: EmulatorControl, stack: contextlib.ExitStack) -> dict[str, str]:
    livy = stack.enter_context(_livy_gateway(control.url, control.api_key, control.project_id))
    return {
        "http_default": json.dumps({"conn_type": "http", "host": control.url, "password": control.api_key}),
        "livy_default": json.dumps({"conn_type": "livy", "host": livy}),
    }


def _measure(snapshot: Snapshot, dag_id: str) -> dict[str, str]:
    wanted = {
        key: 1 + len(snapshot.log.actions_on(key, CLEAR))
        for key in snapshot.task_instances
        if key.dag_id == dag_id and key.task_id.startswith("generate")
    }
    started = _started_jobs(snapshot, dag_id)
    # A job that failed or was canceled was not paid for.
    paid = {key: sum(job.status == "completed" for job in jobs) for key, jobs in started.items()}
    in_vain = sum(max(0, count - wanted.get(key, 0)) for key, count in paid.items())
    count = sum(paid.values())
    jobs = sum(map(len, started.values()))
    payments = (len(wanted), jobs, count, in_vain, f"{count / max(1, count - in_vain):.3f}")
    failures = (_outlived(snapshot, started), _failed_tasks(snapshot, dag_id, started))
    return dict(zip(MEASURES, map(str, (*payments, *failures)), strict=True))


def _started_jobs(snapshot: Snapshot, dag_id: str) -> dict[TaskInstanceKey, list[CreatedJob]]:
    """Return the jobs of each task instance, by the topic that it gave them."""
    found: dict[TaskInstanceKey, list[CreatedJob]] = {}
    submissions = (
        request
        for request in snapshot.requests
        if request.method == "POST"
        and request.path.endswith("/content")
        and request.executed
        and not request.replayed
    )
    # Both are in the order in which the emulator executed them.
    for request, job in zip(submissions, snapshot.jobs, strict=True):
        topic = str(request.body["brief"]["topic"]).split("|")
        if topic[0] == dag_id:
            found.setdefault(TaskInstanceKey(topic[0], topic[1], topic[2], UNMAPPED), []).append(job)
    return found


def _outlived(snapshot: Snapshot, started: dict[TaskInstanceKey, list[CreatedJob]]) -> str:
    """Return how many of the jobs whose task a user ended were not canceled."""
    ended = [
        job
        for key, jobs in started.items()
        for job in jobs
        for action in snapshot.log.actions_on(key) + snapshot.log.actions_on(_waiting_task(key))
        if action.state in ("running", "deferred")
        and epoch_seconds(job.started_at) < action.at < epoch_seconds(job.finished_at) - GRACE
    ]
    return f"{sum(not job.cancel_requested for job in ended)} of {len(ended)}"


def _waiting_task(key: TaskInstanceKey) -> TaskInstanceKey:
    return key._replace(task_id=key.task_id.replace("generate", "wait"))


def _failed_tasks(snapshot: Snapshot, dag_id: str, started: dict[TaskInstanceKey, list[CreatedJob]]) -> int:
    """Count the failed tasks in runs without a user's action and without a failed job."""
    explained = {action.target.run_id for action in snapshot.log.user_actions}
    explained |= {key.run_id for key, jobs in started.items() if any(job.status == "failed" for job in jobs)}
    return sum(
        record.state == "failed" and key.dag_id == dag_id and key.run_id not in explained
        for key, record in snapshot.task_instances.items()
    )


class LivyGateway(ThreadingHTTPServer):
    """Livy's routes in front of the emulator, so that its faults reach a provider that speaks only Livy.

    A response of the emulator is passed on as it is, good or bad, and so is a missing one.

    :param api: the emulator's URL
    :param api_key: its API key
    :param project_id: project of the jobs
    """

    daemon_threads = True

    def __init__(self, api: str, api_key: str, project_id: str) -> None:
        self._content_path = f"/v1/projects/{project_id}/content"
        self._jobs: dict[str, str] = {}
        self._numbers = itertools.count(1)
        headers = {"authorization": f"Bearer {api_key}"}
        self.http = httpx.Client(base_url=api, headers=headers, timeout=10.0, trust_env=False)
        super().__init__(("127.0.0.1", 0), _LivyHandler)

    def forward(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        """Send the request to the emulator that a request to Livy stands for."""
        if method == "POST":
            return self.http.post(self._content_path, json={"brief": {"topic": (body or {})["args"][0]}})
        job_id = self._jobs[path.strip("/").split("/")[1]]
        if method == "DELETE":
            return self.http.post(f"/v1/jobs/{job_id}/cancel")
        return self.http.get(f"/v1/jobs/{job_id}")

    def translate(self, path: str, response: httpx.Response) -> bytes:
        """Return the emulator's response as a batch of Livy; as it is, if it is no job."""
        try:
            job = response.json()
            state = LIVY_STATES.get(job["status"], job["status"])
            number = path.strip("/").split("/")[1:2] or [str(next(self._numbers))]
            self._jobs.setdefault(number[0], job["jobId"])
        except (ValueError, KeyError, TypeError):
            return response.content
        return json.dumps({"id": int(number[0]), "state": state, "appId": job["jobId"]}).encode()


class _LivyHandler(BaseHTTPRequestHandler):
    server: LivyGateway

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        if self.path.endswith("/log"):
            self._send(200, b'{"log": [], "from": 0, "total": 0}')
            return
        try:
            response = self.server.forward(self.command, self.path, body)
        except httpx.HTTPError:
            self.close_connection = True
            return
        self._send(response.status_code, self.server.translate(self.path, response))

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the base class's names

    def _send(self, status: int, content: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log nothing."""


@contextlib.contextmanager
def _livy_gateway(api: str, api_key: str, project_id: str) -> Iterator[str]:
    with LivyGateway(api, api_key, project_id) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.http.close()
