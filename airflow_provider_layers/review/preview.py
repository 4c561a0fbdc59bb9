"""Content as a person sees it: read from any revision of the API, with safe URLs only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_layers.api.content import approved_by_person, error_text

SLIDESHOW, VIDEO, IMAGE = "slideshow", "video", "image"


@dataclass(frozen=True)
class Caption:
    """
    The text that is posted with the media.

    :param platform: ``None`` where the caption is the same on all platforms
    """

    platform: str | None
    text: str


@dataclass(frozen=True)
class ContentPreview:
    """
    A container as it is shown to people (``reference/content/get-container``, ``concepts/preview-object``).

    Texts are exactly what the API returned; code that renders them escapes them. URLs passed
    :func:`safe_url`.

    :param kind: ``slideshow``, ``video`` or ``image``; ``None`` until there is media
    :param pictures: URLs of the slides, or of the poster frame of a video
    :param video: URL of the video, if it is one
    :param source: post or video that it was cloned from
    :param approved_by_person: whether the API says that a person approved this version
    :param error: why it failed
    """

    container_id: str
    status: str | None
    approval_status: str | None
    approved_by_person: bool
    format: str | None
    kind: str | None
    pictures: tuple[str, ...]
    video: str | None
    hook: str | None
    captions: tuple[Caption, ...]
    first_comment: str | None
    influencer: str | None
    source: str | None
    project_id: str | None
    created_at: str | None
    completed_at: str | None
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """A digest of the media and of every text that goes public with it."""
        public = [
            *map(_without_query, (*self.pictures, self.video or "")),
            self.hook,
            self.first_comment,
            *((caption.platform, caption.text) for caption in self.captions),
        ]
        return hashlib.sha256(json.dumps(public).encode()).hexdigest()[:16]


def content_preview(container: Mapping[str, Any]) -> ContentPreview:
    """
    Read a container in any revision of the API.

    :param container: a response of ``GET /v1/content/:containerId``, or an item of the list
    """
    preview = _mapping(container.get("preview"))
    assets = [_mapping(asset) for asset in _list(container.get("assets"))]
    kind = _text(preview.get("kind")) or _kind_of(assets)
    return ContentPreview(
        container_id=str(container.get("id")),
        status=_text(container.get("status")),
        approval_status=_text(container.get("approvalStatus")),
        approved_by_person=approved_by_person(container),
        format=_text(container.get("format")),
        kind=kind,
        pictures=tuple(dict.fromkeys(_pictures(kind, preview, assets))),
        video=_video(preview, assets) if kind == VIDEO else None,
        hook=_text(container.get("hook")) or _text(_mapping(container.get("brief")).get("hook")),
        captions=tuple(_captions(container)),
        first_comment=_text(container.get("firstComment")),
        influencer=_text(container.get("influencerId")),
        source=_text(container.get("sourcePlatformPostId")) or _text(container.get("sourceTiktokId")),
        project_id=_text(container.get("projectId")),
        created_at=_text(container.get("createdAt")),
        completed_at=_text(container.get("completedAt")),
        error=error_text(container.get("lastError")),
    )


def safe_url(url: Any) -> str | None:
    """
    Return a URL that a browser may be sent to.

    :return: ``None`` unless it is an absolute ``http`` or ``https`` URL of printable ASCII, without a user
    """
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        safe = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return None
    return url if safe else None


def _kind_of(assets: list[Mapping[str, Any]]) -> str | None:
    kinds = [asset.get("kind") for asset in assets]
    if VIDEO in kinds:
        return VIDEO
    return (SLIDESHOW if len(kinds) > 1 else IMAGE) if kinds else None


def _pictures(kind: str | None, preview: Mapping[str, Any], assets: list[Mapping[str, Any]]) -> Iterator[str]:
    if kind == VIDEO:
        posters = [preview.get("thumbnailUrl"), *(asset.get("thumbnailUrl") for asset in assets)]
        yield from list(filter(None, map(safe_url, posters)))[:1]
        return
    slides = _list(preview.get("imageUrls")) or [asset.get("url") for asset in assets]
    yield from filter(None, map(safe_url, slides or [preview.get("primaryUrl")]))


def _video(preview: Mapping[str, Any], assets: list[Mapping[str, Any]]) -> str | None:
    of_assets = [asset.get("url") for asset in assets if asset.get("kind") == VIDEO]
    urls = map(safe_url, (preview.get("videoUrl"), preview.get("primaryUrl"), *of_assets))
    return next(filter(None, urls), None)


def _captions(container: Mapping[str, Any]) -> Iterator[Caption]:
    for name in ("captions", "captionVariants"):
        items = map(_mapping, _list(container.get(name)))
        texts = [(_text(item.get("platform")), _text(item.get("text"))) for item in items]
        captions = [Caption(platform, text) for platform, text in texts if text]
        if captions:
            yield from captions
            return
    text = _text(container.get("caption"))
    if text:
        yield Caption(None, text)


def _without_query(url: str) -> str:
    # A signed URL of the same media has another signature on every read.
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
