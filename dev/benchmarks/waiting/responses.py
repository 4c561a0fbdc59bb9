"""What the Layers API answers about the jobs of a run: three routes, each a function of the clock."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from dev.benchmarks.waiting.workload import Job

FORMAT = "slideshow-builder"
KIND = "content_generate"
DEFAULT_LIMIT, LARGEST_LIMIT = 25, 200
STEPS = 20
"""Progress moves in steps, so that a look between two of them is answered with 304."""

STAGES = (
    (0.05, "queued"),
    (0.2, "planning"),
    (0.7, "generating_visuals"),
    (0.9, "assembling"),
    (1.0, "finalizing"),
)
MEDIA = "https://media.layers.com/content"
CAPTION = "Three small habits that made the mornings of our users calmer, and the one that nobody expects. "
SLIDES = (1, 2, 3)


class Answer(NamedTuple):
    """An answer before it becomes HTTP; ``headers`` are whole lines."""

    status: int
    body: bytes = b""
    headers: str = ""


def write_moment(moment: float) -> str:
    """Write a moment as the API does: UTC with ``Z``."""
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"


def refusal(status: int, code: str, message: str, headers: str = "") -> Answer:
    """Give an error in the API's envelope."""
    error = {"code": code, "message": message, "requestId": "req_00000000000000000000000000"}
    return Answer(status, json.dumps({"error": error}).encode(), headers)


def whoami(tier: str) -> Answer:
    """Answer ``GET /v1/whoami``."""
    organization = "org_00000000-0000-4000-a000-000000000001"
    body = {
        "organizationId": organization,
        "workspaceId": organization,
        "organizationName": "The benchmark of waiting",
        "parentOrganizationId": None,
        "scopes": ["*"],
        "rateLimitTier": tier,
        "apiKeyId": "key_00000000-0000-4000-a000-000000000001",
        "creditBalance": 1_000_000,
    }
    return Answer(200, json.dumps(body).encode())


def show_job(job: Job, now: float, known: str) -> Answer:
    """
    Answer ``GET /v1/jobs/:jobId``.

    :param job: the job
    :param now: seconds since the Unix epoch
    :param known: the client's ``If-None-Match``
    """
    elapsed = (now - job.start) / (job.end - job.start)
    step = STEPS if now >= job.end else min(int(elapsed * STEPS), STEPS - 1)
    etag = f'"{job.number}-{step}"'
    if etag in known:
        return Answer(304, b"", f"ETag: {etag}\r\n")
    stage = next((name for end, name in STAGES if elapsed < end), STAGES[-1][1])
    body: dict[str, object] = {
        "jobId": job.job_id,
        "kind": KIND,
        "status": "running" if step < STEPS else "completed",
        "progress": step / STEPS,
        "stage": stage,
        "projectId": job.project_id,
        "startedAt": write_moment(job.start),
        "finishedAt": None,
    }
    if step == STEPS:
        result = {"containerId": job.container_id, "containerIds": [job.container_id], "assets": _assets(job)}
        body |= {"finishedAt": write_moment(job.end), "result": result}
    return Answer(200, json.dumps(body).encode(), f"ETag: {etag}\r\n")


def _assets(job: Job) -> list[dict[str, object]]:
    return [_asset(job, slide) for slide in SLIDES]


def _asset(job: Job, slide: int) -> dict[str, object]:
    return {
        "assetId": f"ast_{job.number:022d}-{slide:03d}",
        "kind": "image",
        "url": _picture(job, slide),
        "thumbnailUrl": _picture(job, slide),
        "durationMs": None,
        "width": 1080,
        "height": 1920,
        "mimeType": "image/png",
        "sizeBytes": 481_233,
        "checksumSha256": None,
    }


def _picture(job: Job, slide: int) -> str:
    return f"{MEDIA}/{job.container_id}/slide-{slide}.png?expires=1790000000&signature={job.number:064x}"


class ContentLists:
    """
    The content of the projects, newest first.

    :param jobs: all jobs of the run, in order of start
    """

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs: dict[str, list[Job]] = {}
        for job in jobs:
            self._jobs.setdefault(job.project_id, []).append(job)
        self._starts = {name: [job.start for job in found] for name, found in self._jobs.items()}

    def show(self, project: str, query: str, now: float) -> Answer:
        """
        Answer ``GET /v1/projects/:projectId/content``.

        :param project: its id
        :param query: what follows the question mark
        :param now: seconds since the Unix epoch
        """
        if project not in self._jobs:
            return refusal(404, "NOT_FOUND", "Project not found.")
        asked = parse_qs(query)
        limit = int(asked.get("limit", [str(DEFAULT_LIMIT)])[0])
        if not 1 <= limit <= LARGEST_LIMIT:
            return refusal(422, "VALIDATION", f"limit should be 1 to {LARGEST_LIMIT}.")
        rows: list[str] = []
        last = None
        for job in self._fitting(project, asked, now):
            if len(rows) == limit:
                return _page(rows, f'"{last}"')
            rows.append(_row(job, now))
            last = job.number
        return _page(rows, "null")

    def _fitting(self, project: str, asked: dict[str, list[str]], now: float) -> Iterator[Job]:
        jobs, starts = self._jobs[project], self._starts[project]
        newest = min([now, *map(_read_moment, asked.get("until", []))])
        oldest = max([0.0, *map(_read_moment, asked.get("since", []))])
        above = bisect_right(starts, newest)
        if "cursor" in asked:
            above = min(above, bisect_left(jobs, int(asked["cursor"][0]), key=lambda job: job.number))
        statuses = {"processing" if name == "generating" else name for name in asked.get("status", [])}
        formats = asked.get("format", [FORMAT])
        if FORMAT not in formats or asked.get("creativeType", ["generated"]) != ["generated"]:
            return
        for position in range(above - 1, bisect_left(starts, oldest) - 1, -1):
            if not statuses or _status(jobs[position], now) in statuses:
                yield jobs[position]


def _read_moment(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _status(job: Job, now: float) -> str:
    if now >= job.end:
        return "completed"
    return "queued" if now - job.start < STAGES[0][0] * (job.end - job.start) else "processing"


def _page(rows: list[str], cursor: str) -> Answer:
    return Answer(200, f'{{"items": [{", ".join(rows)}], "nextCursor": {cursor}}}'.encode())


def _row(job: Job, now: float) -> str:
    return _finished_row(job) if now >= job.end else _unfinished_row(job, _status(job, now))


@cache
def _finished_row(job: Job) -> str:
    pictures = [_picture(job, slide) for slide in SLIDES]
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
        _head(job, "completed")
        | {"caption": CAPTION, "preview": preview, "completedAt": write_moment(job.end)}
        | {"primaryAsset": _asset(job, 1)}
    )


@cache
def _unfinished_row(job: Job, status: str) -> str:
    return json.dumps(
        _head(job, status) | {"caption": None, "preview": None, "completedAt": None, "primaryAsset": None}
    )


def _head(job: Job, status: str) -> dict[str, object]:
    return {
        "id": job.container_id,
        "status": status,
        "approvalStatus": "pending",
        "format": FORMAT,
        "creativeType": "generated",
        "createdAt": write_moment(job.start),
    }
