"""The hook: an Airflow connection, and the API as one method for each route."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from airflow.providers.common.compat.sdk import BaseHook
from asgiref.sync import sync_to_async

from airflow_provider_layers.api import account, content, jobs, projects, scheduled_posts, top_performers
from airflow_provider_layers.api.schemas import parse_limit
from airflow_provider_layers.client import AsyncLayersClient, LayersClient
from airflow_provider_layers.clock import SYSTEM_CLOCK, Clock
from airflow_provider_layers.exceptions import (
    LayersAuthenticationError,
    LayersConflictError,
    LayersError,
    LayersPermanentError,
    LayersSuspendedError,
)
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS, UI_FIELD_BEHAVIOUR
from airflow_provider_layers.hooks.connection import ConnectionSettings, form_widget, read_connection

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.polling.watcher import SharedClient

T = TypeVar("T")


class LayersHook(BaseHook):
    """
    The Layers Partner API through an Airflow connection.

    ::

        timezone = LayersHook().get_project("prj_...")["timezone"]

    Each method sends one request, up to five times where that is safe, and raises the typed errors of
    :mod:`airflow_provider_layers.exceptions`. A method that starts a job or publishes takes an
    ``idempotency_key``: within 24 hours the API carries out requests with the same key once. Without it, each
    call is a new request. Operators derive the key from the task instance.

    :param layers_conn_id: the Airflow connection, of type ``layers``
    :param settings: its settings, if they are known already
    :param clock: the time that clients and waits see
    :param transport: httpx transport to use instead of the network, for tests
    """

    conn_name_attr = "layers_conn_id"
    default_conn_name = "layers_default"
    conn_type = "layers"
    hook_name = "Layers"

    def __init__(
        self,
        layers_conn_id: str = default_conn_name,
        *,
        settings: ConnectionSettings | None = None,
        clock: Clock = SYSTEM_CLOCK,
        transport: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.layers_conn_id = layers_conn_id
        self.clock = clock
        self._settings = settings
        self._transport = transport

    # Connection and clients

    @cached_property
    def settings(self) -> ConnectionSettings:
        """
        The settings of the connection.

        :raises LayersConnectionError: the connection is not usable
        """
        return self._settings or read_connection(self.get_connection(self.layers_conn_id))

    @cached_property
    def _client(self) -> LayersClient:
        client = LayersClient(self.settings.api, clock=self.clock, transport=self._transport)
        weakref.finalize(self, client.close)
        return client

    def get_conn(self) -> LayersClient:
        """Return the client of this hook."""
        return self._client

    def with_short_timeout(self) -> LayersHook:
        """Return a hook with a separate client, for the last seconds of a killed task."""
        settings = self.settings.with_short_timeout()
        return LayersHook(self.layers_conn_id, settings=settings, clock=self.clock, transport=self._transport)

    def run(self, endpoint: Endpoint[T]) -> T:
        """
        Send the request of an endpoint of :mod:`airflow_provider_layers.api` and return its result.

        :raises LayersError: see :mod:`airflow_provider_layers.exceptions`
        """
        return self.get_conn().send_with_retries(endpoint)

    async def arun(self, endpoint: Endpoint[T]) -> T:
        """
        Do the same in an event loop, through the client that all its tasks share for this connection.

        :raises LayersError: see :mod:`airflow_provider_layers.exceptions`
        """
        async with self.shared_client() as shared:
            return await shared.client.send_with_retries(endpoint)

    @asynccontextmanager
    async def shared_client(self) -> AsyncIterator[SharedClient]:
        """
        Provide the client and the watcher that all tasks of this event loop share for this connection.

        :raises LayersConnectionError: the connection is not usable
        """
        # Only the triggerer waits for others, and every DAG file imports this module.
        from airflow_provider_layers.polling.watcher import cached_settings, shared_client

        settings = await cached_settings(self.layers_conn_id, self._read_connection_async)

        def make_client() -> AsyncLayersClient:
            return AsyncLayersClient(settings.api, clock=self.clock, transport=self._transport)

        async with shared_client(settings, make_client) as shared:
            yield shared

    async def _read_connection_async(self) -> ConnectionSettings:
        if hasattr(BaseHook, "aget_connection"):
            return read_connection(await BaseHook.aget_connection(self.layers_conn_id))
        return read_connection(await sync_to_async(BaseHook.get_connection)(self.layers_conn_id))

    def test_connection(self) -> tuple[bool, str]:
        """Check the key with ``GET /v1/whoami``, which costs nothing."""
        try:
            found = self.get_conn().send(account.whoami())
        except LayersAuthenticationError as error:
            return False, f"The API refused the key as wrong, revoked or of another environment. {error}"
        except LayersSuspendedError as error:
            return False, f"The key is right, and suspended. {error}"
        except LayersError as error:
            return False, str(error)
        if found.blocked:
            return False, f"The key is right, and cannot be used: {found.blocked}."
        return True, f"Connected to {found.organization} (rate limit tier {found.rate_limit_tier})."

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the standard fields of the form, for Airflow below 3.2."""
        return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the extra fields of the form, for Airflow below 3.2."""
        return {name: form_widget(field) for name, field in CONNECTION_FIELDS.items()}

    # Account and projects

    def whoami(self) -> account.Account:
        """Return the organization and the rate limit tier of the key (``GET /v1/whoami``)."""
        return self.run(account.whoami())

    def get_credits(self) -> dict[str, Any]:
        """Return the balance and the estimated costs per format (``GET /v1/credits``)."""
        return self.run(account.get_credits())

    def get_project(self, project_id: str) -> dict[str, Any]:
        """Return a project; its ``timezone`` is an IANA name (``GET /v1/projects/:projectId``)."""
        return self.run(projects.get_project(project_id))

    def list_projects(self, *, limit: int | None = None, **filters: Any) -> list[dict[str, Any]]:
        """
        Return projects, newest first (``GET /v1/projects``).

        :param limit: most rows; ``None`` for all
        :param filters: ``status``, ``search``, ``customer_external_id``
        """
        return self._list(projects.list_projects(**filters), limit, projects.LIST_PAGE_SIZE)

    def list_social_accounts(
        self, project_id: str, *, limit: int | None = None, **filters: Any
    ) -> list[dict[str, Any]]:
        """
        Return the social accounts of a project (``GET /v1/projects/:projectId/social-accounts``).

        :param limit: most rows; ``None`` for all
        :param filters: ``platform``, ``status``
        """
        page = projects.list_social_accounts(project_id, **filters)
        return self._list(page, limit, projects.LIST_PAGE_SIZE)

    def get_top_performers(self, project_id: str, **ranking: Any) -> list[dict[str, Any]]:
        """
        Return the posts of a project in the API's ranking (``reference/metrics/top-performers``).

        :param ranking: ``metric``, ``window``, ``source_type``, ``platform``, ``limit``
        """
        return self.run(top_performers.get_top_performers(project_id, **ranking))

    # Jobs

    def get_job(self, job_id: str) -> jobs.Job:
        """Return a job (``reference/jobs/get-job``)."""
        return self.run(jobs.get_job(job_id))

    def cancel_job(self, job_id: str) -> jobs.Cancellation:
        """
        Cancel a job (``reference/jobs/cancel-job``).

        That it ended already, or is in a stage that cannot be canceled, is an outcome and not an error.
        """
        try:
            return self.run(jobs.cancel_job(job_id))
        except LayersConflictError as error:
            return jobs.cancellation_from_conflict(job_id, error)

    def cancel_job_soon(self, job_id: str) -> jobs.Cancellation:
        """Cancel a job in the last seconds of a killed task: at most two attempts, one second apart."""
        client = self.get_conn()
        try:
            try:
                return client.send(jobs.cancel_job(job_id))
            except LayersError as error:
                if isinstance(error, LayersPermanentError):
                    raise
            self.clock.sleep(1.0)
            return client.send(jobs.cancel_job(job_id))
        except LayersConflictError as error:
            return jobs.cancellation_from_conflict(job_id, error)

    def generate_content(
        self, project_id: str, *, idempotency_key: str | None = None, **fields: Any
    ) -> jobs.Submission:
        """
        Start a job that generates content, in the form that the connection and the fields call for.

        :param idempotency_key: see the class
        :param fields: as of :class:`~airflow_provider_layers.operators.content.LayersGenerateContentOperator`
        """
        routes, key = self.settings.content_routes, idempotency_key or _new_key()
        return self.run(
            content.generate_content(project_id, fields, content_routes=routes, idempotency_key=key)
        )

    def clone_from_post(
        self,
        project_id: str,
        source_platform_post_id: str,
        *,
        mode: Literal["fork", "reimagine"] = "fork",
        variations: int = 1,
        container_id: str | None = None,
        idempotency_key: str | None = None,
        **fields: Any,
    ) -> jobs.Submission:
        """
        Start a job that clones a post (``reference/content/clone-from-post``).

        :param container_id: UUID of the new container; a new one if it is not given
        :param idempotency_key: see the class
        :param fields: ``project_layer_id``, ``overrides``
        """
        body = {
            "project_id": project_id,
            "source_platform_post_id": source_platform_post_id,
            "mode": mode,
            "variations": variations,
            **fields,
        }
        key = idempotency_key or _new_key()
        return self.run(content.clone_from_post(container_id or key, body, idempotency_key=key))

    def regenerate_content(
        self, container_id: str, *, idempotency_key: str | None = None, **fields: Any
    ) -> jobs.Submission:
        """
        Start a job that replaces the media and captions of a container (``reference/content/regenerate``).

        :param idempotency_key: see the class
        :param fields: ``brief``, ``references``, ``preserve_assets``
        """
        key = idempotency_key or _new_key()
        return self.run(content.regenerate_content(container_id, fields, idempotency_key=key))

    # Content

    def get_content(self, container_id: str) -> dict[str, Any]:
        """Return a container (``reference/content/get-container``)."""
        return self.run(content.get_content(container_id))

    def get_content_progress(self, container_id: str) -> dict[str, Any]:
        """Return stage and progress of a container (``GET /v1/content/:containerId/progress``)."""
        return self.run(content.get_content_progress(container_id))

    def get_content_asset(self, container_id: str, asset_id: str) -> dict[str, Any]:
        """Return an asset with its public URL (``reference/content/get-asset``)."""
        return self.run(content.get_content_asset(container_id, asset_id))

    def list_content(
        self, project_id: str, *, limit: int | None = None, **filters: Any
    ) -> list[dict[str, Any]]:
        """
        Return the content of a project, newest first (``reference/content/list-containers``).

        :param limit: most rows; ``None`` for all
        :param filters: ``status``, ``format``, ``creative_type``, ``since``, ``until``
        """
        return self._list(content.list_content(project_id, **filters), limit, content.LIST_PAGE_SIZE)

    def list_content_hooks(self, project_id: str) -> list[str]:
        """Return new texts for ``hook`` of :meth:`generate_content` (``reference/content/list-hooks``)."""
        return self.run(content.list_content_hooks(project_id))

    def approve_content(
        self, container_id: str, *, note: str | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """
        Approve content (``reference/approval/approve-content``).

        Content that is approved already, or needs no approval, is a success.

        :raises LayersConflictError: it was rejected before
        :raises LayersPromotionError: it is approved, and the schedule that waited for the approval failed
        """
        key = idempotency_key or _new_key()
        return self.run(content.approve_content(container_id, note=note, idempotency_key=key))

    def reject_content(
        self, container_id: str, *, reason: str, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """
        Reject content (``reference/approval/reject-content``). Content that is rejected already is a success.

        :raises LayersConflictError: it was approved before, or needs no approval
        """
        key = idempotency_key or _new_key()
        return self.run(content.reject_content(container_id, reason=reason, idempotency_key=key))

    # Publishing

    def schedule_content(
        self,
        container_id: str,
        *,
        scheduled_for: datetime | str,
        targets: list[dict[str, Any]],
        idempotency_key: str | None = None,
    ) -> scheduled_posts.ScheduleResult:
        """
        Schedule content (``reference/publishing/schedule-content``).

        :param scheduled_for: a datetime with a timezone, or ISO 8601 with an offset
        :param targets: 1 to 50 social accounts, all or nothing
        :param idempotency_key: see the class
        """
        key = idempotency_key or _new_key()
        return self.run(
            scheduled_posts.schedule_content(
                container_id, scheduled_for=scheduled_for, targets=targets, idempotency_key=key
            )
        )

    def publish_content(
        self, container_id: str, *, targets: list[dict[str, Any]], idempotency_key: str | None = None
    ) -> scheduled_posts.ScheduleResult:
        """
        Publish approved content at once (``reference/publishing/publish-content``).

        :param targets: 1 to 50 social accounts, all or nothing
        :param idempotency_key: see the class
        """
        key = idempotency_key or _new_key()
        return self.run(scheduled_posts.publish_content(container_id, targets=targets, idempotency_key=key))

    def get_scheduled_post(self, scheduled_post_id: str) -> dict[str, Any]:
        """Return a scheduled post (``reference/publishing/get-scheduled-post``)."""
        return self.run(scheduled_posts.get_scheduled_post(scheduled_post_id))

    def list_scheduled_posts(
        self, project_id: str, *, limit: int | None = None, **filters: Any
    ) -> list[dict[str, Any]]:
        """
        Return scheduled posts, latest moment first (``reference/publishing/list-scheduled-posts``).

        :param limit: most rows; ``None`` for all
        :param filters: ``status``, ``social_account_id``, ``since``, ``until``
        """
        page = scheduled_posts.list_scheduled_posts(project_id, **filters)
        return self._list(page, limit, scheduled_posts.LIST_PAGE_SIZE)

    def reschedule_scheduled_post(
        self, scheduled_post_id: str, *, scheduled_for: datetime | str, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """
        Move a queued post to another moment (``reference/publishing/reschedule``).

        :raises LayersConflictError: it is no longer queued, and was not moved to that moment before
        """
        key = idempotency_key or _new_key()
        return self.run(
            scheduled_posts.reschedule_scheduled_post(
                scheduled_post_id, scheduled_for=scheduled_for, idempotency_key=key
            )
        )

    def cancel_scheduled_post(self, scheduled_post_id: str, *, reason: str | None = None) -> dict[str, Any]:
        """
        Cancel a scheduled post (``reference/publishing/cancel-scheduled-post``).

        :raises LayersConflictError: it was published, failed or delivered as a draft before
        """
        return self.run(scheduled_posts.cancel_scheduled_post(scheduled_post_id, reason=reason))

    def _list(
        self,
        page: Callable[[int, str | None], Endpoint[dict[str, Any]]],
        limit: int | None,
        page_size: int,
    ) -> list[dict[str, Any]]:
        return self.get_conn().paginate(page, limit=parse_limit(limit), page_size=page_size)


def _new_key() -> str:
    return str(uuid.uuid4())
