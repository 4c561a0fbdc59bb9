"""The world: everything the API knows, and the agenda by which it moves. It knows nothing of HTTP."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.clock import Clock
from airflow_provider_layers.emulator.errors import not_found
from airflow_provider_layers.emulator.faults import Faults
from airflow_provider_layers.emulator.formats import Ids, bare_uuid
from airflow_provider_layers.emulator.idempotency import Replays
from airflow_provider_layers.emulator.ledger import Ledger
from airflow_provider_layers.emulator.limits import Limits
from airflow_provider_layers.emulator.outcomes import Outcomes
from airflow_provider_layers.emulator.seed import plant
from airflow_provider_layers.emulator.settings import Settings

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import (
        ApiKey,
        Asset,
        Container,
        Job,
        PlatformPost,
        Project,
        ScheduledPost,
        SocialAccount,
    )


@dataclass
class Options:
    """What a world starts from, and goes back to on reset.

    :param seed: what ids and chances are drawn from.
    :param frozen: whether the clock stands still.
    :param start: what a frozen clock shows at first; the real time by default.
    :param api_key: the default key's text; drawn from the seed by default.
    :param settings: settings that differ from their defaults.
    """

    seed: int = 1
    frozen: bool = False
    start: datetime | None = None
    api_key: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


class World:
    """One organization with its keys, projects and everything that is made in them.

    :param options: what it starts from.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = Clock(frozen=options.frozen, start=options.start)
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Forget everything and begin again, with another *seed* if one is given."""
        if seed is not None:
            self.options.seed = seed
        self.clock.reset()
        self.ids = Ids(self.options.seed)
        self.settings = Settings()
        self.limits = Limits(self.clock)
        self.ledger, self.replays, self.outcomes = Ledger(), Replays(), Outcomes()
        self.faults = Faults(self.ids)
        self.organization_id = f"org_{self.ids.uuid('organization')}"
        self.workspace_id = self.ids.uuid("workspace")
        self.keys: dict[str, ApiKey] = {}
        self.projects: dict[str, Project] = {}
        self.accounts: dict[str, SocialAccount] = {}
        self.platform_posts: dict[str, PlatformPost] = {}
        self.containers: dict[str, Container] = {}
        self.clones: dict[str, tuple[str, Any]] = {}
        self.jobs: dict[str, Job] = {}
        self.posts: dict[str, ScheduledPost] = {}
        self.assets: dict[str, Asset] = {}
        self._agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._counted = 0
        plant(self)
        self.configure(self.options.settings)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings, and what they stand for in the default key and the default project."""
        self.settings.change(changes)
        if changes.keys() & {"review_policy", "first_n"}:
            project = self.default_project
            project.policy = self.settings.review_policy
            project.first_n = self.settings.first_n if project.policy == "review_first_n" else 0
        key = self.keys["default"]
        key.scopes, key.revoked = list(self.settings.scopes), self.settings.revoked
        key.suspended = self.settings.suspended

    @property
    def default_project(self) -> Project:
        """Return the first project, in which every example works."""
        return next(iter(self.projects.values()))

    def count(self) -> int:
        """Return the next number in the order of creation."""
        self._counted += 1
        return self._counted

    def at(self, due: datetime, act: Callable[[datetime], None]) -> None:
        """Let *act* be called with *due* once the clock has reached it."""
        heapq.heappush(self._agenda, (due, self.count(), act))

    def tick(self) -> None:
        """Let everything happen that is due by now, in order."""
        now = self.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            due, _, act = heapq.heappop(self._agenda)
            act(due)

    def project(self, identifier: str) -> Project:
        """Return the project with that id, prefixed or bare."""
        found = self.projects.get(bare_uuid(identifier, "prj") or "")
        if found is None:
            raise not_found("Project not found.")
        return found

    def container(self, identifier: str) -> Container:
        """Return the container with that id, prefixed or bare."""
        found = self.containers.get(bare_uuid(identifier, "cnt") or "")
        if found is None:
            raise not_found("Container not found.")
        return found

    def job(self, identifier: str) -> Job:
        """Return the job with that id."""
        found = self.jobs.get(identifier)
        if found is None:
            raise not_found("Job not found.")
        return found

    def post(self, identifier: str) -> ScheduledPost:
        """Return the scheduled post with that id."""
        found = self.posts.get(identifier)
        if found is None:
            raise not_found("Scheduled post not found.")
        return found

    def running_jobs(self) -> list[Job]:
        """Return the jobs that have not ended."""
        return [job for job in self.jobs.values() if job.status == "running"]
