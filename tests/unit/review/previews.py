"""Previews of content with the fields that a test is about."""

from __future__ import annotations

from typing import Any

from airflow_provider_layers.review.preview import Caption, ContentPreview


def preview(*captions: str, **fields: Any) -> ContentPreview:
    """Return a preview with captions for all platforms; other fields by name."""
    defaults = {
        "container_id": "cnt_1",
        "status": "completed",
        "approval_status": "pending",
        "format": "slideshow_remix",
        "kind": "slideshow",
        "pictures": ("https://cdn.test/1.png", "https://cdn.test/2.png"),
        "captions": tuple(Caption(None, text) for text in captions),
    }
    return ContentPreview(**{**dict.fromkeys(ContentPreview.__annotations__), **defaults, **fields})
