"""What a person looks at: content in the words of any revision of the API, with nothing unsafe in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

SLIDESHOW, VIDEO, IMAGE = "slideshow", "video", "image"


@dataclass(frozen=True)
class Caption:
    """
    What goes with the media on a platform.

    :param platform: ``None`` where it is the same on all
    """

    platform: str | None
    text: str


@dataclass(frozen=True)
class Exhibit:
    """
    Content as it is shown to people (``reference/content/get-container``, ``concepts/preview-object``).

    Texts are as the API gives them, and are data: whoever shows them escapes them. Addresses are ``http`` or
    ``https``, and nothing else.

    :param kind: ``slideshow``, ``video`` or ``image``; ``None`` until there is media
    :param pictures: addresses of the slides, or of the poster frame of a video
    :param video: address of the film; ``None`` where there is none
    :param source: post or video that it was made after; ``None`` where there was none
    :param error: why it failed, as the API gave it; the inner shape is not documented
    """

    container_id: str
    status: str | None
    approval_status: str | None
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
        """Give it as plain JSON."""
        return asdict(self)

    @property
    def fingerprint(self) -> str:
        """What tells one take from another: the media, and every text that goes public with it."""
        shown = [
            *map(_without_query, (*self.pictures, self.video or "")),
            self.hook,
            self.first_comment,
            *((caption.platform, caption.text) for caption in self.captions),
        ]
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


def exhibit(container: Mapping[str, Any]) -> Exhibit:
    """
    Read a container as the API gives it, in any of its revisions.

    :param container: of ``GET /v1/content/:containerId``, or a row of the list
    """
    preview = _mapping(container.get("preview"))
    assets = [_mapping(one) for one in _list(container.get("assets"))]
    kind = _text(preview.get("kind")) or _kind_of(assets)
    return Exhibit(
        container_id=str(container.get("id")),
        status=_text(container.get("status")),
        approval_status=_text(container.get("approvalStatus")),
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
        error=_error(container.get("lastError")),
    )


def address(given: Any) -> str | None:
    """
    Give an address that a browser may be sent to.

    :return: ``None`` unless it is an absolute ``http`` or ``https`` URL of printable ASCII, without a user
    """
    if not isinstance(given, str) or not given.isascii() or not given.isprintable() or " " in given:
        return None
    try:
        parts = urlsplit(given)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return None
    return given if sound else None


def _kind_of(assets: list[Mapping[str, Any]]) -> str | None:
    kinds = [asset.get("kind") for asset in assets]
    if VIDEO in kinds:
        return VIDEO
    return (SLIDESHOW if len(kinds) > 1 else IMAGE) if kinds else None


def _pictures(kind: str | None, preview: Mapping[str, Any], assets: list[Mapping[str, Any]]) -> Iterator[str]:
    if kind == VIDEO:
        posters = [preview.get("thumbnailUrl"), *(asset.get("thumbnailUrl") for asset in assets)]
        yield from list(filter(None, map(address, posters)))[:1]
        return
    slides = _list(preview.get("imageUrls")) or [asset.get("url") for asset in assets]
    yield from filter(None, map(address, slides or [preview.get("primaryUrl")]))


def _video(preview: Mapping[str, Any], assets: list[Mapping[str, Any]]) -> str | None:
    films = [asset.get("url") for asset in assets if asset.get("kind") == VIDEO]
    known = map(address, (preview.get("videoUrl"), preview.get("primaryUrl"), *films))
    return next(filter(None, known), None)


def _captions(container: Mapping[str, Any]) -> Iterator[Caption]:
    for name in ("captions", "captionVariants"):
        rows = [
            (_text(one.get("platform")), _text(one.get("text")))
            for one in map(_mapping, _list(container.get(name)))
        ]
        found = [Caption(platform, text) for platform, text in rows if text]
        if found:
            yield from found
            return
    alone = _text(container.get("caption"))
    if alone:
        yield Caption(None, alone)


def _error(given: Any) -> str | None:
    if isinstance(given, Mapping):
        return " ".join(str(given[name]) for name in ("code", "message") if given.get(name)) or None
    return _text(given)


def _without_query(url: str) -> str:
    # The same media may be signed anew at every read.
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given else None


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}
