"""What the page is told: of a task instance, and of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.plugins.found import NO_CONNECTION, Found
from airflow_provider_layers.plugins.loader import CONTENT, JOB, POST, Reader, Wanted

if TYPE_CHECKING:
    from airflow_provider_layers.plugins.mention import Mention
    from airflow_provider_layers.plugins.queries import Records

MOST = 200
"""The most containers on a page, the most scheduled posts, and the most jobs."""

UNFINISHED = 10.0
"""Seconds until the page asks again while Airflow is still at it."""


class Page:
    """
    Gathers what a page shows.

    :param records: what the task instances say they are about
    :param reader: reads it
    :param every_job: whether jobs are shown that have ended, too
    """

    def __init__(self, records: Records, reader: Reader, *, every_job: bool) -> None:
        self._records = records
        self._reader = reader
        # A dictionary serves as an ordered set.
        self._by: dict[Wanted, dict[Mention, None]] = {}
        self._kinds: Counter[str] = Counter()
        self._left_out: set[Wanted] = set()
        self._found: dict[Wanted, Found] = {}
        for mention in records.mentions:
            self._add(mention, CONTENT, mention.container_ids)
            self._add(mention, POST, mention.scheduled_post_ids)
            if every_job or not mention.container_ids:
                self._add(mention, JOB, [mention.job_id])
        self._read()
        self._follow_jobs()
        self._read()

    def as_json(self) -> dict[str, Any]:
        """Give what the page is told."""
        posts = [self._entry(one) for one in self._of_kind(POST)]
        containers = [self._container(one, posts) for one in self._of_kind(CONTENT)]
        shown = {entry["id"] for entry in containers}
        faults = (found.error for found in self._found.values() if found.state == NO_CONNECTION)
        return {
            "jobs": [self._entry(one) for one in self._of_kind(JOB)],
            "containers": containers,
            "posts": [entry for entry in posts if _container_of(entry) not in shown],
            "errors": list(dict.fromkeys(faults)),
            "left_out": len(self._left_out),
            "cut": self._records.cut,
            "again_in": self._again_in(),
        }

    def _add(self, mention: Mention, kind: str, names: Iterable[str | None]) -> None:
        for name in filter(None, names):
            wanted = Wanted(mention.conn_id, kind, name)
            if wanted not in self._by and self._kinds[kind] >= MOST:
                self._left_out.add(wanted)
                continue
            self._kinds[kind] += wanted not in self._by
            self._by.setdefault(wanted, {})[mention] = None

    def _follow_jobs(self) -> None:
        for mention in self._records.mentions:
            job = self._found.get(Wanted(mention.conn_id, JOB, mention.job_id or ""))
            if job and job.shown:
                self._add(mention, CONTENT, job.shown["container_ids"])
            made = (self._found.get(Wanted(mention.conn_id, CONTENT, one)) for one in mention.container_ids)
            if any(one and one.under_way for one in made):
                self._add(mention, JOB, [mention.job_id])

    def _read(self) -> None:
        self._found |= self._reader.read([one for one in self._by if one not in self._found])

    def _of_kind(self, kind: str) -> list[Wanted]:
        return [one for one in self._by if one.kind == kind]

    def _entry(self, wanted: Wanted) -> dict[str, Any]:
        tasks = [{"task_id": one.task_id, "map_index": one.map_index} for one in self._by[wanted]]
        return {"id": wanted.name, "tasks": tasks, **self._found[wanted].as_json()}

    def _container(self, wanted: Wanted, posts: list[dict[str, Any]]) -> dict[str, Any]:
        own = [entry for entry in posts if _container_of(entry) == wanted.name]
        jobs = dict.fromkeys(one.job_id for one in self._by[wanted] if one.job_id)
        return {**self._entry(wanted), "job_ids": list(jobs), "posts": own}

    def _again_in(self) -> float | None:
        waits = [found.keep for found in self._found.values() if not found.settled]
        return min([*waits, *([UNFINISHED] if self._records.unfinished else [])], default=None)


def _container_of(post: dict[str, Any]) -> str | None:
    shown: dict[str, Any] = post["shown"] or {}
    return shown.get("container_id")


def of_task_instance(records: Records, reader: Reader) -> dict[str, Any]:
    """
    Tell of a task instance: all that it is about.

    :param records: what it says it is about
    :param reader: reads it
    """
    return Page(records, reader, every_job=True).as_json()


def of_run(records: Records, reader: Reader) -> dict[str, Any]:
    """
    Tell of a run: all its content, with the jobs that are still at it.

    :param records: what its task instances say they are about
    :param reader: reads it
    """
    return Page(records, reader, every_job=False).as_json()
