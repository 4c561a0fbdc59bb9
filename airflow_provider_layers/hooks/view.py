"""What a task instance is about, told to whoever shows it: the page in the Airflow UI reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from airflow.providers.common.compat.sdk import conf

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

VIEW = "layers"
"""The XCom key. Its value holds ids and the name of the connection, and nothing that is secret."""


def show(
    context: Context,
    *,
    layers_conn_id: str,
    job_id: str | None = None,
    container_ids: Sequence[str] = (),
    scheduled_post_ids: Sequence[str] = (),
) -> None:
    """
    Tell what the task instance is about; the last call of a try holds.

    :param context: of the task
    :param layers_conn_id: the connection through which it can be read
    :param job_id: the job that it started or waits for
    :param container_ids: the content that it makes, reads or decides on
    :param scheduled_post_ids: the posts that it made or waits for
    """
    value = {
        "layers_conn_id": layers_conn_id,
        "job_id": job_id,
        "container_ids": list(container_ids),
        "scheduled_post_ids": list(scheduled_post_ids),
    }
    context["ti"].xcom_push(key=VIEW, value=value)


def review_address(context: Context, part: str, *, words: int) -> str:
    """
    Give the address, on the Airflow site, of a part of a review that is always up to date.

    It has no host: a browser that came by another name of the same site would not send its cookie there.

    :param context: of the task
    :param part: ``card``, ``media``, or the number of a picture
    :param words: number of the take that the words of the question are about
    """
    ti: Any = context["ti"]
    place = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": ti.map_index}
    site = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    return f"{site}/layers/review/{part}?{urlencode({**place, 'words': words})}"
