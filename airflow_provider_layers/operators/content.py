"""Operators on content: generate, clone, regenerate, read, list, approve, reject, schedule and publish it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_layers.api.content import (
    approve_content,
    as_ids,
    clone_from_post,
    generate_content,
    get_content,
    regenerate_content,
    reject_content,
    single_id,
)
from airflow_provider_layers.api.scheduled_posts import ScheduleResult, publish_content, schedule_content
from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.idempotency import idempotency_scope, idempotency_store
from airflow_provider_layers.operators.base import LayersOperator
from airflow_provider_layers.operators.containers import LayersContainerOperator
from airflow_provider_layers.operators.jobs import LayersJobOperator
from airflow_provider_layers.publishing import PostReader, PostSubmitter
from airflow_provider_layers.task_context import attempt_count, clear_count

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.api.jobs import Submission
    from airflow_provider_layers.idempotency import IdempotencyScope
    from airflow_provider_layers.operators.batch import LayersContentBatchOperator
    from airflow_provider_layers.operators.review import LayersReviewContentOperator

__all__ = [
    "LayersApproveContentOperator",
    "LayersCloneFromPostOperator",
    "LayersContentBatchOperator",
    "LayersGenerateContentOperator",
    "LayersGetContentOperator",
    "LayersListContentOperator",
    "LayersPublishContentOperator",
    "LayersRegenerateContentOperator",
    "LayersRejectContentOperator",
    "LayersReviewContentOperator",
    "LayersScheduleContentOperator",
]

OVER_CLEARS = -1
"""Stands for the clear in the scope of a request that a clear does not send again."""


LATER = {
    "LayersContentBatchOperator": "airflow_provider_layers.operators.batch",
    "LayersReviewContentOperator": "airflow_provider_layers.operators.review",
}
"""Imported with their first use. The review costs more to import than all the rest, and needs Airflow 3.1."""


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(LATER[name]), name)


class LayersGenerateContentOperator(LayersJobOperator):
    """
    Start a job that generates content in a project.

    The request has one of three forms. With ``brief`` it is that of ``reference/content/generate-content``,
    with ``hook`` that of ``concepts/content-items``; both go to one route. On a connection with
    ``content_routes=per-format`` it goes to the newest revision's route of the format
    (``reference/content/slideshow-builder`` and its siblings). A parameter that does not belong to the form
    is refused before anything is sent. Keys of structured parameters may be snake_case or camelCase.

    :param project_id: the project (templated)
    :param format: ``auto`` (the API's default), ``video_remix``, ``slideshow_remix`` or ``ugc_remix`` with a
        brief; in the other two forms required, and one of ``slideshow-builder``, ``ugc-remix``,
        ``video-remix``, ``slideshow-remix`` (templated)
    :param variant_count: containers to make, 1 to 5, default 1; not on per-format routes (templated)
    :param brief: ``topic``, ``angle``, ``cta``, ``value_propositions`` (at most 20), ``hook``,
        ``target_platforms``, ``influencer_id``, ``theme_tags``, ``reference_media_ids``, ``language``
        (BCP 47) (templated)
    :param hook: the opening line, 1 to 2000 characters (templated)
    :param references: ``source_post_ids`` and ``asset_ids`` with a brief, ``media_ids`` with a hook, at most
        20 each (templated)
    :param target_platforms: of ``tiktok``, ``instagram``, ``youtube``; overrides the brief's (templated)
    :param project_layer_id: content layer, for projects that have several (templated)
    :param social_account_id: account to make it for, on per-format routes (templated)
    :param influencer_id: influencer to make it with, on per-format routes (templated)
    :param media_id: the clip to remix, ``ugc-remix`` on per-format routes (templated)
    :param tiktok_video_id: the source, ``video-remix`` and ``slideshow-remix`` on per-format routes
        (templated)
    :param budget: ``{"max_credits": 100}``, the most that the request may cost (templated)
    :param metadata: your own data, stored with the content as it is (templated)
    :param kwargs: see :class:`~airflow_provider_layers.operators.jobs.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    project_id: str
    parameters = (
        "format",
        "variant_count",
        "brief",
        "hook",
        "references",
        "target_platforms",
        "project_layer_id",
        "social_account_id",
        "influencer_id",
        "media_id",
        "tiktok_video_id",
        "budget",
        "metadata",
    )
    template_fields: Sequence[str] = (*LayersJobOperator.template_fields, "project_id", *parameters)
    template_fields_renderers = {"brief": "json", "references": "json", "metadata": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        project_id: str,
        format: str | None = None,  # noqa: A002 - the API's own word
        variant_count: int | None = None,
        brief: dict[str, Any] | None = None,
        hook: str | None = None,
        references: dict[str, Any] | None = None,
        target_platforms: list[str] | None = None,
        project_layer_id: str | None = None,
        social_account_id: str | None = None,
        influencer_id: str | None = None,
        media_id: str | None = None,
        tiktok_video_id: str | None = None,
        budget: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.format = format
        self.variant_count = variant_count
        self.brief = brief
        self.hook = hook
        self.references = references
        self.target_platforms = target_platforms
        self.project_layer_id = project_layer_id
        self.social_account_id = social_account_id
        self.influencer_id = influencer_id
        self.media_id = media_id
        self.tiktok_video_id = tiktok_video_id
        self.budget = budget
        self.metadata = metadata

    def build_request(self, scope: IdempotencyScope, sequence: int) -> Endpoint[Submission]:
        return generate_content(
            self.project_id,
            {name: getattr(self, name) for name in self.parameters},
            content_routes=self.layers_hook.settings.content_routes,
            idempotency_key=scope.key("generate", sequence),
        )


class LayersCloneFromPostOperator(LayersJobOperator):
    """
    Start a job that clones a post that performed well (``reference/content/clone-from-post``).

    :param project_id: the project that the new content belongs to (templated)
    :param source_platform_post_id: a post that Layers tracks, by its own id or the platform's (templated)
    :param mode: ``fork`` stays close to the source, ``reimagine`` keeps its hook and theme (templated)
    :param variations: outputs of the one job onto the one container, 1 to 10 (templated)
    :param project_layer_id: content layer, for projects that have several (templated)
    :param overrides: ``caption``, ``cta``, ``voice_over_script`` (templated)
    :param container_id: UUID of the new container; derived from the task instance when it is not given, so
        that every try asks for the same one (templated)
    :param kwargs: see :class:`~airflow_provider_layers.operators.jobs.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    parameters = (
        "project_id",
        "source_platform_post_id",
        "mode",
        "variations",
        "project_layer_id",
        "overrides",
    )
    template_fields: Sequence[str] = (*LayersJobOperator.template_fields, *parameters, "container_id")
    template_fields_renderers = {"overrides": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        project_id: str,
        source_platform_post_id: str,
        mode: Literal["fork", "reimagine"] = "fork",
        variations: int = 1,
        project_layer_id: str | None = None,
        overrides: dict[str, Any] | None = None,
        container_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.source_platform_post_id = source_platform_post_id
        self.mode = mode
        self.variations = variations
        self.project_layer_id = project_layer_id
        self.overrides = overrides
        self.container_id = container_id

    def build_request(self, scope: IdempotencyScope, sequence: int) -> Endpoint[Submission]:
        if self.container_id and sequence:
            raise LayersParameterError(
                f"container_id = {self.container_id!r}: its job failed or was canceled, and the API gives "
                "back that same job for this id. Give another id, or leave it out to have one derived."
            )
        return clone_from_post(
            self.container_id or scope.key("container", sequence),
            {name: getattr(self, name) for name in self.parameters},
            idempotency_key=scope.key("clone", sequence),
        )


class LayersRegenerateContentOperator(LayersJobOperator):
    """
    Start a job that makes a new version of a container, in place (``reference/content/regenerate``).

    Media and captions are replaced, and the approval returns to pending where the project reviews; posts that
    are scheduled already keep the old caption.

    :param container_id: the container, or a list that holds one (templated)
    :param brief: what to change: ``topic``, ``angle``, ``cta``, ``value_propositions`` (at most 20)
        (templated)
    :param references: ``source_post_ids`` and ``asset_ids``, at most 20 each (templated)
    :param preserve_assets: keep the media and make only new captions (templated)
    :param kwargs: see :class:`~airflow_provider_layers.operators.jobs.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    parameters = ("brief", "references", "preserve_assets")
    template_fields: Sequence[str] = (*LayersJobOperator.template_fields, "container_id", *parameters)
    template_fields_renderers = {"brief": "json", "references": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        container_id: str | list[str],
        brief: dict[str, Any] | None = None,
        references: dict[str, Any] | None = None,
        preserve_assets: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.container_id = container_id
        self.brief = brief
        self.references = references
        self.preserve_assets = preserve_assets

    def build_request(self, scope: IdempotencyScope, sequence: int) -> Endpoint[Submission]:
        return regenerate_content(
            single_id(self.container_id),
            {name: getattr(self, name) or None for name in self.parameters},
            idempotency_key=scope.key("regenerate", sequence),
        )


class LayersGetContentOperator(LayersContainerOperator):
    """
    Read content as it is now (``reference/content/get-container``).

    Returns the container as the API returns it; a list of them for a list of ids. Of several containers all
    are read; if any fails, the task fails at the end and names it, and the XCom ``results`` has the ``id``,
    ``status`` and ``approvalStatus`` of the others.

    :param container_id: a container or a list of them (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersNotFoundError: the container is unknown to the key
    :raises LayersPartialError: some of several containers failed
    """

    keeps_results = False

    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[Any]:
        return get_content(container_id)

    def row_result(self, result: Any) -> Any:
        """Return its state alone: the rest is large, and has URLs that are signed."""
        return {name: result.get(name) for name in ("id", "status", "approvalStatus")}


class LayersListContentOperator(LayersOperator):
    """
    List the content of a project, newest first (``reference/content/list-containers``).

    Returns the rows as the API returns them, from as many pages as ``limit`` takes.

    :param project_id: the project (templated)
    :param status: one or several of ``queued``, ``processing`` (older: ``generating``), ``completed``,
        ``failed``, ``canceled`` (templated)
    :param format: one or several formats (templated)
    :param creative_type: ``generated`` or ``uploaded`` (templated)
    :param since: earliest creation, a moment with a timezone (templated)
    :param until: latest creation, a moment with a timezone (templated)
    :param limit: most rows to return, default 100; ``None`` for all (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    """

    filters = ("status", "format", "creative_type", "since", "until")
    template_fields: Sequence[str] = (*LayersOperator.template_fields, "project_id", *filters, "limit")

    def __init__(
        self,
        *,
        project_id: str,
        status: str | list[str] | None = None,
        format: str | list[str] | None = None,  # noqa: A002 - the API's own word
        creative_type: str | None = None,
        since: datetime | str | None = None,
        until: datetime | str | None = None,
        limit: int | None = 100,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.status = status
        self.format = format
        self.creative_type = creative_type
        self.since = since
        self.until = until
        self.limit = limit

    def execute(self, context: Context) -> list[dict[str, Any]]:
        """Read the pages and return the rows."""
        filters = {name: getattr(self, name) for name in self.filters}
        rows = self.layers_hook.list_content(self.project_id, limit=self.limit, **filters)
        self.log.info("Project %s: %d containers.", self.project_id, len(rows))
        return rows


class LayersApproveContentOperator(LayersContainerOperator):
    """
    Approve content (``reference/approval/approve-content``).

    Content that is approved already or needs no approval is a success; rejected content is a failure. A
    schedule that was waiting for the approval is carried out by the API.

    Of several containers all are tried. If any fails, the task fails at the end and names it. A retry sends
    only what did not succeed; a clear sends all again, without effect on content that is decided already.
    The XCom ``results`` has the result or the error of each, in order.

    :param container_id: a container or a list of them (templated)
    :param note: 1 to 1024 characters, kept with the approval (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :param kwargs: ``deferrable`` and ``start_timeout``, see
        :class:`~airflow_provider_layers.operators.turns.LayersLimitedOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was rejected before
    :raises LayersPromotionError: it is approved, and the schedule that waited for the approval failed
    :raises LayersPartialError: some of several containers failed
    """

    template_fields: Sequence[str] = (*LayersContainerOperator.template_fields, "note")

    def __init__(self, *, note: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.note = note

    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[dict[str, Any]]:
        key = scope.key("approve", container_id)
        return approve_content(container_id, note=self.note, idempotency_key=key)

    def send_request(
        self, context: Context, container_id: str, endpoint: Endpoint[dict[str, Any]]
    ) -> dict[str, Any]:
        """Approve it, and log its approval status."""
        result: dict[str, Any] = super().send_request(context, container_id, endpoint)
        self.log.info("Content %s: %s.", result.get("id"), result.get("approvalStatus"))
        return result


class LayersRejectContentOperator(LayersContainerOperator):
    """
    Reject content (``reference/approval/reject-content``). It does not start a new version.

    Of several containers all are tried. If any fails, the task fails at the end and names it. A retry sends
    only what did not succeed; a clear sends all again, without effect on content that is decided already.
    The XCom ``results`` has the result or the error of each, in order.

    :param container_id: a container or a list of them (templated)
    :param reason: 1 to 1024 characters (templated)
    :param layers_conn_id: the Airflow connection (templated)
    :param kwargs: ``deferrable`` and ``start_timeout``, see
        :class:`~airflow_provider_layers.operators.turns.LayersLimitedOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersConflictError: it was approved before, or needs no approval
    :raises LayersPartialError: some of several containers failed
    """

    template_fields: Sequence[str] = (*LayersContainerOperator.template_fields, "reason")

    def __init__(self, *, reason: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reason = reason

    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[dict[str, Any]]:
        key = scope.key("reject", container_id)
        return reject_content(container_id, reason=self.reason, idempotency_key=key)


class LayersPublishContentOperator(LayersContainerOperator):
    """
    Publish approved content at once (``reference/publishing/publish-content``).

    A retry and a clear of the task send nothing again that is queued, publishing, drafted or published for
    the same container and social account, also by another task. A post that failed or was canceled is
    sent again by a clear, for its account alone. The first try does not compare.

    Of several containers all are tried. If any fails, the task fails at the end and names it; the next try
    sends only what is missing. The XCom ``results`` has the result or the error of each, in order.

    Returns ``{"container_id", "scheduled_for", "gate_status", "scheduled_post_ids"}`` for each container;
    wait for the posts themselves with a sensor.

    :param container_id: a container or a list of them (templated)
    :param targets: 1 to 50 of ``{"social_account_id", "mode", "caption_override", "first_comment_override",
        "tiktok_post_settings", "tiktok_music", "share_reel_to_feed"}``, all or nothing (templated)
    :param on_clear: ``reattach`` compares as above; ``resubmit`` sends all of it again after a user's clear,
        once over the retries that follow, and does not compare with the project's posts
    :param resubmit_after_window: send although an earlier try may have sent it more than 24 hours ago and
        the project's posts do not show whether it did; otherwise such a retry fails and says what to check
    :param layers_conn_id: the Airflow connection (templated)
    :param kwargs: ``deferrable`` and ``start_timeout``, see
        :class:`~airflow_provider_layers.operators.turns.LayersLimitedOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersApprovalRequiredError: it is not approved, and the API stored nothing
    :raises LayersContentRejectedError: it was rejected
    :raises LayersPartialError: some of several containers failed
    """

    template_fields: Sequence[str] = (*LayersContainerOperator.template_fields, "targets")
    template_fields_renderers = {"targets": "json"}  # noqa: RUF012

    def __init__(
        self,
        *,
        targets: list[dict[str, Any]],
        on_clear: Literal["reattach", "resubmit"] = "reattach",
        resubmit_after_window: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if on_clear not in ("reattach", "resubmit"):
            raise ValueError(f"on_clear = {on_clear!r}: should be 'reattach' or 'resubmit'.")
        self.targets = targets
        self.on_clear = on_clear
        self.resubmit_after_window = resubmit_after_window
        self._post_ids: list[str] = []
        self._post_reader: PostReader | None = None

    def execute(self, context: Context) -> Any:
        """Return one result for one id, and a list of results for a list of ids."""
        self._post_ids = []
        # Read again by each execution, since a try that waits for its turn executes several times.
        if self.on_clear == "reattach":
            self._post_reader = PostReader(self.layers_hook.get_conn())
        return super().execute(context)

    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[ScheduleResult]:
        key = scope.key("publish", container_id)
        return publish_content(container_id, targets=self.targets, idempotency_key=key)

    def scope(self, context: Context) -> IdempotencyScope:
        """Return a scope that a clear does not change, unless it is to send again."""
        scope = super().scope(context)
        return scope if self.on_clear == "resubmit" else replace(scope, clear_count=OVER_CLEARS)

    def send_request(
        self, context: Context, container_id: str, endpoint: Endpoint[ScheduleResult]
    ) -> dict[str, Any]:
        """Send what is missing, and log it or why nothing was sent."""
        is_new_each_clear = self.on_clear == "resubmit"
        attempts = attempt_count(context, since_clear=is_new_each_clear)
        was_cleared = not is_new_each_clear and clear_count(context) > 0
        submitter = PostSubmitter(
            client=self.layers_hook.get_conn(),
            store=idempotency_store(context, attempt_count=attempts),
            reader=self._post_reader,
            clear=idempotency_scope(context).clear_count if was_cleared else None,
            send_after_window=self.resubmit_after_window,
        )
        return submitter.submit(container_id, endpoint).as_xcom()

    def publish_result(self, context: Context, result: dict[str, Any]) -> None:
        """Show the posts so far in the UI."""
        self._post_ids += result["scheduled_post_ids"]
        self.publish_ui_data(
            context, container_ids=as_ids(self.container_id), scheduled_post_ids=self._post_ids
        )


class LayersScheduleContentOperator(LayersPublishContentOperator):
    """
    Schedule content for publishing (``reference/publishing/schedule-content``).

    Content that waits for approval is either stored by the API until it is approved, which the log and
    ``gate_status: blocked_on_approval`` say, or refused, which fails the task. The API decides which.

    A retry and a clear of the task send nothing again that is queued, publishing, drafted or published for
    the same container, social account and moment, also by another task. A post that failed or was canceled
    is sent again by a clear, for its account alone. The first try does not compare.

    Of several containers all are tried. If any fails, the task fails at the end and names it; the next try
    sends only what is missing. The XCom ``results`` has the result or the error of each, in order.

    Returns ``{"container_id", "scheduled_for", "gate_status", "scheduled_post_ids"}`` for each container.

    :param container_id: a container or a list of them (templated)
    :param scheduled_for: a ``datetime`` with a timezone, or an ISO 8601 string with an offset (templated)
    :param targets: 1 to 50 of ``{"social_account_id", "mode", "caption_override", "first_comment_override",
        "tiktok_post_settings", "tiktok_music", "share_reel_to_feed"}``, all or nothing (templated)
    :param on_clear: ``reattach`` compares as above; ``resubmit`` sends all of it again after a user's clear,
        once over the retries that follow, and does not compare with the project's posts
    :param resubmit_after_window: send although an earlier try may have sent it more than 24 hours ago and
        the project's posts do not show whether it did; otherwise such a retry fails and says what to check
    :param layers_conn_id: the Airflow connection (templated)
    :param kwargs: ``deferrable`` and ``start_timeout``, see
        :class:`~airflow_provider_layers.operators.turns.LayersLimitedOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersApprovalRequiredError: it is not approved, and the API stored nothing
    :raises LayersContentRejectedError: it was rejected
    :raises LayersPartialError: some of several containers failed
    """

    template_fields: Sequence[str] = (*LayersPublishContentOperator.template_fields, "scheduled_for")

    def __init__(self, *, scheduled_for: datetime | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scheduled_for = scheduled_for

    def build_request(self, container_id: str, scope: IdempotencyScope) -> Endpoint[ScheduleResult]:
        return schedule_content(
            container_id,
            scheduled_for=self.scheduled_for,
            targets=self.targets,
            idempotency_key=scope.key("schedule", container_id),
        )
