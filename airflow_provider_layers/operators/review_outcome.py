"""What follows a review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import SkipMixin

from airflow_provider_layers.exceptions import LayersReviewRejectedError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_layers.api.review import Answer

DECISION = "decision"
"""XCom key: who decided what, when and why."""


class LayersReviewOutcome(SkipMixin):
    """Tell what was decided, and go on with what was approved."""

    inherits_from_skipmixin: Any = True  # read by Airflow, which declares it as a property
    container_id: str | list[str]
    fail_on_reject: bool
    ignore_downstream_trigger_rules: bool

    def conclude(self, context: Context, answer: Answer | None, statuses: dict[str, str | None]) -> Any:
        """
        End the task.

        :param context: of the task
        :param answer: what was answered; ``None`` where nobody had to be asked
        :param statuses: the approval status of each container in Layers
        :return: the container that was approved, or for a list those that were
        """
        from airflow_provider_layers.api.decision import approved_of, decision_of, surprises
        from airflow_provider_layers.api.review import REJECT

        for surprise in surprises(statuses, answer):
            self.log.warning(surprise)
        approved = approved_of(statuses, answer)
        context["ti"].xcom_push(key=DECISION, value=decision_of(statuses, answer))
        self.log.info("Approved: %s.", ", ".join(approved) or "nothing")
        rejected = [one for one in statuses if one not in approved]
        if rejected and self.fail_on_reject:
            here = answer if answer and answer.option == REJECT else None
            by = f"by {here.who}: {here.reason}" if here else "in Layers."
            raise LayersReviewRejectedError(f"Content {', '.join(rejected)} was rejected {by}")
        if approved or not rejected:
            return approved[0] if isinstance(self.container_id, str) else approved
        if not _alone(context):
            self._skip_what_follows(context)
        return None

    def _skip_what_follows(self, context: Context) -> None:
        task: Any = context["task"]
        follow = (
            task.get_flat_relatives if self.ignore_downstream_trigger_rules else task.get_direct_relatives
        )
        self.skip(ti=context["ti"], tasks=[one for one in follow(upstream=False) if not one.is_teardown])


def _alone(context: Context) -> bool:
    """
    Say whether the task is one of several reviews, from where the tasks that follow it cannot be named.

    Tasks that are mapped over reviews have indexes of their own; in a mapped group all have the same.
    """
    task: Any = context["task"]
    return context["ti"].map_index not in (None, -1) and next(task.iter_mapped_task_groups(), None) is None
