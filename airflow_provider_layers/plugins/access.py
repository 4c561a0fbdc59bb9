"""Who may ask for what: Airflow's own login, and its permission to read the XComs of that one Dag."""

from __future__ import annotations

import re
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, Path, Query

MAY_READ = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))
"""It takes the Dag from the query, as ``DagId`` does: both see the last one where there are several."""

# Airflow takes "~" for every Dag; here it is no Dag at all.
DagId = Annotated[str, Query(max_length=250, pattern=r"^[\w.-]+$")]
TaskId = Annotated[str, Query(max_length=250, pattern=r"^[\w.-]+$")]
RunId = Annotated[str, Query(max_length=250, pattern=r"^[^\x00]+$")]
Part = Annotated[str, Path(pattern=r"^(card|media|[1-9]\d{0,2})$")]
Number = Annotated[int, Query(ge=-1, le=2**31 - 1)]
MapIndex = Annotated[str, Query(max_length=20)]


def map_index_of(given: str) -> int | None:
    """
    Read a map index.

    :param given: a number, or what the Airflow UI sends where there is none: nothing, or its placeholder
    :return: ``None`` where there is none
    """
    return int(given) if re.fullmatch(r"\d{1,9}", given) else None
