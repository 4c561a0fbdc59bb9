"""Things to wait for and the lists in which they show, as tests need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.cadence import Cadence
from airflow_provider_layers.api.endpoint import Endpoint, json_of
from airflow_provider_layers.api.watching import Roll, Sight, Watch, roll_query
from airflow_provider_layers.exceptions import LayersTimeoutError

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Answer

NOW = 1_000_000.0
FOREVER = 1e12

RUNNING: dict[str, Any] = {"status": "running"}
ENDED: dict[str, Any] = {"status": "completed"}
"""What a look at a thing gives; a list has rows of the same words."""


def watch(name: str = "a", *, longest: float = 10.0, **fields: Any) -> Watch[dict[str, Any]]:
    """
    Watch a thing.

    :param name: of the thing, also the id of its row
    :param longest: longest pause between two looks
    :param fields: other fields of the watch
    """

    def read(answer: Answer) -> dict[str, Any] | None:
        return None if answer.status == 304 else answer.json()

    def look(etag: str | None) -> Endpoint[dict[str, Any] | None]:
        return Endpoint(asked=f"read {name}", method="GET", path=f"/v1/things/{name}", read=read, etag=etag)

    def expired(seen: dict[str, Any] | None) -> LayersTimeoutError:
        return LayersTimeoutError(f"{name} was {seen['status'] if seen else 'never seen'} at the deadline.")

    usual = {"look": look, "sight": sight, "expired": expired, "cadence": Cadence(longest)}
    return Watch(**({"name": name, "deadline": FOREVER, "rows": (name,)} | usual | fields))


def sight(seen: dict[str, Any]) -> Sight:
    """Read a thing: what it says of itself is what a sight has fields for."""
    hints = {name: value for name, value in seen.items() if name != "status"}
    return Sight(ended=seen["status"] != "running", **hints)


def roll(project: str = "prj_1", *, page_size: int = 200) -> Roll:
    """Give the list of a project."""
    path = f"/v1/projects/{project}/things"

    def page(since: float | None, cursor: str | None, filtered: bool) -> Endpoint[dict[str, Any]]:
        statuses = ("running",) if filtered else ()
        query = roll_query(statuses=statuses, since=since, page_size=page_size, cursor=cursor)
        return Endpoint(asked=f"list things of {project}", method="GET", path=path, query=query, read=json_of)

    return Roll(path, page_size, page, frozenset({"running"}))
