"""The content of a page: all that a task instance or a DAG run refers to, as the browser receives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import UNFINISHED_STATUSES
from airflow_provider_layers.plugins.loader import CONTENT, JOB, POST, Loader, Resource
from airflow_provider_layers.plugins.serializers import CONNECTION_ERROR, ReadResult

if TYPE_CHECKING:
    from airflow_provider_layers.plugins.queries import PageReferences, TaskReference

MAX_PER_KIND = 200
"""How many containers, how many scheduled posts and how many jobs a page shows."""

UNFINISHED_REFRESH = 10.0
"""Seconds after which the page asks again while Airflow has unfinished task instances."""


def task_instance_page(references: PageReferences, loader: Loader) -> dict[str, Any]:
    """Return the page of a task instance: its job, its content and its posts."""
    return _Page(references, loader, all_jobs=True).as_json()


def dag_run_page(references: PageReferences, loader: Loader) -> dict[str, Any]:
    """Return the page of a DAG run: its content and posts, and the jobs that are still running."""
    return _Page(references, loader, all_jobs=False).as_json()


class _Page:
    """
    Collects resources and their results.

    :param all_jobs: show jobs of finished content, too
    """

    def __init__(self, references: PageReferences, loader: Loader, *, all_jobs: bool) -> None:
        self._references = references
        self._loader = loader
        # A dictionary serves as an ordered set: the resources, and for each the tasks that refer to it.
        self._tasks: dict[Resource, dict[TaskReference, None]] = {}
        self._counts: Counter[str] = Counter()
        self._omitted: set[Resource] = set()
        self._results: dict[Resource, ReadResult] = {}
        for task in references.tasks:
            self._add(task, CONTENT, task.container_ids)
            self._add(task, POST, task.scheduled_post_ids)
            if all_jobs or not task.container_ids:
                self._add(task, JOB, [task.job_id])
        self._load()
        self._follow_jobs()
        self._load()

    def as_json(self) -> dict[str, Any]:
        posts = [self._entry(resource) for resource in self._of_kind(POST)]
        containers = [self._container(resource, posts) for resource in self._of_kind(CONTENT)]
        container_ids = {entry["id"] for entry in containers}
        errors = (result.error for result in self._results.values() if result.state == CONNECTION_ERROR)
        return {
            "waiting": [asdict(task) for task in self._references.waiting[:MAX_PER_KIND]],
            "jobs": [self._entry(resource) for resource in self._of_kind(JOB)],
            "containers": containers,
            "posts": [entry for entry in posts if _container_id(entry) not in container_ids],
            "errors": list(dict.fromkeys(errors)),
            "omitted": len(self._omitted),
            "truncated": self._references.truncated,
            "refresh_after": self._refresh_after(),
        }

    def _add(self, task: TaskReference, kind: str, ids: Iterable[str | None]) -> None:
        for resource_id in filter(None, ids):
            resource = Resource(task.conn_id, kind, resource_id)
            if resource not in self._tasks and self._counts[kind] >= MAX_PER_KIND:
                self._omitted.add(resource)
                continue
            self._counts[kind] += resource not in self._tasks
            self._tasks.setdefault(resource, {})[task] = None

    def _load(self) -> None:
        self._results |= self._loader.load(
            [resource for resource in self._tasks if resource not in self._results]
        )

    def _follow_jobs(self) -> None:
        """Add the content that jobs name, and the jobs of unfinished content."""
        for task in self._references.tasks:
            job = self._data(task, JOB, task.job_id)
            if job:
                self._add(task, CONTENT, job["container_ids"])
            containers = [self._data(task, CONTENT, container_id) for container_id in task.container_ids]
            if any(content and content["status"] in UNFINISHED_STATUSES for content in containers):
                self._add(task, JOB, [task.job_id])

    def _data(self, task: TaskReference, kind: str, resource_id: str | None) -> dict[str, Any] | None:
        result = self._results.get(Resource(task.conn_id, kind, resource_id or ""))
        return result.data if result else None

    def _of_kind(self, kind: str) -> list[Resource]:
        return [resource for resource in self._tasks if resource.kind == kind]

    def _entry(self, resource: Resource) -> dict[str, Any]:
        tasks = [{"task_id": task.task_id, "map_index": task.map_index} for task in self._tasks[resource]]
        return {"id": resource.resource_id, "tasks": tasks, **self._results[resource].as_json()}

    def _container(self, resource: Resource, posts: list[dict[str, Any]]) -> dict[str, Any]:
        job_ids = dict.fromkeys(task.job_id for task in self._tasks[resource] if task.job_id)
        own_posts = [entry for entry in posts if _container_id(entry) == resource.resource_id]
        return {**self._entry(resource), "job_ids": list(job_ids), "posts": own_posts}

    def _refresh_after(self) -> float | None:
        seconds = [result.ttl for result in self._results.values() if not result.final]
        if self._references.unfinished:
            seconds.append(UNFINISHED_REFRESH)
        return min(seconds, default=None)


def _container_id(post: dict[str, Any]) -> str | None:
    data: dict[str, Any] = post["data"] or {}
    return data.get("container_id")
