"""The check that HttpEventTrigger imports anew at every poll."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import requests


async def ended(response: requests.Response) -> bool:
    """
    Tell whether the job has ended.

    :param response: to ``GET /v1/jobs/:jobId``
    """
    return bool(response.json()["status"] != "running")
