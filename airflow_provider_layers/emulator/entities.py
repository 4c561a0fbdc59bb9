"""The entities that the state holds: keys, projects, containers, jobs, scheduled posts, requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.faults import PlannedOutcome
    from airflow_provider_layers.emulator.schemas import ScheduleBody

# Each stage with the part of the job's time at which it ends; generating visuals takes longest.
STAGE_ENDS = (
    ("queued", 0.05),
    ("planning", 0.2),
    ("generating_visuals", 0.7),
    ("assembling", 0.9),
    ("finalizing", 1.0),
)
# Progress moves in steps, so that a poll between two steps gets a 304.
_PROGRESS_STEPS = 20


@dataclass
class ApiKey:
    """An API key: ``secret`` is the text that a client sends."""

    key_id: str
    secret: str
    scopes: list[str]
    revoked: bool = False
    suspended: str | None = None


@dataclass
class Project:
    """A project and its review policy; ``uuid`` is without the ``prj_`` prefix."""

    uuid: str
    name: str
    timezone: str
    layers: list[str]
    influencers: list[str]
    created_at: datetime
    number: int
    policy: str = "auto_approve"
    first_n: int = 0
    decided: int = 0
    auto_approve_after: str | None = None
    policy_updated_at: datetime | None = None

    @property
    def id(self) -> str:
        """The id as the API writes it."""
        return f"prj_{self.uuid}"

    @property
    def reviews_new_content(self) -> bool:
        """Whether new content of the project has to be approved."""
        if self.policy == "review_first_n":
            return self.decided < self.first_n
        return self.policy == "review_all"


@dataclass
class SocialAccount:
    """A connected account of a project."""

    id: str
    project: str
    platform: str
    handle: str
    connected_at: datetime
    number: int


@dataclass
class PlatformPost:
    """A published post that the API tracks: ranked by top-performers, accepted by clone-from-post."""

    id: str
    external_id: str
    project: str
    platform: str
    format_name: str
    hook: str
    age_days: int
    score: float
    metrics: dict[str, float]

    @property
    def eligible(self) -> bool:
        """Whether the score is high enough to be listed without ``includeIneligible``."""
        return self.score >= 4.0


@dataclass
class Asset:
    """A picture or film of a version of a container."""

    id: str
    container: str
    kind: str
    hook: str
    line: str
    slide: int
    slides: int
    version: int


@dataclass
class Container:
    """A piece of content; ``uuid`` is without the ``cnt_`` prefix, ``version`` counts completed jobs.

    ``decision`` says when it was decided and who decided it.
    """

    uuid: str
    project: str
    format_name: str
    approval_status: str
    created_at: datetime
    updated_at: datetime
    number: int
    brief: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    caption_override: str | None = None
    job: str = ""
    status: str = "queued"
    version: int = 0
    assets: list[Asset] = field(default_factory=list)
    captions: list[dict[str, str]] = field(default_factory=list)
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    last_error: dict[str, str] | None = None
    blocked_schedule: ScheduleBody | None = None
    decision: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The id as the API writes it."""
        return f"cnt_{self.uuid}"

    @property
    def hook(self) -> str | None:
        """The opening line of the brief."""
        return self.brief.get("hook")

    @property
    def is_slideshow(self) -> bool:
        """Whether the container holds slides; otherwise it holds a film."""
        return self.format_name.startswith("slideshow")


@dataclass
class EmulatedJob:
    """A job, with the changes that it makes to its containers when it completes.

    Stage and progress follow from the share of its time that has passed; only the clock moves them.
    """

    id: str
    kind: str
    project: str
    containers: list[str]
    started_at: datetime
    seconds: float
    outcome: PlannedOutcome
    cost: int
    key_id: str
    idempotency_key: str | None
    variations: int = 1
    preserve_assets: bool = False
    status: str = "running"
    cancel_at: datetime | None = None
    finished_at: datetime | None = None

    def elapsed(self, now: datetime) -> float:
        """Return the share of the job's time that has passed, 0 to 1."""
        if self.seconds == 0:
            return 1.0
        return min(1.0, ((self.finished_at or now) - self.started_at).total_seconds() / self.seconds)

    def stage(self, now: datetime) -> tuple[str, float]:
        """Return the stage and the progress within it, 0 to 1."""
        elapsed, begin = self.elapsed(now), 0.0
        for stage, end in STAGE_ENDS:
            if elapsed < end:
                return stage, (elapsed - begin) / (end - begin)
            begin = end
        return STAGE_ENDS[-1][0], 1.0

    def progress(self, now: datetime) -> float:
        """Return the progress, 0 to 1; it is 1 only once the job has completed."""
        if self.status == "completed":
            return 1.0
        return min(int(self.elapsed(now) * _PROGRESS_STEPS), _PROGRESS_STEPS - 1) / _PROGRESS_STEPS


@dataclass
class ScheduledPost:
    """A container on its way to a social account."""

    id: str
    container: str
    project: str
    account: str
    platform: str
    mode: str
    scheduled_for: datetime
    created_at: datetime
    updated_at: datetime
    number: int
    outcome: PlannedOutcome
    status: str = "queued"
    attempted_at: datetime | None = None
    published_at: datetime | None = None
    canceled_at: datetime | None = None
    external_id: str | None = None
    external_url: str | None = None
    last_error: dict[str, str] | None = None


@dataclass
class LoggedRequest:
    """A request in the request log; ``status`` is ``None`` until a response is sent."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    idempotency_key: str | None
    request_id: str
    at: str
    status: int | None = None
    executed: bool = False
    replayed: bool = False
    fault: str | None = None
    key_id: str | None = None
