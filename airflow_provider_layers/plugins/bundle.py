"""The page's own files. They hold no data, so that anybody may have them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class File:
    """
    A file as it is sent.

    :param etag: names its content, so that an upgrade reaches browsers at once
    """

    content: bytes
    media_type: str
    etag: str


def read_bundle() -> Mapping[str, File]:
    """Read all files by their names."""
    folder = files("airflow_provider_layers.plugins").joinpath("static")
    there = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    return {name: file for name, content in there.items() if (file := _file(name, content))}


def _file(name: str, content: bytes) -> File | None:
    # The system's own table of types may call a script plain text, and browsers would not run it.
    media_type = TYPES.get(name[name.rfind(".") :])
    return File(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:32]}"') if media_type else None
