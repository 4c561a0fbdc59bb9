"""What task instances say they are about. Any task can push any XCom, so nothing in it is taken on trust."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_IDS = 200
"""The most ids of a kind that one task instance may name."""

_ID = re.compile(r"[\x21-\x7e]{1,200}")
_CONNECTION = re.compile(r"[\w#!()\-.:/\\]{1,200}")


@dataclass(frozen=True)
class Mention:
    """
    What one task instance is about.

    :param task_id: the task
    :param map_index: its place in a mapped task; -1 where it is not mapped
    :param conn_id: the connection through which it can be read
    """

    task_id: str
    map_index: int
    conn_id: str
    job_id: str | None
    container_ids: tuple[str, ...]
    scheduled_post_ids: tuple[str, ...]


def read_mention(task_id: str, map_index: int, value: Any) -> Mention | None:
    """
    Read the XCom of a task instance (:mod:`airflow_provider_layers.hooks.view`).

    :param task_id: the task
    :param map_index: its place in a mapped task
    :param value: the XCom, as JSON
    :return: ``None`` for anything that is not of its shape
    """
    if not isinstance(value, Mapping):
        return None
    conn_id, job_id = value.get("layers_conn_id"), value.get("job_id")
    if not isinstance(conn_id, str) or not _CONNECTION.fullmatch(conn_id):
        return None
    return Mention(
        task_id,
        map_index,
        conn_id,
        job_id if _is_id(job_id) else None,
        _ids(value.get("container_ids")),
        _ids(value.get("scheduled_post_ids")),
    )


def _is_id(given: Any) -> bool:
    return isinstance(given, str) and bool(_ID.fullmatch(given))


def _ids(given: Any) -> tuple[str, ...]:
    several = given[:MOST_IDS] if isinstance(given, list) else []
    return tuple(dict.fromkeys(filter(_is_id, several)))
