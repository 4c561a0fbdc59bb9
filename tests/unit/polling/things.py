"""Things to wait for and the lists in which they appear, as tests of polling need them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_layers.api.endpoint import Endpoint, read_json
from airflow_provider_layers.exceptions import LayersTimeoutError
from airflow_provider_layers.polling.intervals import PollInterval
from airflow_provider_layers.polling.targets import ListSource, Observation, PollTarget, Row

if TYPE_CHECKING:
    from airflow_provider_layers.api.endpoint import Response

NOW = 1_000_000.0
FOREVER = 1e12

RUNNING: dict[str, Any] = {"status": "running"}
FINISHED: dict[str, Any] = {"status": "completed"}
"""The result of a poll."""

UNFINISHED_ROW = Row("running", None, None)
FINISHED_ROW = Row("completed", "2026-04-18T12:00:00Z", None)
"""What a list shows of it."""


def target(name: str = "a", *, max_interval: float = 10.0, **fields: Any) -> PollTarget[dict[str, Any]]:
    """
    Return something to wait for.

    :param name: also the id of its row
    :param fields: other fields of the target
    """

    def read(response: Response) -> dict[str, Any] | None:
        return None if response.status_code == 304 else response.json()

    def poll(etag: str | None) -> Endpoint[dict[str, Any] | None]:
        path = f"/v1/things/{name}"
        return Endpoint(description=f"read {name}", method="GET", path=path, read=read, etag=etag)

    def timeout_error(result: dict[str, Any] | None) -> LayersTimeoutError:
        state = result["status"] if result else "never read"
        return LayersTimeoutError(f"{name} was {state} at the deadline.")

    defaults = {
        "name": name,
        "poll": poll,
        "observe": observe,
        "timeout_error": timeout_error,
        "deadline": FOREVER,
        "interval": PollInterval(max_interval),
        "row_ids": (name,),
    }
    return PollTarget(**(defaults | fields))


def observe(result: dict[str, Any]) -> Observation:
    """Read a result: apart from its status, it has the fields of an observation."""
    hints = {name: value for name, value in result.items() if name != "status"}
    return Observation(finished=result["status"] != "running", **hints)


def source(project: str = "prj_1", *, page_size: int = 200) -> ListSource:
    """Return the list of a project."""
    path = f"/v1/projects/{project}/things"

    def page(since: float | None, cursor: str | None, filtered: bool) -> Endpoint[dict[str, Any]]:
        status = "running" if filtered else None
        query = {"status": status, "since": since, "limit": page_size, "cursor": cursor}
        pairs = tuple((name, str(value)) for name, value in query.items() if value is not None)
        return Endpoint(
            description=f"list things of {project}", method="GET", path=path, query=pairs, read=read_json
        )

    return ListSource(path, page_size, page, frozenset({"running"}))
