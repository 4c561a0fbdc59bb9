"""What the world is made of. Plain records: the rules are in the modules named after the nouns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass
class ApiKey:
    """A key: its secret text, what it may do, and whether it still may."""

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
        """Return the id as the API writes it."""
        return f"prj_{self.uuid}"


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
    """A post that is already out and that the API tracks: what top-performers ranks and clones accept."""

    id: str
    external_id: str
    project: str
    platform: str
    format_name: str
    hook: str
    age_days: int
    score: float
    metrics: dict[str, float]


@dataclass
class Asset:
    """One picture or film of a container, of one take."""

    id: str
    container: str
    kind: str
    hook: str
    line: str
    slide: int
    slides: int
    take: int


@dataclass
class Container:
    """One piece of content; ``uuid`` is without the ``cnt_`` prefix."""

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
    takes: int = 0
    assets: list[Asset] = field(default_factory=list)
    captions: list[dict[str, str]] = field(default_factory=list)
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    last_error: dict[str, str] | None = None
    waiting_schedule: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        """Return the id as the API writes it."""
        return f"cnt_{self.uuid}"

    @property
    def hook(self) -> str | None:
        """Return the opening line, if one was given."""
        return self.brief.get("hook")


@dataclass
class Outcome:
    """How a job or a post is to end."""

    status: str = "completed"
    code: str = "GENERATION_FAILED"
    message: str = "The emulator was told to let this fail."
    job_seconds: float | None = None


@dataclass
class Job:
    """A job and what it will do to its containers when it completes."""

    id: str
    kind: str
    project: str
    containers: list[str]
    started_at: datetime
    seconds: float
    outcome: Outcome
    cost: int
    key_id: str
    idempotency_key: str | None
    variations: int = 1
    preserve_assets: bool = False
    status: str = "running"
    cancel_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass
class ScheduledPost:
    """A container on its way to one account."""

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
    outcome: Outcome
    status: str = "queued"
    attempted_at: datetime | None = None
    published_at: datetime | None = None
    canceled_at: datetime | None = None
    external_id: str | None = None
    external_url: str | None = None
    last_error: dict[str, str] | None = None
