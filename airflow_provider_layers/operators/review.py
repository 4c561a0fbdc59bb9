"""The operator that asks a person, in the Airflow UI (3.1+). Import it from ``operators.content``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.operators.hitl import HITLOperator

from airflow_provider_layers.exceptions import LayersError
from airflow_provider_layers.hooks.takes import Standing, Takes
from airflow_provider_layers.hooks.task import origin, stops_retries
from airflow_provider_layers.hooks.tenure import Tenure
from airflow_provider_layers.hooks.view import review_address
from airflow_provider_layers.operators.review_form import form, is_answer, users
from airflow_provider_layers.operators.review_outcome import LayersReviewOutcome
from airflow_provider_layers.operators.review_takes import LayersReviewTakes, made_no_take

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.exhibit import Exhibit
    from airflow_provider_layers.api.review import Answer

TIMEOUTS = ("fail", "approve", "reject")


class LayersReviewContentOperator(LayersReviewTakes, HITLOperator, LayersReviewOutcome):
    """
    Ask a person about content, in the Airflow UI (``concepts/approval``). Needs Airflow 3.1.

    The question shows the pictures and every text that goes public. ``Approve`` and ``Reject`` are carried
    out in Layers (``reference/approval/approve-content``, ``reference/approval/reject-content``);
    ``Regenerate`` starts a new take with a changed brief (``reference/content/regenerate``), waits for it
    deferred, and asks again. Content that needs no decision, or was decided in Layers, is not asked about.

    An answer counts for what was shown: content that changed meanwhile is asked about again. Airflow keeps
    the words of a task's first question for good, so pictures and a card above them, served by the plugin of
    this package, show what is asked about now, and an answer names the take that it is for.

    Returns the container id, or for a list the ids that were approved. A rejection skips what follows
    directly, as with ``ApprovalOperator``; a mapped task returns nothing then instead, so that tasks which
    are mapped over the reviews go on with the approved ones. The XCom ``decision`` tells who decided what,
    when and why.

    :param container_id: a container, or a list of them for one question about all; several offer no
        ``Regenerate`` (templated)
    :param subject: headline; derived from the content when it is not given (templated)
    :param body: Markdown of your own, shown before the content (templated)
    :param assigned_users: who may answer: ids of users, or ``{"id", "name"}``; everybody when not given
    :param response_timeout: how long to wait for an answer, for each question; for ever when not given
    :param on_timeout: ``fail`` the task, or ``approve`` or ``reject`` in the name of nobody
    :param notifiers: told of each question
    :param max_regenerations: how many new takes can be asked for
    :param fail_on_reject: fail the task on a rejection, instead of skipping what follows
    :param ignore_downstream_trigger_rules: on a rejection skip all that follows, however far
    :param deferrable: wait for a new take in the triggerer
    :param kwargs: see :class:`~airflow_provider_layers.operators.job_start.LayersJobOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersContentError: there is nothing to decide on
    :raises LayersReviewRejectedError: it was rejected, with ``fail_on_reject``
    """

    template_fields: Sequence[str] = (
        *LayersReviewTakes.template_fields,
        *HITLOperator.template_fields,
        "container_id",
    )
    ui_color = "#ffe9c7"
    makes_content = False

    def __init__(
        self,
        *,
        container_id: str | list[str],
        subject: str | None = None,
        body: str | None = None,
        assigned_users: Any = None,
        response_timeout: timedelta | None = None,
        on_timeout: Literal["fail", "approve", "reject"] = "fail",
        notifiers: Any = None,
        max_regenerations: int = 3,
        fail_on_reject: bool = False,
        ignore_downstream_trigger_rules: bool = False,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        from airflow_provider_layers.api.review import APPROVE, REGENERATE, REJECT

        if on_timeout not in TIMEOUTS:
            raise ValueError(f"on_timeout = {on_timeout!r}: should be one of {', '.join(TIMEOUTS)}.")
        kwargs.pop(
            "params", None
        )  # A mapped task is given those of its Dag; the form of a review is its own.
        super().__init__(
            subject=subject or "",
            body=body,
            options=[APPROVE, REJECT, REGENERATE],
            defaults={"approve": APPROVE, "reject": REJECT}.get(on_timeout),
            notifiers=notifiers,
            assigned_users=users(assigned_users),
            response_timeout=response_timeout,
            deferrable=deferrable,
            wait_for_completion=True,
            **kwargs,
        )
        self.container_id = container_id
        self.on_timeout = on_timeout
        self.max_regenerations = max_regenerations
        self.fail_on_reject = fail_on_reject
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    @stops_retries
    def execute(self, context: Context) -> Any:
        """Ask, or go on with what an earlier try was answered."""
        self._tenure = Tenure(context)
        standing = Takes(context).load()
        if standing.answer is None:
            return self._ask(context, standing)
        self.log.info("%s was answered in an earlier try, which did not get to it.", standing.answer.option)
        return self._carry_out(context, standing, standing.answer)

    @stops_retries
    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Resume with an answer, or after the wait for a new take.

        :param event: of Airflow, or of the trigger
        """
        self._tenure = Tenure(context)
        takes = Takes(context)
        standing = takes.load()
        if standing.making:
            return self._remake(context, standing, lambda: self.waited(context, event))
        if not is_answer(event):
            self.log.warning(
                "An event of another task was delivered to this one, which asks again: %s", event
            )
            return self._ask(context, standing, standing.notice)
        answer = self._answered(event, standing)
        if not answer.names(standing.take):
            notice = f"The last answer was for take {answer.take or 1}, and this is take {standing.take}."
            return self._ask(context, standing, notice)
        takes.save(replace(standing, answer=answer))
        return self._carry_out(context, standing, answer)

    def _ask(self, context: Context, standing: Standing, notice: str | None = None) -> Any:
        from airflow_provider_layers.api.content import each
        from airflow_provider_layers.api.decision import PENDING, reviewable

        ids = each(self.container_id)
        self.show(context, container_ids=ids)
        self.show_content(context, ids)
        found = self.layers_hook.run(reviewable(ids))
        pending = {one: seen for one, seen in found.items() if seen.approval_status == PENDING}
        if not pending:
            self.log.info("There is nothing to decide.")
            return self.conclude(context, None, {one: seen.approval_status for one, seen in found.items()})
        shown = {one: seen.fingerprint for one, seen in pending.items()}
        take = standing.take if shown == standing.shown else standing.take + 1
        Takes(context).save(Standing(take, shown, notice, standing.made))
        self._write(context, take, list(pending.values()))
        self.log.info("Asking about take %s of %s. %s", take, ", ".join(pending), notice or "")
        return HITLOperator.execute(self, context)

    def _write(self, context: Context, take: int, pending: list[Exhibit]) -> None:
        from airflow_provider_layers.api.review import REGENERATE, body_of, subject_of

        regenerates = self.max_regenerations > 0 and len(pending) == 1
        self.subject = self.subject or subject_of(pending)
        self.body = body_of(
            pending,
            take=take,
            live=lambda part: review_address(context, part, words=take),
            costs=self._costs(),
            given=self.body,
        )
        self.options = [one for one in self.options if regenerates or one != REGENERATE]
        self.params = type(self.params)(form(take=take, regenerates=regenerates))

    def _costs(self) -> dict[str, int]:
        """Ask what a take is estimated to cost; that is worth a line, and not worth a failure."""
        from airflow_provider_layers.api.account import cost_of_a_take
        from airflow_provider_layers.api.flow import ask

        try:
            return self.layers_hook.run(ask(cost_of_a_take()))
        except LayersError as error:
            self.log.info("%s The question does not tell of credits.", error)
            return {}

    def _answered(self, event: dict[str, Any], standing: Standing) -> Answer:
        from airflow_provider_layers.api.review import read_answer

        if event.get("error_type") == "timeout":
            raise AirflowFailException(
                f"Nobody answered the review within {self.response_timeout}. Nothing was decided. "
                "Clear the task to ask again, or let on_timeout say what to do."
            )
        if "error" in event:
            self.process_trigger_event_error(event)
        answer = read_answer(event, standing.shown)
        self.validate_chosen_options([answer.option])
        self.log.info("%s by %s at %s. %s", answer.option, answer.who, answer.at, answer.text or "")
        self.hitl_summary_extra.update(answer.as_json())
        return answer

    def _carry_out(self, context: Context, standing: Standing, answer: Answer) -> Any:
        from airflow_provider_layers.api.content import each
        from airflow_provider_layers.api.decision import compare, decide
        from airflow_provider_layers.api.review import REGENERATE

        if standing.making:
            return self._remake(context, standing, lambda: self.make(context, standing, answer))
        source, ids = origin(context), each(self.container_id)

        def key(container_id: str) -> str:
            return source.key(answer.option.lower(), container_id, answer.shown.get(container_id, ""))

        again = answer.option == REGENERATE
        outcome = self.layers_hook.run(compare(ids, answer) if again else decide(ids, answer, key=key))
        if outcome.changed:
            notice = f"{answer.who} answered {answer.option} to what was shown before the content changed."
            return self._ask(context, standing, notice)
        if not again or not outcome.pending:
            return self.conclude(context, answer, outcome.statuses)
        if len(outcome.pending) > 1:
            return self._ask(context, standing, "A new take is asked for of one container at a time.")
        if standing.made >= self.max_regenerations:
            return self._ask(context, standing, f"There were {standing.made} new takes, which is the most.")
        making = replace(standing, answer=answer, making=True, made=standing.made + 1)
        Takes(context).save(making)
        return self._remake(context, making, lambda: self.make(context, making, answer))

    def _remake(self, context: Context, standing: Standing, made: Callable[[], Any]) -> Any:
        """Make a new take, or take up the wait for it; then ask about it."""
        try:
            made()
        except LayersError as error:
            if not made_no_take(error):
                raise
            return self._ask(context, standing, f"There is no new take, this is the one before. {error}")
        return self._ask(context, standing)
