"""What a task read and made, for OpenLineage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


def lineage(base_url: str, *, read: Sequence[str], made: Sequence[str]) -> OperatorLineage[Any, Any]:
    """
    Tell what a task read and made. OpenLineage's provider asks for it, so that it is there.

    :param base_url: of the API; its host names the place
    :param read: names such as ``content/cnt_1`` or ``post/sp_1``
    :param made: names of the same kind
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    place = f"layers://{urlsplit(base_url).netloc}"
    return OperatorLineage(
        inputs=[Dataset(namespace=place, name=name) for name in read],
        outputs=[Dataset(namespace=place, name=name) for name in made],
    )
