"""The server's responses about the jobs of a run, each a function of the time.

Three routes of the Layers API, and the state of a run in dbt Cloud and in Databricks.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from dev.benchmarks.waiting.workload import PlannedJob

FORMAT = "slideshow-builder"
KIND = "content_generate"
DEFAULT_LIMIT, MAX_LIMIT = 25, 200
# Progress moves in steps, so that a poll between two of them gets a 304.
PROGRESS_STEPS = 20
STAGES = (
    (0.05, "queued"),
    (0.2, "planning"),
    (0.7, "generating_visuals"),
    (0.9, "assembling"),
    (1.0, "finalizing"),
)
MEDIA_URL = "https://media.layers.com/content"
CAPTION = "Three small habits that made the mornings of our users calmer, and the one that nobody expects. "
SLIDES = (1, 2, 3)
DBT_RUNNING, DBT_SUCCESS = 3, 10


class ServerResponse(NamedTuple):
    """Status, body and whole header lines of a response."""

    status: int
    body: bytes = b""
    headers: str = ""


def format_time(moment: float) -> str:
    """Return a timestamp as the API formats it: UTC with ``Z``."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"


def error_response(status: int, code: str, message: str, headers: str = "") -> ServerResponse:
    """Return an error in the API's envelope."""
    error = {"code": code, "message": message, "requestId": "req_00000000000000000000000000"}
    return ServerResponse(status, json.dumps({"error": error}).encode(), headers)


def whoami_response(tier: str) -> ServerResponse:
    """Respond to ``GET /v1/whoami``."""
    organization = "org_00000000-0000-4000-a000-000000000001"
    body = {
        "organizationId": organization,
        "workspaceId": organization,
        "organizationName": "Waiting benchmark",
        "parentOrganizationId": None,
        "scopes": ["*"],
        "rateLimitTier": tier,
        "apiKeyId": "key_00000000-0000-4000-a000-000000000001",
        "creditBalance": 1_000_000,
    }
    return ServerResponse(200, json.dumps(body).encode())


def job_response(job: PlannedJob, now: float, if_none_match: str) -> ServerResponse:
    """Respond to ``GET /v1/jobs/:jobId``.

    :param job: the job
    :param now: epoch seconds
    :param if_none_match: the client's ``If-None-Match``
    """
    elapsed = (now - job.start) / (job.end - job.start)
    step = PROGRESS_STEPS if now >= job.end else min(int(elapsed * PROGRESS_STEPS), PROGRESS_STEPS - 1)
    etag = f'"{job.number}-{step}"'
    if etag in if_none_match:
        return ServerResponse(304, b"", f"ETag: {etag}\r\n")
    stage = next((name for end, name in STAGES if elapsed < end), STAGES[-1][1])
    body: dict[str, object] = {
        "jobId": job.job_id,
        "kind": KIND,
        "status": "running" if step < PROGRESS_STEPS else "completed",
        "progress": step / PROGRESS_STEPS,
        "stage": stage,
        "projectId": job.project_id,
        "startedAt": format_time(job.start),
        "finishedAt": None,
    }
    if step == PROGRESS_STEPS:
        assets = [_asset(job, slide) for slide in SLIDES]
        result = {"containerId": job.container_id, "containerIds": [job.container_id], "assets": assets}
        body |= {"finishedAt": format_time(job.end), "result": result}
    return ServerResponse(200, json.dumps(body).encode(), f"ETag: {etag}\r\n")


def _asset(job: PlannedJob, slide: int) -> dict[str, object]:
    return {
        "assetId": f"ast_{job.number:022d}-{slide:03d}",
        "kind": "image",
        "url": _picture_url(job, slide),
        "thumbnailUrl": _picture_url(job, slide),
        "durationMs": None,
        "width": 1080,
        "height": 1920,
        "mimeType": "image/png",
        "sizeBytes": 481_233,
        "checksumSha256": None,
    }


def _picture_url(job: PlannedJob, slide: int) -> str:
    query = f"expires=1790000000&signature={job.number:064x}"
    return f"{MEDIA_URL}/{job.container_id}/slide-{slide}.png?{query}"


class ContentLists:
    """The content of the projects, newest first.

    :param jobs: all jobs of the run, in order of start
    """

    def __init__(self, jobs: list[PlannedJob]) -> None:
        self._jobs: dict[str, list[PlannedJob]] = {}
        for job in jobs:
            self._jobs.setdefault(job.project_id, []).append(job)
        self._starts = {
            project_id: [job.start for job in of_project] for project_id, of_project in self._jobs.items()
        }

    def response(self, project_id: str, query: str, now: float) -> ServerResponse:
        """Respond to ``GET /v1/projects/:projectId/content``.

        :param project_id: id of the project
        :param query: the query string
        :param now: epoch seconds
        """
        if project_id not in self._jobs:
            return error_response(404, "NOT_FOUND", "Project not found.")
        params = parse_qs(query)
        limit = int(params.get("limit", [str(DEFAULT_LIMIT)])[0])
        if not 1 <= limit <= MAX_LIMIT:
            return error_response(422, "VALIDATION", f"limit should be 1 to {MAX_LIMIT}.")
        rows: list[str] = []
        last = None
        for job in self._matching(project_id, params, now):
            if len(rows) == limit:
                return _page(rows, f'"{last}"')
            rows.append(_row(job, now))
            last = job.number
        return _page(rows, "null")

    def _matching(self, project_id: str, params: dict[str, list[str]], now: float) -> Iterator[PlannedJob]:
        jobs, starts = self._jobs[project_id], self._starts[project_id]
        newest = min([now, *map(_parse_time, params.get("until", []))])
        oldest = max([0.0, *map(_parse_time, params.get("since", []))])
        end = bisect_right(starts, newest)
        if "cursor" in params:
            end = min(end, bisect_left(jobs, int(params["cursor"][0]), key=lambda job: job.number))
        statuses = {"processing" if name == "generating" else name for name in params.get("status", [])}
        formats = params.get("format", [FORMAT])
        if FORMAT not in formats or params.get("creativeType", ["generated"]) != ["generated"]:
            return
        for position in range(end - 1, bisect_left(starts, oldest) - 1, -1):
            if not statuses or _content_status(jobs[position], now) in statuses:
                yield jobs[position]


def _parse_time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _content_status(job: PlannedJob, now: float) -> str:
    if now >= job.end:
        return "completed"
    return "queued" if now - job.start < STAGES[0][0] * (job.end - job.start) else "processing"


def _page(rows: list[str], cursor: str) -> ServerResponse:
    return ServerResponse(200, f'{{"items": [{", ".join(rows)}], "nextCursor": {cursor}}}'.encode())


def _row(job: PlannedJob, now: float) -> str:
    return _completed_row(job) if now >= job.end else _running_row(job, _content_status(job, now))


@cache
def _completed_row(job: PlannedJob) -> str:
    pictures = [_picture_url(job, slide) for slide in SLIDES]
    preview = {
        "kind": "slideshow",
        "primaryUrl": pictures[0],
        "thumbnailUrl": pictures[0],
        "imageUrls": pictures,
        "videoUrl": None,
        "hlsUrl": None,
        "durationMs": None,
        "aspectRatio": "9:16",
    }
    return json.dumps(
        _common_fields(job, "completed")
        | {"caption": CAPTION, "preview": preview, "completedAt": format_time(job.end)}
        | {"primaryAsset": _asset(job, 1)}
    )


@cache
def _running_row(job: PlannedJob, status: str) -> str:
    unset = dict.fromkeys(("caption", "preview", "completedAt", "primaryAsset"))
    return json.dumps(_common_fields(job, status) | unset)


def _common_fields(job: PlannedJob, status: str) -> dict[str, object]:
    return {
        "id": job.container_id,
        "status": status,
        "approvalStatus": "pending",
        "format": FORMAT,
        "creativeType": "generated",
        "createdAt": format_time(job.start),
    }


def dbt_cloud_response(job: PlannedJob, now: float) -> ServerResponse:
    """Respond to ``GET /api/v2/accounts/:account/runs/:run/`` of dbt Cloud."""
    ended = now >= job.end
    data = {
        "id": job.number,
        "trigger_id": job.number,
        "account_id": 1,
        "environment_id": 1,
        "project_id": 1,
        "job_definition_id": 1,
        "status": DBT_SUCCESS if ended else DBT_RUNNING,
        "status_message": None,
        "created_at": format_time(job.start),
        "started_at": format_time(job.start),
        "finished_at": format_time(job.end) if ended else None,
        "in_progress": not ended,
        "is_complete": ended,
        "is_success": ended,
        "is_error": False,
        "is_cancelled": False,
        "href": f"https://cloud.getdbt.com/deploy/1/projects/1/runs/{job.number}/",
    }
    status = {"code": 200, "is_success": True, "user_message": "Success!", "developer_message": ""}
    return ServerResponse(200, json.dumps({"status": status, "data": data}).encode())


def databricks_response(job: PlannedJob, now: float) -> ServerResponse:
    """Respond to ``GET /api/2.2/jobs/runs/get`` of Databricks."""
    state = {"life_cycle_state": "RUNNING", "state_message": "In run"}
    if now >= job.end:
        state = {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS", "state_message": ""}
    body = {
        "job_id": 1,
        "run_id": job.number,
        "run_name": "generate",
        "run_page_url": f"https://bench.cloud.databricks.com/#job/1/run/{job.number}",
        "run_type": "JOB_RUN",
        "start_time": int(job.start * 1000),
        "end_time": int(job.end * 1000) if now >= job.end else 0,
        "state": state,
        "tasks": [{"run_id": job.number, "task_key": "generate", "state": state}],
    }
    return ServerResponse(200, json.dumps(body).encode())
