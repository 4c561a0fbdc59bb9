"""The operator that asks a person in the Airflow UI (3.1+). Import it from ``operators.content``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowOptionalProviderFeatureException,
    BaseOperator,
    SkipMixin,
)

from airflow_provider_layers.api.account import costs_per_format, get_credits
from airflow_provider_layers.api.content import as_ids
from airflow_provider_layers.exceptions import (
    LayersBillingError,
    LayersError,
    LayersJobCanceledError,
    LayersJobFailedError,
    LayersModerationError,
    LayersParameterError,
    LayersRequestError,
    LayersReviewRejectedError,
)
from airflow_provider_layers.idempotency import idempotency_scope
from airflow_provider_layers.operators.jobs import LayersJobLifecycleOperator
from airflow_provider_layers.review.decision import (
    AskWhen,
    UndecidedTest,
    approved_containers,
    approved_in_layers,
    compare_with_shown,
    conflicts,
    decide,
    decision_as_json,
    decision_key,
    is_undecided,
    raise_failed,
    read_reviewable,
    regenerate_request,
)
from airflow_provider_layers.review.question import (
    APPROVE,
    REGENERATE,
    REJECT,
    ReviewAnswer,
    assignees,
    form_fields,
    is_answer_event,
    read_answer,
    render_body,
    render_subject,
)
from airflow_provider_layers.review.state import ReviewState, ReviewStateStore
from airflow_provider_layers.task_context import TaskRun, review_url

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.review.preview import ContentPreview

try:
    from airflow.providers.standard.operators.hitl import HITLOperator
except AirflowOptionalProviderFeatureException:

    class HITLOperator(BaseOperator):  # type: ignore[no-redef]  # the original needs Airflow 3.1
        """Stand-in that says what to use instead of a review."""

        ALTERNATIVES = (
            "LayersReviewContentOperator needs Airflow 3.1 or later with "
            "apache-airflow-providers-standard, where people answer in the Airflow UI. On this version, "
            "let them approve in Layers and wait for it with LayersContentApprovalSensor, or decide in the "
            "DAG with LayersApproveContentOperator and LayersRejectContentOperator."
        )

        def __new__(cls, *_: Any, **__: Any) -> NoReturn:
            """Refuse."""
            raise AirflowOptionalProviderFeatureException(cls.ALTERNATIVES)

        @classmethod
        def partial(cls, **_: Any) -> NoReturn:
            """Refuse to be mapped, too."""
            raise AirflowOptionalProviderFeatureException(cls.ALTERNATIVES)


DECISION_KEY = "decision"
"""XCom key: who decided what, when and why."""

TIMEOUT_OPTIONS = {"fail": None, "approve": APPROVE, "reject": REJECT}
ASK_WHEN_OPTIONS = get_args(AskWhen)

NO_NEW_VERSION = frozenset(
    {
        LayersBillingError,
        LayersJobCanceledError,
        LayersJobFailedError,
        LayersModerationError,
        LayersParameterError,
        LayersRequestError,
    }
)
"""
Errors after which there is certainly no new version, so the reviewer can decide on the current one.

The exact types: the subclass LayersRequestChangedError, for example, says that an earlier try may have
started a job.
"""


class LayersReviewContentOperator(HITLOperator, LayersJobLifecycleOperator, SkipMixin):
    """
    Ask a person about content, in the Airflow UI (``concepts/approval``). Needs Airflow 3.1.

    The question shows the pictures and every text that goes public. ``Approve`` and ``Reject`` are carried
    out in Layers (``reference/approval/approve-content``, ``reference/approval/reject-content``);
    ``Regenerate`` starts a job that makes a new version with a changed brief
    (``reference/content/regenerate``), waits for it deferred, and asks again.

    The task asks unless a person has decided on the content as it is now, whatever the project's policy is:
    also about content that needs no approval in Layers, or was approved there without the name of a person
    (``approvedBy``). What its own reviewer approved in Layers, and what is rejected, is not asked about.
    Layers keeps no decision on content that is not pending, so a rejection of it only stops this DAG run.

    An answer counts for what was shown: if the content has changed since, the task asks about it again.
    Airflow keeps the texts of a task's first question, so the pictures and a card above them are served by
    the plugin of this package and always show the current version, and an answer names the version it is
    for.

    Returns the container id, or for a list the ids that were approved. A rejection skips the direct
    downstream tasks, as with ``ApprovalOperator``; a mapped task returns ``None`` instead and skips nothing,
    so that tasks mapped over the reviews continue with the approved ones. The XCom ``decision`` says who
    decided what, when and why.

    :param container_id: a container, or a list of them for one question about all; several offer no
        ``Regenerate`` (templated)
    :param subject: headline; derived from the content by default (templated)
    :param body: Markdown of your own, shown before the content (templated)
    :param assigned_users: who may answer: user ids, or ``{"id", "name"}``; everybody by default
    :param ask_when: ``undecided``, or ``pending`` to ask only about content that is pending in Layers, so
        that the project's policy, or a program that approves, stands in for a person
    :param response_timeout: how long to wait for an answer to each question; forever by default
    :param on_timeout: ``fail`` the task, or ``approve`` or ``reject`` the content; needs a
        ``response_timeout``
    :param notifiers: called for each question
    :param max_regenerations: how many new versions can be asked for
    :param fail_on_reject: fail the task on a rejection, instead of skipping downstream tasks
    :param ignore_downstream_trigger_rules: on a rejection skip all downstream tasks, not only direct ones
    :param deferrable: wait for a new version in the triggerer
    :param kwargs: see :class:`~airflow_provider_layers.operators.jobs.LayersJobLifecycleOperator`
    :raises LayersParameterError: a parameter is wrong; nothing was sent
    :raises LayersContentError: there is nothing to decide on
    :raises LayersReviewRejectedError: it was rejected, with ``fail_on_reject``
    """

    template_fields: Sequence[str] = (
        *LayersJobLifecycleOperator.template_fields,
        *HITLOperator.template_fields,
        "container_id",
    )
    ui_color = "#ffe9c7"
    makes_content = False
    inherits_from_skipmixin: Any = True  # Airflow reads it here, and declares it as a property

    def __init__(
        self,
        *,
        container_id: str | list[str],
        subject: str | None = None,
        body: str | None = None,
        assigned_users: Any = None,
        ask_when: AskWhen = "undecided",
        response_timeout: timedelta | None = None,
        on_timeout: Literal["fail", "approve", "reject"] = "fail",
        notifiers: Any = None,
        max_regenerations: int = 3,
        fail_on_reject: bool = False,
        ignore_downstream_trigger_rules: bool = False,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        _raise_unless_valid(ask_when, on_timeout, response_timeout)
        super().__init__(
            subject=subject or "",
            body=body,
            options=[APPROVE, REJECT, REGENERATE],
            defaults=TIMEOUT_OPTIONS[on_timeout],
            notifiers=notifiers,
            assigned_users=assignees(assigned_users),
            response_timeout=response_timeout,
            deferrable=deferrable,
            **kwargs,
        )
        self.container_id = container_id
        self.ask_when = ask_when
        self.on_timeout = on_timeout
        self.max_regenerations = max_regenerations
        self.fail_on_reject = fail_on_reject
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Refuse wrong parameters when the DAG is parsed: a mapped task is constructed only when it runs."""
        mapped = super().partial(**kwargs)
        scopes = (mapped.kwargs["dag"], mapped.kwargs["task_group"])
        given = {name: value for scope in scopes if scope for name, value in scope.default_args.items()}
        given |= {**(kwargs.get("default_args") or {}), **kwargs}
        _raise_unless_valid(
            given.get("ask_when", "undecided"), given.get("on_timeout", "fail"), given.get("response_timeout")
        )
        return mapped

    def execute(self, context: Context) -> Any:
        """Ask, or carry out the answer to an earlier try."""
        self._task_run = TaskRun(context)
        state = ReviewStateStore(context).load()
        if state.answer is None:
            return self._ask(context, state)
        self.log.info("Carrying out %s, the answer to an earlier try.", state.answer.option)
        if state.regenerating:
            return self._regenerate(context, state, state.answer)
        return self._carry_out(context, state, state.answer)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """
        Resume with an answer, or after the wait for a new version.

        :param event: of Airflow, or of the trigger
        """
        self._task_run = TaskRun(context)
        states = ReviewStateStore(context)
        state = states.load()
        if state.regenerating:
            return self._ask_after(context, state, lambda: self.resume(context, event))
        if not is_answer_event(event):
            self.log.warning("Ignoring an event of another task; asking again: %s", event)
            return self._ask(context, state, state.notice)
        answer = self._read_answer(event, state)
        if not answer.is_for(state.version):
            named = answer.version or 1
            notice = f"The last answer was for version {named}, and this is version {state.version}."
            return self._ask(context, state, notice)
        state = replace(state, answer=answer)
        states.save(state)
        return self._carry_out(context, state, answer)

    # Asking

    def _ask(self, context: Context, state: ReviewState, notice: str | None = None) -> Any:
        container_ids = as_ids(self.container_id)
        self.publish_ui_data(context, container_ids=container_ids)
        self.publish_content_link(context, container_ids)
        needs_answer = self._needs_answer(state)
        previews = read_reviewable(self.layers_hook.get_conn(), container_ids, needs_answer)
        undecided = {name: preview for name, preview in previews.items() if needs_answer(name, preview)}
        if not undecided:
            self.log.info("No content needs an answer.")
            statuses = {name: preview.approval_status for name, preview in previews.items()}
            return self._conclude(context, None, statuses)
        shown = {name: preview.fingerprint for name, preview in undecided.items()}
        version = state.version if shown == state.shown else state.version + 1
        asked = ReviewState(version, shown, notice, state.regeneration_count, state.approved)
        ReviewStateStore(context).save(asked)
        self._render_question(context, version, list(undecided.values()))
        self.log.info("Asking about version %s of %s. %s", version, ", ".join(undecided), notice or "")
        return super().execute(context)

    def _needs_answer(self, state: ReviewState) -> UndecidedTest:
        return partial(is_undecided, ask_when=self.ask_when, approved=state.approved)

    def _render_question(self, context: Context, version: int, undecided: list[ContentPreview]) -> None:
        can_regenerate = self.max_regenerations > 0 and len(undecided) == 1
        self.subject = self.subject or render_subject(undecided)
        self.body = render_body(
            undecided,
            version=version,
            live_url=lambda part: review_url(context, part, version=version),
            costs=self._costs(),
            intro=self.body,
        )
        self.options = [option for option in self.options if can_regenerate or option != REGENERATE]
        self.params = type(self.params)(form_fields(version=version, can_regenerate=can_regenerate))

    def _costs(self) -> dict[str, int]:
        # The estimate is one line of the question, so it is requested once and may be missing.
        try:
            return costs_per_format(self.layers_hook.get_conn().send(get_credits()))
        except LayersError as error:
            self.log.info("Cost estimate unavailable. %s", error)
            return {}

    # Carrying out an answer

    def _read_answer(self, event: dict[str, Any], state: ReviewState) -> ReviewAnswer:
        if event.get("error_type") == "timeout":
            raise AirflowFailException(
                f"The review was not answered within {self.response_timeout}. Nothing was decided. Clear the "
                "task to ask again, or set on_timeout."
            )
        if "error" in event:
            self.process_trigger_event_error(event)
        answer = read_answer(event, state.shown)
        self.validate_chosen_options([answer.option])
        self.log.info("%s by %s at %s. %s", answer.option, answer.reviewer, answer.at, answer.text or "")
        self.hitl_summary_extra.update(answer.as_json())
        return answer

    def _carry_out(self, context: Context, state: ReviewState, answer: ReviewAnswer) -> Any:
        client, container_ids = self.layers_hook.get_conn(), as_ids(self.container_id)
        needs_answer = self._needs_answer(state)
        if answer.option == REGENERATE:
            result = compare_with_shown(client, container_ids, answer, needs_answer)
        else:
            key = partial(decision_key, idempotency_scope(context), answer)
            result = decide(client, container_ids, answer, needs_answer, idempotency_key=key)
        approved = {**state.approved, **approved_in_layers(result, answer)}
        if approved != state.approved:
            state = replace(state, approved=approved)
            ReviewStateStore(context).save(state)
        if result.errors:
            self._push_decision(context, answer, result.statuses)
            raise_failed(result)
        if result.changed:
            notice = f"{answer.reviewer} answered {answer.option} to content that has changed since."
            return self._ask(context, state, notice)
        if answer.option != REGENERATE or not result.undecided:
            return self._conclude(context, answer, result.statuses)
        if len(result.undecided) > 1:
            return self._ask(context, state, "Regenerate works for one container at a time.")
        if state.regeneration_count >= self.max_regenerations:
            return self._ask(
                context, state, f"No more than {self.max_regenerations} regenerations are allowed."
            )
        state = replace(state, regenerating=True, regeneration_count=state.regeneration_count + 1)
        ReviewStateStore(context).save(state)
        return self._regenerate(context, state, answer)

    def _regenerate(self, context: Context, state: ReviewState, answer: ReviewAnswer) -> Any:
        changes = dict(answer.brief) or "no changes"
        self.log.info("%s asked for a new version: %s.", answer.reviewer, changes)

        def make_version() -> list[str]:
            submission = self.submit(context, partial(regenerate_request, answer, state))
            # An earlier try may have started the job, so the deadline counts from its start.
            return self.wait_for(context, submission, is_retry=True)

        return self._ask_after(context, state, make_version)

    def _ask_after(self, context: Context, state: ReviewState, make_version: Callable[[], Any]) -> Any:
        try:
            make_version()
        except LayersError as error:
            if type(error) not in NO_NEW_VERSION:
                raise
            return self._ask(context, state, f"There is no new version; this is the previous one. {error}")
        return self._ask(context, state)

    def on_kill(self) -> None:
        """Cancel the job of a new version if a user ended the task. A question needs no cleanup."""
        if self._idempotency_key or self._job_id:
            super().on_kill()

    # Concluding

    def _conclude(
        self, context: Context, answer: ReviewAnswer | None, statuses: Mapping[str, str | None]
    ) -> Any:
        for conflict in conflicts(statuses, answer):
            self.log.warning(conflict)
        approved = approved_containers(statuses, answer)
        self._push_decision(context, answer, statuses)
        self.log.info("Approved: %s.", ", ".join(approved) or "nothing")
        rejected = [container_id for container_id in statuses if container_id not in approved]
        if rejected and self.fail_on_reject:
            by = "in Layers."
            if answer and answer.option == REJECT:
                by = f"by {answer.reviewer}: {answer.reason}"
            raise LayersReviewRejectedError(f"Content {', '.join(rejected)} was rejected {by}")
        if approved or not rejected:
            return approved[0] if isinstance(self.container_id, str) else approved
        if not _is_mapped_alone(context):
            self._skip_downstream(context)
        return None

    def _push_decision(
        self, context: Context, answer: ReviewAnswer | None, statuses: Mapping[str, str | None]
    ) -> None:
        context["ti"].xcom_push(key=DECISION_KEY, value=decision_as_json(statuses, answer))

    def _skip_downstream(self, context: Context) -> None:
        task: Any = context["task"]
        if self.ignore_downstream_trigger_rules:
            downstream = task.get_flat_relatives(upstream=False)
        else:
            downstream = task.get_direct_relatives(upstream=False)
        self.skip(ti=context["ti"], tasks=[follower for follower in downstream if not follower.is_teardown])


def _raise_unless_valid(ask_when: Any, on_timeout: Any, response_timeout: Any) -> None:
    for name, value, options in (
        ("ask_when", ask_when, ASK_WHEN_OPTIONS),
        ("on_timeout", on_timeout, tuple(TIMEOUT_OPTIONS)),
    ):
        if value not in options:
            raise ValueError(f"{name} = {value!r}: should be one of {', '.join(options)}.")
    if TIMEOUT_OPTIONS[on_timeout] and response_timeout is None:
        raise ValueError(
            f"on_timeout = {on_timeout!r} decides when response_timeout has passed, and there is none. Set "
            "response_timeout=timedelta(...), or leave out on_timeout to wait for a person."
        )


def _is_mapped_alone(context: Context) -> bool:
    """
    Say whether the task is mapped, but not as part of a mapped task group.

    Downstream tasks then have other map indexes, so those of this review cannot be named. In a mapped
    group, all tasks of an instance have the same index.
    """
    task: Any = context["task"]
    return context["ti"].map_index not in (None, -1) and next(task.iter_mapped_task_groups(), None) is None
