"""
Airflow's part in a review: the question, the answer of a person, the tries, and the clears.

Airflow keeps the words of a task instance's first question for good, over retries and clears, and takes away
its answer only (``airflow/api_fastapi/execution_api/routes/hitl.py``; a test holds the two together).
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from tests.contract.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

AT = datetime(2026, 4, 18, 12, 30, tzinfo=timezone.utc)
ADA = {"id": "7", "name": "Ada"}


class DeathError(BaseException):
    """As SIGKILL: no ``except Exception`` of ours or of Airflow's sees it."""


class Desk:
    """
    Where questions lie: the table of Airflow's human in the loop.

    :ivar row: what Airflow keeps of the question, with the answer to it
    :ivar asked: what the task asked, each time
    """

    def __init__(self) -> None:
        self.row: Any = None
        self.asked: list[dict[str, Any]] = []

    def upsert(self, ti_id: Any, **question: Any) -> None:
        """Take a question, as the API server does."""
        from airflow.models.hitl import HITLDetail

        question = json.loads(json.dumps(question))
        self.asked.append(question)
        users = question.pop("assigned_users") or []
        if self.row is None:
            self.row = HITLDetail(ti_id=ti_id, assignees=users, **question)
        elif self.row.response_received:
            self.row.responded_by = self.row.responded_at = self.row.chosen_options = None
            self.row.params_input = {}

    def answer(self, options: list[str], form: Any, user: dict[str, str] | None) -> None:
        """Take an answer, as the REST API does: it checks the options, and not the form."""
        assert not self.row.response_received, "409"
        assert set(options) <= set(self.row.options), "400"
        assert len(options) == 1, "400"
        self.row.chosen_options, self.row.params_input = options, json.loads(json.dumps(form))
        self.row.responded_by, self.row.responded_at = user, AT

    @property
    def form(self) -> dict[str, Any]:
        """The form as it is filled in when the page opens."""
        return {name: field["value"] for name, field in self.row.params.items()}


class Review:
    """
    One task instance that reviews, from try to try.

    :param airflow: the contract's player of Airflow
    :param make: makes the operator anew, as a process that reads the Dag file does
    :param of_ti: fields of the task instance
    :ivar container: what it reviews
    :ivar operator: as the present phase runs it
    :ivar state: ``awaiting_input``, ``deferred``, ``success``, ``failed``, or ``killed``
    :ivar skipped: the tasks that are skipped after it
    :ivar trigger: what it was deferred to last, as the database keeps it
    """

    def __init__(self, airflow: Any, desk: Desk, make: Callable[[], Any], **of_ti: Any) -> None:
        self._airflow, self._make, self._of_ti = airflow, make, of_ti
        self._id = uuid4()
        self._most: int | None = None
        self._context: dict[str, Any] = {}
        self.trigger: tuple[str, dict[str, Any]] | None = None
        self.container: Any = None
        self.operator: Any = None
        self.desk = desk
        self.tries = 0
        self.triggerer_is_up = True
        self.state, self.value, self.error, self.skipped = "none", None, None, None

    def begin(self) -> Review:
        """Begin the next try."""
        operator = self._make()
        self.tries += 1
        if self._most is None:
            self._most = operator.retries or 0
        counts = {"try_number": self.tries, "max_tries": self._most}
        self._context = self._airflow.context(operator, **counts, **self._of_ti)
        ti = self._context["ti"]
        ti.id = self._id
        self._context["task_instance"] = ti
        return self._phase(lambda operator: operator.execute(self._context))

    def clear(self) -> Review:
        """Let a person clear the task; its next try begins."""
        self._most = self.tries + (self._make().retries or 0)
        return self.begin()

    def answer(self, option: str, user: dict[str, str] | None = ADA, **form: Any) -> Review:
        """Fill in what is to be changed in the form, and press a button."""
        return self.answer_by_rest(option, {**self.desk.form, **form}, user)

    def answer_by_rest(self, option: str, form: Any, user: dict[str, str] | None = ADA) -> Review:
        """Send an answer with any form."""
        assert self.state == "awaiting_input", self.state
        self.desk.answer([option], form, user)
        return self.resume(self.desk.row.as_resume_event_payload())

    def time_out(self) -> Review:
        """Let the time for an answer pass, as the scheduler's sweep does."""
        if self.desk.row.defaults is None:
            return self.resume({"error": "The response timeout has passed.", "error_type": "timeout"})
        self.desk.answer(self.desk.row.defaults, self.desk.form, None)
        return self.resume(self.desk.row.as_resume_event_payload(timedout=True))

    def fire(self) -> Review:
        """Let the triggerer watch, and resume with what it tells."""
        return self.resume(self._airflow.fire(self.trigger))

    def resume(self, event: Any) -> Review:
        """Resume the task with an event."""
        given, context = {"event": event}, self._context
        return self._phase(lambda operator: operator.resume_execution("execute_complete", given, context))

    @property
    def ti(self) -> Any:
        """The task instance of the present try."""
        return self._context["ti"]

    @property
    def xcoms(self) -> dict[str, Any]:
        """What the present try has told."""
        return dict(self.ti.xcoms)

    @property
    def take(self) -> int:
        """The number of the take that the card above the pictures names."""
        return int(self.xcoms["review"]["take"])

    @property
    def notice(self) -> str | None:
        """What the card says went wrong with the last answer."""
        notice: str | None = self.xcoms["review"]["notice"]
        return notice

    def _phase(self, run: Callable[[Any], Any]) -> Review:
        from airflow.sdk.exceptions import DownstreamTasksSkipped, TaskAwaitingInput, TaskDeferred

        operator = self._airflow.prepared(self._make(), self._context)
        self.operator = self._context["task"] = operator
        self.value = self.error = self.skipped = None
        try:
            self.value, self.state = run(operator), "success"
        except TaskAwaitingInput:
            self.state = "awaiting_input"
        except TaskDeferred as deferred:
            self.state, self.trigger = "deferred", deferred.trigger.serialize()
            return self.fire() if self.triggerer_is_up else self
        except DownstreamTasksSkipped as skip:
            self.state, self.skipped = "success", list(skip.tasks)
        except DeathError:
            self.state = "killed"
        except Exception as error:  # noqa: BLE001 - a test asserts on it
            self.state, self.error = "failed", error
        return self


class Reviews:
    """
    Begins reviews of finished content. The task is in a Dag, and another follows it.

    :param api: the API; what was asked of it before a review begins is left out of ``posted``
    """

    def __init__(
        self, api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from airflow.providers.standard.operators import hitl

        self._airflow, self._made, self._posted, self._api = airflow, made, posted, api
        self.desk = Desk()
        monkeypatch.setattr(hitl, "upsert_hitl_detail", self.desk.upsert)

    def of(
        self, container: Any = None, *, map_index: int = -1, group: str | None = None, **given: Any
    ) -> Review:
        """Make a task that has not begun; of a new container if none is given, in a mapped group if named."""
        from airflow.providers.common.compat.sdk import DAG, BaseOperator
        from airflow.sdk import task_group

        from airflow_provider_layers.operators.content import LayersReviewContentOperator

        arguments = {"container_id": container or self._made(), "retries": 2, **given}
        task_id = f"{group}.review" if group else "review"
        self._posted()

        def tasks(_: Any = None) -> None:
            LayersReviewContentOperator(task_id="review", **arguments) >> BaseOperator(task_id="follow")

        def make() -> Any:
            with DAG("content", schedule=None) as dag:
                task_group(group_id=group)(tasks).expand(_=[1, 2]) if group else tasks()
            return dag.get_task(task_id)

        review = Review(self._airflow, self.desk, make, task_id=task_id, map_index=map_index)
        review.container = arguments["container_id"]
        return review

    def begun(self, container: Any = None, **given: Any) -> Review:
        """Make a task that waits for an answer."""
        review = self.of(container, **given).begin()
        assert review.state == "awaiting_input", review.error
        return review

    def sent(self) -> list[str]:
        """Give what the API was asked to change since the last call, such as ``approve``."""
        return [one.path.rpartition("/")[2] for one in self._posted()]

    def status_of(self, container: str) -> str:
        """Give the approval status of a container."""
        return str(ask(self._api, f"/v1/content/{container}")["approvalStatus"])


def in_layers(api: Any, container: str, verb: str, *, seconds: float = 60) -> None:
    """Approve, reject or regenerate in Layers itself, as somebody else does; a new take takes 60 seconds."""
    body = {"reason": "Off brand."} if verb == "reject" else {}
    headers = {"Authorization": f"Bearer {api.api_key}"}
    url = f"{api.url}/v1/content/{container}/{verb}"
    assert httpx.post(url, json=body, headers=headers, trust_env=False).is_success
    if verb == "regenerate":
        api.advance(seconds)
