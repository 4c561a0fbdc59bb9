"""Many waits at once, in one event loop, as a triggerer has them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_layers.triggers.jobs import LayersJobTrigger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_layers.emulator import Emulator
    from airflow_provider_layers.emulator.control_client import CreatedJob, RecordedRequest


class Crowd:
    """
    Starts jobs, and waits for many of them.

    :param api: the API, with room for many jobs
    :param airflow: reads a trigger's event
    :param clock: pushed by every wait
    """

    def __init__(self, api: Emulator, airflow: Any, clock: Any) -> None:
        self._api = api
        self._airflow = airflow
        self._clock = clock
        tier = api.settings()["tier"]
        api.configure(credits=10**9)
        self._tier = tier

    def start(self, count: int, *, seconds: float | None = None, **body: Any) -> list[CreatedJob]:
        """Start jobs without the package under test, whatever the tier allows."""
        self._api.configure(tier="unlimited", **({} if seconds is None else {"job_seconds": seconds}))
        before = len(self._api.jobs())
        headers = {"Authorization": f"Bearer {self._api.api_key}"}
        with httpx.Client(base_url=self._api.url, headers=headers, trust_env=False) as client:
            for number in range(count):
                brief = {"brief": {"topic": f"Number {before + number}."}, **body}
                response = client.post(f"/v1/projects/{self._api.project_id}/content", json=brief)
                assert response.status_code == 202, response.text
        self._api.configure(tier=self._tier)
        return self._api.jobs()[before:]

    def regenerate(self, jobs: Iterable[CreatedJob]) -> list[CreatedJob]:
        """Regenerate what finished jobs made, without the package under test."""
        before = len(self._api.jobs())
        self._api.configure(tier="unlimited")
        headers = {"Authorization": f"Bearer {self._api.api_key}"}
        with httpx.Client(base_url=self._api.url, headers=headers, trust_env=False) as client:
            for job in jobs:
                response = client.post(f"/v1/content/{job.container_ids[0]}/regenerate", json={})
                assert response.status_code == 202, response.text
        self._api.configure(tier=self._tier)
        return self._api.jobs()[before:]

    def trigger(self, job: CreatedJob, **changes: Any) -> LayersJobTrigger:
        """Return the trigger of a job as its operator makes it."""
        arguments = {
            "job_id": job.job_id,
            "deadline": self._clock.time() + 3600,
            "container_ids": job.container_ids,
            "project_id": job.project_id,
            "kind": job.kind,
            "started_at": job.started_at,
        }
        return LayersJobTrigger(**{**arguments, **changes})

    def wait(self, triggers: Iterable[Any]) -> list[dict[str, Any]]:
        """Wait in one loop, and return the events, each with the seconds of pushed time until it came."""
        return asyncio.run(self._clock.run_until_death(self.events_of(triggers)))

    async def events_of(self, triggers: Iterable[Any]) -> list[dict[str, Any]]:
        return list(await asyncio.gather(*[self.event_of(trigger) for trigger in triggers]))

    async def event_of(self, trigger: Any) -> dict[str, Any]:
        event = await self._airflow.event_of(trigger)
        return {**event, "after": self._clock.elapsed}

    def list_reads(self) -> list[RecordedRequest]:
        """Return the reads of lists of content."""
        return self._api.requests(method="GET", path="/v1/projects/*/content")

    def job_reads(self, job_id: str = "*") -> list[RecordedRequest]:
        """Return the reads of jobs."""
        return self._api.requests(method="GET", path=f"/v1/jobs/{job_id}")
