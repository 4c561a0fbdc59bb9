"""The state of the emulated API: what exists, what happens when, and how it starts."""

from __future__ import annotations

import heapq
import string
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.emulator.entities import ApiKey, PlatformPost, Project, SocialAccount
from airflow_provider_layers.emulator.errors import not_found
from airflow_provider_layers.emulator.faults import Faults, Outcomes
from airflow_provider_layers.emulator.formats import IdGenerator, bare_uuid
from airflow_provider_layers.emulator.idempotency import IdempotencyCache
from airflow_provider_layers.emulator.limits import RateLimits
from airflow_provider_layers.emulator.settings import EmulatorSettings

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.entities import (
        Asset,
        Container,
        EmulatedJob,
        LoggedRequest,
        ScheduledPost,
    )

# Limits the memory of a server that runs for weeks.
_MAX_LOGGED_REQUESTS = 100_000

_BASE32 = string.ascii_lowercase + "234567"
_BASE64 = string.ascii_letters + string.digits + "-_"
_READ_SCOPES = ["content:read", "publish:read", "jobs:read", "metrics:read", "projects:read", "social:read"]
# platform, format, age in days, score, hook, metrics
_PLATFORM_POSTS: tuple[tuple[str, str, int, float, str, dict[str, float]], ...] = (
    ("tiktok", "video-remix", 3, 9.1, "Get things done. Faster than your to-do list.",
     {"views": 812_000, "engagement_rate": 0.114, "watch_time_ms": 9_400}),
    ("instagram", "slideshow-remix", 5, 8.4, "Five tabs you can close today.",
     {"views": 402_000, "engagement_rate": 0.131, "watch_time_ms": 7_200}),
    ("tiktok", "slideshow-builder", 12, 7.7, "Nobody plans a day like this.",
     {"views": 266_000, "engagement_rate": 0.087, "watch_time_ms": 6_100}),
    ("youtube", "video-remix", 20, 6.2, "I tried one list for thirty days.",
     {"views": 148_000, "engagement_rate": 0.062, "watch_time_ms": 11_800}),
    ("tiktok_ads", "ugc-remix", 25, 7.0, "My sister deleted three apps for this one.",
     {"views": 95_000, "engagement_rate": 0.041, "watch_time_ms": 5_300, "conversions": 318, "roas": 3.4}),
    ("meta_ads", "ugc-remix", 41, 6.6, "The reminder that finally worked on me.",
     {"views": 73_000, "engagement_rate": 0.038, "watch_time_ms": 4_900, "conversions": 207, "roas": 2.7}),
    ("instagram", "slideshow-remix", 70, 5.1, "Your calendar is lying to you.",
     {"views": 51_000, "engagement_rate": 0.055, "watch_time_ms": 5_800}),
    ("tiktok", "video-remix", 8, 2.3, "Productivity, but make it loud.",
     {"views": 9_400, "engagement_rate": 0.012, "watch_time_ms": 1_900}),
)  # fmt: skip


class EmulatorClock:
    """A clock that runs, or that is frozen until it is advanced.

    :param frozen: whether time passes through :meth:`advance` only
    :param start: initial time of a frozen clock; by default the real time, so that moments that a client
        computes from the real time are in the future of the emulator, too
    """

    def __init__(self, *, frozen: bool = False, start: datetime | None = None) -> None:
        self.frozen = frozen
        self._start = start
        self.reset()

    def reset(self) -> None:
        """Return to the start (frozen) or to the real time."""
        self._frozen_at = self._start or datetime.now(timezone.utc).replace(microsecond=0)
        self._offset = timedelta()

    def now(self) -> datetime:
        """Return the present moment, in UTC."""
        return (self._frozen_at if self.frozen else datetime.now(timezone.utc)) + self._offset

    def advance(self, seconds: float) -> None:
        """Move forward; a running clock continues from there."""
        self._offset += timedelta(seconds=seconds)


@dataclass
class StateOptions:
    """The options from which a state starts, and to which a reset returns.

    :param seed: seed of ids and random numbers
    :param frozen: whether the clock is frozen
    :param start: initial time of a frozen clock; the real time by default
    :param api_key: text of the default API key; drawn from the seed by default
    :param settings: settings that differ from their defaults
    """

    seed: int = 1
    frozen: bool = False
    start: datetime | None = None
    api_key: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


class State:
    """An organization with its API keys, projects, and everything that is created in them.

    :param options: options from which the state starts
    """

    def __init__(self, options: StateOptions) -> None:
        self.options = options
        self.clock = EmulatorClock(frozen=options.frozen, start=options.start)
        self.reset()

    def reset(self, seed: int | None = None) -> None:
        """Return to the initial state; *seed* replaces the seed."""
        if seed is not None:
            self.options.seed = seed
        self.clock.reset()
        self.ids = IdGenerator(self.options.seed)
        self.settings = EmulatorSettings()
        self.rate_limits = RateLimits(self.clock)
        self.idempotency_cache = IdempotencyCache()
        self.outcomes, self.faults = Outcomes(), Faults(self.ids)
        self.request_log: deque[LoggedRequest] = deque(maxlen=_MAX_LOGGED_REQUESTS)
        self.organization_id = f"org_{self.ids.uuid('organization')}"
        self.workspace_id = self.ids.uuid("workspace")
        self.keys: dict[str, ApiKey] = {}
        self.projects: dict[str, Project] = {}
        self.accounts: dict[str, SocialAccount] = {}
        self.platform_posts: dict[str, PlatformPost] = {}
        self.containers: dict[str, Container] = {}
        self.jobs: dict[str, EmulatedJob] = {}
        self.posts: dict[str, ScheduledPost] = {}
        self.assets: dict[str, Asset] = {}
        self._timers: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._last_number = 0
        populate(self)
        self.configure(self.options.settings)

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings, and the default key and the default project accordingly."""
        self.settings = self.settings.updated(changes)
        if changes.keys() & {"review_policy", "first_n"}:
            project = self.default_project
            project.policy = self.settings.review_policy
            project.first_n = self.settings.first_n if project.policy == "review_first_n" else 0
        key = self.keys["default"]
        key.scopes, key.revoked = list(self.settings.scopes), self.settings.revoked
        key.suspended = self.settings.suspended

    @property
    def default_project(self) -> Project:
        """The first project, in which every example works."""
        return next(iter(self.projects.values()))

    def next_number(self) -> int:
        """Return the next number in the order of creation."""
        self._last_number += 1
        return self._last_number

    def call_at(self, due: datetime, callback: Callable[[datetime], None]) -> None:
        """Call *callback* with *due* once the clock has reached it."""
        heapq.heappush(self._timers, (due, self.next_number(), callback))

    def tick(self) -> None:
        """Call every callback that is due, in order."""
        now = self.clock.now()
        while self._timers and self._timers[0][0] <= now:
            due, _, callback = heapq.heappop(self._timers)
            callback(due)

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

    def job(self, identifier: str) -> EmulatedJob:
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

    def running_jobs(self) -> list[EmulatedJob]:
        """Return the jobs that have not ended."""
        return [job for job in self.jobs.values() if job.status == "running"]


def populate(state: State) -> None:
    """Create the keys, projects, accounts and posts with which an empty *state* starts."""
    for name in ("default", "second", "read_only", "revoked", "suspended"):
        key_id = state.ids.token("key id", _BASE32, 16)
        secret = state.ids.token("key secret", _BASE64, 43)
        state.keys[name] = ApiKey(key_id, f"lp_live_{key_id}_{secret}", ["*"])
    if state.options.api_key is not None:
        state.keys["default"].secret = state.options.api_key
    state.keys["read_only"].scopes = list(_READ_SCOPES)
    state.keys["revoked"].revoked = True
    state.keys["suspended"].suspended = "key"
    project = _create_project(state, "Acme Todo", "America/New_York", layers=1)
    project.policy = "review_all"
    _create_project(state, "Two Layers", "Europe/Berlin", layers=2)
    _create_project(state, "No Layers", "Asia/Tokyo", layers=0)
    for platform in ("tiktok", "instagram"):
        _create_account(state, project, platform)
    for platform, format_name, age, score, hook, metrics in _PLATFORM_POSTS:
        post = PlatformPost(
            id=state.ids.ulid("pp"),
            external_id=state.ids.token("external id", string.digits[1:], 19),
            project=project.uuid,
            platform=platform,
            format_name=format_name,
            hook=hook,
            age_days=age,
            score=score,
            metrics=metrics,
        )
        state.platform_posts[post.id] = post


def _create_project(state: State, name: str, zone: str, layers: int) -> Project:
    project = Project(
        uuid=state.ids.uuid("project"),
        name=name,
        timezone=zone,
        layers=[state.ids.uuid("layer") for _ in range(layers)],
        influencers=[state.ids.uuid("influencer")],
        created_at=state.clock.now(),
        number=state.next_number(),
    )
    state.projects[project.uuid] = project
    return project


def _create_account(state: State, project: Project, platform: str) -> None:
    account = SocialAccount(
        id=f"sa_{state.ids.uuid('social account')}",
        project=project.uuid,
        platform=platform,
        handle="@acmetodo",
        connected_at=state.clock.now(),
        number=state.next_number(),
    )
    state.accounts[account.id] = account
