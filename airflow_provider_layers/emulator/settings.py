"""Settings that can be changed while the emulator runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from airflow_provider_layers.emulator.errors import Schema, validate

Tier = Literal["standard", "pilot", "partner", "unlimited"]
ReviewPolicy = Literal["auto_approve", "review_first_n", "review_all"]
Stage = Literal["queued", "planning", "generating_visuals", "assembling", "finalizing"]
Seconds = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(min_length=1)]


class EmulatorSettings(Schema):
    """The settings of an emulator.

    :param credits: credit balance; running jobs reserve a part of it
    :param tier: rate-limit tier: ``standard``, ``pilot``, ``partner``, or ``unlimited`` for none
    :param job_seconds: duration of a job, or a pair between which it is drawn
    :param schedule_gate: response to scheduling a pending container: ``blocked`` (202) or ``forbidden`` (403)
    :param review_policy: policy of the default project; ``first_n`` belongs to ``review_first_n``
    :param first_n: how many containers are reviewed under ``review_first_n``
    :param past_first_n: approval status of new content after the first ``first_n``
    :param show_decider: whether a container names who approved or rejected it
    :param scopes: scopes of the default key; ``*`` is everything
    :param suspended: ``key`` or ``organization`` for 503 KILL_SWITCH on every route
    :param revoked: whether the default key is revoked
    :param concurrent_jobs: how many jobs may run at once; ``None`` for any number
    :param cancel_seconds: time from an accepted cancel to the end of the job
    :param publish_seconds: how long a post is ``publishing``
    :param uncancelable_stages: stages in which a cancel is refused
    :param revision: ``new`` for the statuses ``processing`` and ``draft``, ``old`` for ``generating`` and
        ``draft_in_inbox``
    :param blocked_words: texts that moderation refuses
    :param missing: properties that the projects lack: ``app_name``, ``app_description``, ``app_demo``
    :param disconnected_accounts: ids of social accounts that are no longer connected
    """

    credits: Annotated[int, Field(ge=0)] = 10_000
    tier: Tier = "standard"
    job_seconds: Seconds | Annotated[list[Seconds], Field(min_length=2, max_length=2)] = 90.0
    schedule_gate: Literal["blocked", "forbidden"] = "blocked"
    review_policy: ReviewPolicy = "review_all"
    first_n: Annotated[int, Field(ge=1, le=50)] = 1
    past_first_n: Literal["not_required", "approved"] = "not_required"
    show_decider: bool = False
    scopes: list[Name] = Field(default=["*"])
    suspended: Literal["key", "organization"] | None = None
    revoked: bool = False
    concurrent_jobs: Annotated[int, Field(ge=0)] | None = None
    cancel_seconds: Seconds = 2.0
    publish_seconds: Seconds = 30.0
    uncancelable_stages: list[Stage] = Field(default=["finalizing"])
    revision: Literal["new", "old"] = "new"
    blocked_words: list[Name] = Field(default=["[blocked]"])
    missing: list[Literal["app_name", "app_description", "app_demo"]] = Field(default=[])
    disconnected_accounts: list[Name] = Field(default=[])

    def updated(self, changes: dict[str, Any]) -> EmulatorSettings:
        """Return the settings with *changes*; an unknown name or value raises and changes nothing."""
        values = {**self.model_dump(), **changes} if isinstance(changes, dict) else changes
        return validate(EmulatorSettings, values)
