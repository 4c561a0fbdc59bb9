"""
Airflow's part in a review: the question, a person's answer, the tries, and the clears.

Airflow keeps the texts of a task instance's first question, over retries and clears, and removes only its
answer (``airflow/api_fastapi/execution_api/routes/hitl.py``; a test compares the two).
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from tests.contract.bystander import read

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 4, 18, 12, 30, tzinfo=timezone.utc)
ADA = {"id": "7", "name": "Ada"}


class DeathError(BaseException):
    """Like SIGKILL: no ``except Exception`` of this package or of Airflow sees it."""


class QuestionTable:
    """
    The row of a task instance in the table of Airflow's human in the loop.

    :ivar row: the question as Airflow keeps it, with the answer
    :ivar asked: what the task asked, each time
    """

    def __init__(self) -> None:
        self.row: Any = None
        self.asked: list[dict[str, Any]] = []

    def upsert(self, ti_id: Any, **question: Any) -> None:
        """Store a question as the API server does."""
        from airflow.models.hitl import HITLDetail

        question = json.loads(json.dumps(question))
        self.asked.append(question)
        users = question.pop("assigned_users") or []
        if self.row is None:
            self.row = HITLDetail(ti_id=ti_id, assignees=users, **question)
        elif self.row.response_received:
            self.row.responded_by = self.row.responded_at = self.row.chosen_options = None
            self.row.params_input = {}

    def answer(self, option: str, form: Any, user: dict[str, str] | None) -> None:
        """Store an answer as the REST API does: it validates the option, and not the form."""
        assert not self.row.response_received, "409"
        assert option in self.row.options, "400"
        self.row.chosen_options, self.row.params_input = [option], json.loads(json.dumps(form))
        self.row.responded_by, self.row.responded_at = user, AT

    @property
    def form(self) -> dict[str, Any]:
        """The form as the page opens it."""
        return {name: field["value"] for name, field in self.row.params.items()}


class Review:
    """
    One task instance that reviews, over its tries.

    :param create: creates the operator, as each process does that reads the DAG file
    :param of_ti: fields of the task instance
    :ivar container: what it reviews
    :ivar operator: of the current phase
    :ivar state: ``awaiting_input``, ``deferred``, ``success``, ``failed``, or ``killed``
    :ivar skipped: the tasks that are skipped after it
    :ivar trigger: what it was last deferred to, as the database keeps it
    :ivar triggerer_is_up: whether a deferred task resumes at once
    :ivar on_push: called before each XCom is pushed, with its key
    :ivar on_write: called before and after each write to the task state store, with its value
    """

    def __init__(
        self,
        airflow: Any,
        questions: QuestionTable,
        create: Callable[[], Any],
        container: Any,
        **of_ti: Any,
    ) -> None:
        self._airflow, self._create, self._of_ti = airflow, create, of_ti
        self._id = uuid4()
        self._max_tries: int | None = None
        self._context: dict[str, Any] = {}
        self.container = container
        self.questions = questions
        self.trigger: tuple[str, dict[str, Any]] | None = None
        self.operator: Any = None
        self.tries = 0
        self.triggerer_is_up = True
        self.on_push: Callable[[str], None] = lambda _: None
        self.on_write: Callable[[str, Any], None] = lambda *_: None
        self.state, self.value, self.error, self.skipped = "none", None, None, None

    def start_try(self) -> Review:
        """Start the next try."""
        operator = self._create()
        self.tries += 1
        if self._max_tries is None:
            self._max_tries = operator.retries or 0
        counts = {"try_number": self.tries, "max_tries": self._max_tries}
        self._context = self._airflow.context(operator, **counts, **self._of_ti, on_push=self.on_push)
        if self._airflow.with_store:
            self._context["task_state_store"].on_write = self.on_write
        self.ti.id = self._id
        self._context["task_instance"] = self.ti
        return self._phase(lambda operator: operator.execute(self._context))

    def clear(self) -> Review:
        """Clear the task, as a user does, and start its next try."""
        self._max_tries = self.tries + (self._create().retries or 0)
        return self.start_try()

    def answer(self, option: str, user: dict[str, str] | None = ADA, **form: Any) -> Review:
        """Change fields of the form as it opened, and press a button."""
        return self.answer_by_rest(option, {**self.questions.form, **form}, user)

    def answer_by_rest(self, option: str, form: Any, user: dict[str, str] | None = ADA) -> Review:
        """Send an answer with any form."""
        assert self.state == "awaiting_input", self.state
        self.questions.answer(option, form, user)
        return self.resume(self.questions.row.as_resume_event_payload())

    def time_out(self) -> Review:
        """Let the response timeout pass, as the scheduler's sweep does."""
        row = self.questions.row
        if row.defaults is None:
            return self.resume({"error": "The response timeout has passed.", "error_type": "timeout"})
        self.questions.answer(row.defaults[0], self.questions.form, None)
        return self.resume(row.as_resume_event_payload(timedout=True))

    def run_trigger(self) -> Review:
        """Run the trigger, and resume with its event."""
        return self.resume(self._airflow.fire(self.trigger))

    def resume(self, event: Any) -> Review:
        """Resume the task with an event."""
        kwargs, context = {"event": event}, self._context
        return self._phase(lambda operator: operator.resume_execution("execute_complete", kwargs, context))

    @property
    def ti(self) -> Any:
        """The task instance of the current try."""
        return self._context["ti"]

    @property
    def xcoms(self) -> dict[str, Any]:
        """What the current try has pushed."""
        return dict(self.ti.xcoms)

    @property
    def version(self) -> int:
        """The version on the card."""
        return int(self.xcoms["review"]["version"])

    @property
    def notice(self) -> str | None:
        """The notice on the card."""
        notice: str | None = self.xcoms["review"]["notice"]
        return notice

    def _phase(self, run: Callable[[Any], Any]) -> Review:
        from airflow.sdk.exceptions import DownstreamTasksSkipped, TaskAwaitingInput, TaskDeferred

        operator = self._airflow.prepared(self._create(), self._context)
        self.operator = self._context["task"] = operator
        self.value = self.error = self.skipped = None
        try:
            self.value, self.state = run(operator), "success"
        except TaskAwaitingInput:
            self.state = "awaiting_input"
        except TaskDeferred as deferred:
            self.state, self.trigger = "deferred", deferred.trigger.serialize()
            return self.run_trigger() if self.triggerer_is_up else self
        except DownstreamTasksSkipped as skip:
            self.state, self.skipped = "success", list(skip.tasks)
        except DeathError:
            self.state = "killed"
        except Exception as error:  # noqa: BLE001 - a test asserts on it
            self.state, self.error = "failed", error
        return self


class Reviews:
    """
    Creates reviews of completed content, each in a DAG where another task follows it.

    :param posted: requests from before a review starts are left out of it
    """

    def __init__(self, api: Any, airflow: Any, made: Any, posted: Any) -> None:
        self._api, self._airflow, self._made, self._posted = api, airflow, made, posted
        self.questions = QuestionTable()

    def create(
        self, container: Any = None, *, map_index: int = -1, group: str | None = None, **arguments: Any
    ) -> Review:
        """Create a review that has not started; of a new container by default, in a mapped group if named."""
        from airflow.providers.common.compat.sdk import DAG, BaseOperator
        from airflow.sdk import task_group

        from airflow_provider_layers.operators.content import LayersReviewContentOperator

        arguments = {"container_id": container or self._made(), "retries": 2, **arguments}
        task_id = f"{group}.review" if group else "review"
        self._posted()

        def tasks(_: Any = None) -> None:
            LayersReviewContentOperator(task_id="review", **arguments) >> BaseOperator(task_id="follow")

        def create_task() -> Any:
            with DAG("content", schedule=None) as dag:
                task_group(group_id=group)(tasks).expand(_=[1, 2]) if group else tasks()
            return dag.get_task(task_id)

        of_ti = {"task_id": task_id, "map_index": map_index}
        return Review(self._airflow, self.questions, create_task, arguments["container_id"], **of_ti)

    def ask(self, container: Any = None, **arguments: Any) -> Review:
        """Start a review that then waits for an answer."""
        review = self.create(container, **arguments).start_try()
        assert review.state == "awaiting_input", review.error
        return review

    def sent(self) -> list[str]:
        """Return what the API was asked to change since the last call, such as ``approve``."""
        return [request.path.rpartition("/")[2] for request in self._posted()]

    def status_of(self, container: str) -> str:
        """Return the approval status of a container."""
        return str(read(self._api, f"/v1/content/{container}")["approvalStatus"])


def in_layers(api: Any, container: str, verb: str, *, seconds: float = 60) -> None:
    """Approve, reject or regenerate in Layers, as another person does; a new version takes 60 seconds."""
    if verb == "regenerate":
        by_a_program(api, container, verb)
        api.advance(seconds)
    else:
        api.configure(show_decider=True)
        api.decide(container, {"approve": "approved", "reject": "rejected"}[verb])


def by_a_program(api: Any, container: str, verb: str) -> None:
    """Approve, reject or regenerate with an API key."""
    body = {"reason": "Off brand."} if verb == "reject" else {}
    headers = {"Authorization": f"Bearer {api.api_key}"}
    url = f"{api.url}/v1/content/{container}/{verb}"
    assert httpx.post(url, json=body, headers=headers, trust_env=False).is_success
