"""Content as people see it, with as much of it as a test is about."""

from __future__ import annotations

from typing import Any

from airflow_provider_layers.api.exhibit import Caption, Exhibit


def shown(*captions: str, **fields: Any) -> Exhibit:
    """Give content with captions for all platforms; other fields by name."""
    known = {
        "container_id": "cnt_1",
        "status": "completed",
        "approval_status": "pending",
        "format": "slideshow_remix",
        "kind": "slideshow",
        "pictures": ("https://cdn.test/1.png", "https://cdn.test/2.png"),
        "captions": tuple(Caption(None, text) for text in captions),
    }
    return Exhibit(**{**dict.fromkeys(Exhibit.__annotations__), **known, **fields})
