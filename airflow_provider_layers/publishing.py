"""
Publishing each container once on each social account, over all tries and clears of a task.

A first try sends its request and reads nothing. A later try first compares the request with the state store
and the project's scheduled posts, and sends only targets without a post that is queued, publishing, drafted
or published. A failed or canceled post is sent again after a user's clear, under another key.

Assumptions about the API: the list shows a post as soon as its request was responded to; a schedule that
waits for an approval is kept as long as the content is pending, and has no post meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.content import PENDING, get_content
from airflow_provider_layers.api.scheduled_posts import (
    CANCELED,
    FAILED,
    LIST_PAGE_SIZE,
    ScheduleResult,
    list_scheduled_posts,
)
from airflow_provider_layers.api.schemas import parse_timestamp
from airflow_provider_layers.exceptions import (
    LayersIdempotencyError,
    LayersPermissionError,
    LayersRequestChangedError,
)
from airflow_provider_layers.idempotency import (
    IdempotencyStore,
    derive_key,
    fingerprint,
    load_response,
    record_response,
    send_once,
)

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Endpoint
    from airflow_provider_layers.client import LayersClient

log = logging.getLogger(__name__)

Post = Mapping[str, Any]

SAME_MOMENT = timedelta(minutes=1)
"""The API may round the moment of a post. The same content is not meant to go out twice within a minute."""


@dataclass(frozen=True)
class ContainerPosts:
    """
    What the API knows of the publication of a container.

    :param approval_status: ``None`` if the API did not return it
    :param posts: its scheduled posts in every state, the oldest first
    """

    approval_status: str | None
    posts: tuple[Post, ...]


class PostReader:
    """Reads the scheduled posts of containers, with one list for the containers of a project."""

    def __init__(self, client: LayersClient) -> None:
        self._client = client
        self._lists: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def read(self, container_id: str) -> ContainerPosts | None:
        """Return the posts of a container; ``None`` if the API or the key does not allow to read them."""
        try:
            container = self._client.send_with_retries(get_content(container_id))
            project_id = container.get("projectId")
            if project_id is None:
                log.warning("Content %s has no projectId: its posts cannot be compared.", container_id)
                return None
            rows = self._list(project_id, container.get("createdAt"))
        except LayersPermissionError as error:
            log.warning("The posts of content %s cannot be compared: %s", container_id, error)
            return None
        ids = {_bare(container_id), _bare(container.get("id"))}
        own = [row for row in rows if _bare(row.get("containerId")) in ids]
        oldest_first = sorted(own, key=lambda post: str(post.get("createdAt")))
        return ContainerPosts(container.get("approvalStatus"), tuple(oldest_first))

    def _list(self, project_id: str, created_at: Any) -> list[dict[str, Any]]:
        # A post is scheduled for later than its content was made, which keeps the list short. A whole day is
        # subtracted, so that the containers of a day share one list.
        created = parse_timestamp(created_at)
        since = f"{(created - timedelta(days=1)).date()}T00:00:00Z" if created else ""
        if (project_id, since) not in self._lists:
            page = list_scheduled_posts(project_id, since=since or None)
            self._lists[project_id, since] = self._client.paginate(page, limit=None, page_size=LIST_PAGE_SIZE)
        return self._lists[project_id, since]


@dataclass(frozen=True)
class PostSubmitter:
    """
    Publishes or schedules containers, without sending again what earlier tries sent.

    :param store: of the task instance
    :param reader: of the project's posts; ``None`` to rely on keys and store alone
    :param clear: a number that identifies the last clear of the task by a user; ``None`` without any
    :param send_after_window: see :func:`~airflow_provider_layers.idempotency.send_once`
    """

    client: LayersClient
    store: IdempotencyStore
    reader: PostReader | None
    clear: int | None
    send_after_window: bool = False

    def submit(self, container_id: str, endpoint: Endpoint[ScheduleResult]) -> ScheduleResult:
        """
        Return the posts of a container, those that existed and those that were sent now.

        :param endpoint: the whole request, with a key that is the same over tries and clears
        :raises LayersError: it is unknown whether it was sent, or the API refused it
        """
        found = None
        if self.reader and (self.clear is not None or not self._is_known(endpoint)):
            found = self.reader.read(container_id)
        if found is None:
            return self._send(endpoint, send_after_window=self.send_after_window)
        return self._send_missing(container_id, endpoint, found)

    def _is_known(self, endpoint: Endpoint[ScheduleResult]) -> bool:
        """Return whether it is certain that no earlier try sent it, or stored with which response it did."""
        stored = self.store.load(endpoint.idempotency_key or "")
        if stored is None:
            return self.store.earliest_unrecorded_attempt is None
        return stored.response is not None and stored.fields == fingerprint(endpoint)

    def _send_missing(
        self, container_id: str, endpoint: Endpoint[ScheduleResult], found: ContainerPosts
    ) -> ScheduleResult:
        body = endpoint.body or {}
        targets, scheduled_for = body["targets"], body.get("scheduledFor")
        known = self._stored_ids(endpoint)
        is_promoted = False
        while True:
            matching = [post for post in found.posts if post["id"] in known or _is_at(post, scheduled_for)]
            existing = match_targets(targets, [post for post in matching if not _is_dead(post)])
            missing = [target for index, target in enumerate(targets) if index not in existing]
            for post in existing.values():
                log.info(
                    "Content %s is not sent again for account %s: post %s is %s.",
                    *(container_id, post.get("socialAccountId"), post["id"], post.get("status")),
                )
            post_ids = [existing[index]["id"] for index in sorted(existing)]
            if not missing:
                record_response(endpoint, self.store, {"scheduledPostIds": post_ids})
                return ScheduleResult(container_id, scheduled_for, None, tuple(post_ids))
            dead = [post["id"] for post in matching if _is_dead(post) and _is_for_any(post, missing)]
            request = self._part_of(endpoint, missing, dead, is_promoted=is_promoted)
            result = self._send(request, send_after_window=self._is_settled(found, matching, missing, body))
            # The API replays the response to an earlier request, whatever became of it since then.
            replayed = {post["id"] for post in found.posts if _is_dead(post)} & {*result.scheduled_post_ids}
            if self.clear is not None and not replayed <= known:
                known |= {*result.scheduled_post_ids}
                continue
            if result.blocked and found.approval_status not in (None, PENDING) and not is_promoted:
                is_promoted = True
                continue
            if replayed:
                log.warning(
                    "Content %s was sent before, and %s failed or was canceled since then. Clear the task to "
                    "send it again.",
                    *(container_id, ", ".join(sorted(replayed))),
                )
            return replace(result, scheduled_post_ids=(*post_ids, *result.scheduled_post_ids))

    def _stored_ids(self, endpoint: Endpoint[ScheduleResult]) -> set[str]:
        """Return the posts that the store knows of this request, wherever they were moved since then."""
        stored, now = self.store.load(endpoint.idempotency_key or ""), fingerprint(endpoint)
        # Changed targets are compared one by one, but another moment asks for other posts.
        if stored is None or stored.fields.get("scheduledFor") != now.get("scheduledFor"):
            return set()
        result = load_response(endpoint, self.store)
        return {*result.scheduled_post_ids} if result else set()

    def _part_of(
        self,
        endpoint: Endpoint[ScheduleResult],
        missing: Sequence[Mapping[str, Any]],
        dead: Sequence[str],
        *,
        is_promoted: bool,
    ) -> Endpoint[ScheduleResult]:
        """
        Return the request for the missing targets.

        Its key depends only on what the API shows, so that a try whose outcome is unknown is repeated under
        the same key. A retry does not count posts that failed: the request that made them may be its own.
        """
        body = dict(endpoint.body or {})
        parts: list[str] = []
        if len(missing) < len(body["targets"]):
            parts += ["targets", *sorted(f"{item['socialAccountId']} {item['mode']}" for item in missing)]
        if self.clear is not None and dead:
            parts += ["instead of", *sorted(dead)]
        if is_promoted:
            parts.append("promoted")
        if not parts:
            return endpoint
        key = derive_key(endpoint.idempotency_key or "", *parts)
        return replace(endpoint, body={**body, "targets": list(missing)}, idempotency_key=key)

    def _is_settled(
        self,
        found: ContainerPosts,
        matching: Sequence[Post],
        missing: Sequence[Mapping[str, Any]],
        body: Mapping[str, Any],
    ) -> bool:
        """
        Return whether the list shows that an earlier request was not carried out, however old it is.

        It does not if a post has another moment, for it may have been moved, nor for a schedule of pending
        content, which has no posts yet.
        """
        moved = any(
            not _is_dead(post) and post not in matching and _is_for_any(post, missing) for post in found.posts
        )
        may_wait = "scheduledFor" in body and found.approval_status == PENDING
        return self.send_after_window or not (moved or may_wait)

    def _send(self, endpoint: Endpoint[ScheduleResult], *, send_after_window: bool) -> ScheduleResult:
        try:
            sent = send_once(self.client, endpoint, self.store, send_after_window=send_after_window)
        except (LayersIdempotencyError, LayersRequestChangedError):
            if self.clear is None:
                raise
            log.info("The rendered request changed before the task was cleared: it is sent as a new one.")
            key = derive_key(endpoint.idempotency_key or "", "clear", self.clear)
            endpoint = replace(endpoint, idempotency_key=key)
            sent = send_once(self.client, endpoint, self.store, send_after_window=send_after_window)
        result: ScheduleResult = sent.result
        moment = result.scheduled_for or "now"
        if result.blocked:
            log.warning(
                "Content %s is not approved: the API stores its schedule for %s until it is approved.",
                *(result.container_id, moment),
            )
        else:
            posts = ", ".join(result.scheduled_post_ids)
            log.info("Content %s is scheduled for %s: %s.", result.container_id, moment, posts)
        return result


def match_targets(targets: Sequence[Mapping[str, Any]], posts: Iterable[Post]) -> dict[int, Post]:
    """
    Return the post of each target that has one, by the position of the target.

    A post belongs to a target of the same account, first to one of the same mode: the API may report a mode
    under another name.

    :param posts: the oldest first; the latest is taken
    """
    free = list(posts)
    matched: dict[int, Post] = {}
    for same_mode in (True, False):
        for index, target in enumerate(targets):
            fitting = [
                post
                for post in free
                if _is_for_any(post, [target]) and (not same_mode or post.get("mode") == target["mode"])
            ]
            if index not in matched and fitting:
                matched[index] = fitting[-1]
                free.remove(fitting[-1])
    return matched


def _is_dead(post: Post) -> bool:
    # A status that is not documented counts as a post, which is the safe side.
    return post.get("status") in (FAILED, CANCELED)


def _is_at(post: Post, scheduled_for: str | None) -> bool:
    """Return whether a post has the moment of a schedule; a publication at once matches any moment."""
    if scheduled_for is None:
        return True
    at, wanted = parse_timestamp(post.get("scheduledFor")), parse_timestamp(scheduled_for)
    return at is not None and wanted is not None and abs(at - wanted) < SAME_MOMENT


def _is_for_any(post: Post, targets: Iterable[Mapping[str, Any]]) -> bool:
    return _bare(post.get("socialAccountId")) in {_bare(target["socialAccountId"]) for target in targets}


def _bare(identifier: Any) -> str:
    """Return an id without its prefix, which the API accepts as well."""
    return str(identifier).rpartition("_")[2].lower()
