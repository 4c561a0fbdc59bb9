"""What can be changed while the emulator plays, through ``PATCH /_emulator/settings``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from airflow_provider_layers.emulator.checks import (
    Shape,
    array,
    boolean,
    check,
    integer,
    number,
    one_of,
    optional,
    text,
)

STAGES = ("queued", "planning", "generating_visuals", "assembling", "finalizing")
TIERS = ("standard", "pilot", "partner", "unlimited")
POLICIES = ("auto_approve", "review_first_n", "review_all")


@dataclass
class Settings:
    """The emulator's settings.

    :param credits: the credit balance; running jobs hold a part of it in reserve.
    :param tier: the rate-limit tier: ``standard``, ``pilot``, ``partner``, or ``unlimited`` for none.
    :param job_seconds: how long a job takes, or a pair to draw from.
    :param schedule_gate: what scheduling a pending container gets: ``blocked`` (202) or ``forbidden`` (403).
    :param review_policy: the default project's policy; ``first_n`` counts with ``review_first_n``.
    :param first_n: how many containers are reviewed under ``review_first_n``.
    :param scopes: what the default key may do; ``*`` is everything.
    :param suspended: ``key`` or ``organization`` for 503 KILL_SWITCH everywhere, ``None`` for neither.
    :param revoked: whether the default key is revoked.
    :param concurrent_jobs: how many jobs may run at once; ``None`` for any number.
    :param cancel_seconds: how long a running job takes to obey a cancel.
    :param publish_seconds: how long a post is in ``publishing``.
    :param uncancelable_stages: the stages in which a job refuses to be canceled.
    :param revision: ``new`` says ``processing`` and ``draft``, ``old`` says ``generating`` and
        ``draft_in_inbox``.
    :param blocked_words: texts that moderation refuses.
    :param missing: which of ``app_name``, ``app_description`` and ``app_demo`` the projects lack.
    :param disconnected_accounts: ids of social accounts that are no longer connected.
    """

    credits: int = 10_000
    tier: str = "standard"
    job_seconds: float | list[float] = 90.0
    schedule_gate: str = "blocked"
    review_policy: str = "review_all"
    first_n: int = 1
    scopes: list[str] = field(default_factory=lambda: ["*"])
    suspended: str | None = None
    revoked: bool = False
    concurrent_jobs: int | None = None
    cancel_seconds: float = 2.0
    publish_seconds: float = 30.0
    uncancelable_stages: list[str] = field(default_factory=lambda: ["finalizing"])
    revision: str = "new"
    blocked_words: list[str] = field(default_factory=lambda: ["[blocked]"])
    missing: list[str] = field(default_factory=list)
    disconnected_accounts: list[str] = field(default_factory=list)

    def change(self, changes: dict[str, Any]) -> None:
        """Set the named settings; unknown names and values that make no sense are refused."""
        check(changes, SETTINGS)
        for name, value in changes.items():
            setattr(self, name, value)

    def show(self) -> dict[str, Any]:
        """Return every setting as JSON."""
        return asdict(self)


def _duration(value: Any, path: str, issues: list[dict[str, str]]) -> None:
    if isinstance(value, list):
        array(number(0), 2, 2)(value, path, issues)
    else:
        number(0)(value, path, issues)


SETTINGS = Shape(
    {
        "credits": integer(0),
        "tier": one_of(*TIERS),
        "job_seconds": _duration,
        "schedule_gate": one_of("blocked", "forbidden"),
        "review_policy": one_of(*POLICIES),
        "first_n": integer(1, 50),
        "scopes": array(text(1)),
        "suspended": optional(one_of("key", "organization")),
        "revoked": boolean,
        "concurrent_jobs": optional(integer(0)),
        "cancel_seconds": number(0),
        "publish_seconds": number(0),
        "uncancelable_stages": array(one_of(*STAGES)),
        "revision": one_of("new", "old"),
        "blocked_words": array(text(1)),
        "missing": array(one_of("app_name", "app_description", "app_demo")),
        "disconnected_accounts": array(text(1)),
    }
)
