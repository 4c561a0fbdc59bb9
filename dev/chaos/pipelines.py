"""The pipelines of a chaos run: every way to start a job and every way to wait for it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersPublishContentOperator,
    LayersRegenerateContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.scheduled_posts import (
    LayersCancelScheduledPostOperator,
    LayersRescheduleScheduledPostOperator,
)
from airflow_provider_layers.sensors.jobs import LayersJobSensor

PROJECT = os.environ["CHAOS_PROJECT"]
POSTS = os.environ["CHAOS_POSTS"].split(",")
TARGETS = [{"social_account_id": os.environ["CHAOS_ACCOUNT"], "mode": "publish"}]
WIDTH = int(os.environ["CHAOS_WIDTH"])
BRIEF = {"topic": "Run {{ run_id }}"}
COMMON: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 100,
    "max_active_tasks": 100,
    "default_args": {"retries": int(os.environ["CHAOS_RETRIES"]), "retry_delay": timedelta(seconds=1)},
}
WAITS: dict[str, Any] = {"wait_for_completion": True, "poll_interval": 2.0, "completion_timeout": 900.0}


def days_ahead(days: int) -> str:
    """Return a timestamp so late that no post goes out, the same on every try."""
    return f"2099-01-{days:02d}T09:00:00Z"


with DAG(dag_id="chaos_worker_waits", schedule=None, doc_md="Waits in the worker.", **COMMON):
    generate = LayersGenerateContentOperator(
        task_id="generate", project_id=PROJECT, brief=BRIEF, deferrable=False, **WAITS
    )
    regenerate = LayersRegenerateContentOperator(
        task_id="regenerate",
        container_id=generate.output,  # type: ignore[arg-type]
        deferrable=False,
        **WAITS,
    )
    approve = LayersApproveContentOperator(task_id="approve", container_id=generate.output)
    # A single container id, so that the operator returns a single result and not a list.
    schedule = LayersScheduleContentOperator(
        task_id="schedule",
        container_id="{{ ti.xcom_pull('generate')[0] }}",
        scheduled_for=days_ahead(1),
        targets=TARGETS,
    )
    post = "{{ ti.xcom_pull('schedule')['scheduled_post_ids'][0] }}"
    reschedule = LayersRescheduleScheduledPostOperator(
        task_id="reschedule", scheduled_post_id=post, scheduled_for=days_ahead(2)
    )
    cancel = LayersCancelScheduledPostOperator(task_id="cancel_post", scheduled_post_id=post)
    regenerate >> approve >> schedule >> reschedule >> cancel

with DAG(dag_id="chaos_deferred_waits", schedule=None, doc_md="Waits in the triggerer, mapped.", **COMMON):
    clone = LayersCloneFromPostOperator.partial(
        task_id="clone", project_id=PROJECT, deferrable=True, **WAITS
    ).expand(source_platform_post_id=POSTS[:WIDTH])
    again = LayersRegenerateContentOperator.partial(task_id="regenerate", deferrable=True, **WAITS).expand(
        container_id=clone.output
    )
    approved = LayersApproveContentOperator.partial(task_id="approve").expand(container_id=again.output)
    published = LayersPublishContentOperator.partial(task_id="publish", targets=TARGETS).expand(
        container_id=again.output
    )
    approved >> published

with DAG(
    dag_id="chaos_sensors", schedule=None, doc_md="Submits jobs, and waits for them in sensors.", **COMMON
):
    started = LayersCloneFromPostOperator.partial(task_id="clone", project_id=PROJECT).expand(
        source_platform_post_id=POSTS[:WIDTH]
    )
    sensed = LayersJobSensor.partial(
        task_id="wait_deferred", deferrable=True, poke_interval=2.0, timeout=900.0
    ).expand(job_id=started.output)
    single = LayersGenerateContentOperator(task_id="generate", project_id=PROJECT, brief=BRIEF)
    poked = LayersJobSensor(
        task_id="wait_poke",
        job_id=single.output,  # type: ignore[arg-type]
        deferrable=False,
        poke_interval=2.0,
        timeout=900.0,
    )
    decided = LayersApproveContentOperator.partial(task_id="approve").expand(container_id=sensed.output)
    dated = LayersScheduleContentOperator.partial(
        task_id="schedule", scheduled_for=days_ahead(3), targets=TARGETS
    ).expand(container_id=sensed.output)
    decided >> dated
