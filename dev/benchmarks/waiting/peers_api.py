"""What the services of the peers answer about the same jobs: the state of one run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dev.benchmarks.waiting.responses import Answer, write_moment

if TYPE_CHECKING:
    from dev.benchmarks.waiting.workload import Job

DBT_RUNNING, DBT_SUCCESS = 3, 10


def dbt_run(job: Job, now: float) -> Answer:
    """Answer ``GET /api/v2/accounts/:account/runs/:run/`` of dbt Cloud."""
    done = now >= job.end
    data = {
        "id": job.number,
        "trigger_id": job.number,
        "account_id": 1,
        "environment_id": 1,
        "project_id": 1,
        "job_definition_id": 1,
        "status": DBT_SUCCESS if done else DBT_RUNNING,
        "status_message": None,
        "created_at": write_moment(job.start),
        "started_at": write_moment(job.start),
        "finished_at": write_moment(job.end) if done else None,
        "in_progress": not done,
        "is_complete": done,
        "is_success": done,
        "is_error": False,
        "is_cancelled": False,
        "href": f"https://cloud.getdbt.com/deploy/1/projects/1/runs/{job.number}/",
    }
    status = {"code": 200, "is_success": True, "user_message": "Success!", "developer_message": ""}
    return Answer(200, json.dumps({"status": status, "data": data}).encode())


def databricks_run(job: Job, now: float) -> Answer:
    """Answer ``GET /api/2.2/jobs/runs/get`` of Databricks."""
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
    return Answer(200, json.dumps(body).encode())
