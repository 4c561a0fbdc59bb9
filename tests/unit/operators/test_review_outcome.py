"""What follows a review."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, TaskGroup

from airflow_provider_layers.api.review import Answer
from airflow_provider_layers.exceptions import LayersReviewRejectedError
from airflow_provider_layers.operators.review_outcome import DECISION, LayersReviewOutcome
from tests.unit.tasks import context

pytestmark = pytest.mark.airflow3

APPROVED = Answer("Approve", {"a": "f1", "b": "f2"}, user="Ada", at="2026-04-18", text="Nice.")
REJECTED = Answer("Reject", {"a": "f1", "b": "f2"}, user="Ada", at="2026-04-18", text="Off brand.")


class Concluding(BaseOperator, LayersReviewOutcome):
    """A task that is at the end of its review."""

    def __init__(self, *, container_id="a", fail_on_reject=False, far=False, **kwargs):
        super().__init__(**kwargs)
        self.container_id = container_id
        self.fail_on_reject = fail_on_reject
        self.ignore_downstream_trigger_rules = far


def task_in(dag, *, follow=True, **given):
    """Make a task with two that follow it, one of which tears down, and one that follows further on."""
    with dag:
        task = Concluding(task_id="review", **given)
        if follow:
            near, down, far = (BaseOperator(task_id=name) for name in ("near", "down", "far"))
            task >> [near, down.as_teardown()]
            near >> far
    return task


@pytest.fixture
def dag():
    return DAG("dag", schedule=None)


def conclude(task, answer, statuses, **of_ti):
    """Give what the task returns, the tasks that it skips, and what it tells."""
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    of_task = {**context(task, **of_ti), "task": task}
    try:
        value, skipped = task.conclude(of_task, answer, statuses), None
    except DownstreamTasksSkipped as skip:
        value, skipped = None, list(skip.tasks)
    return value, skipped, json.loads(json.dumps(of_task["ti"].xcom))


@pytest.mark.parametrize(
    ("container_id", "answer", "statuses", "value"),
    [
        ("a", APPROVED, {"a": "approved"}, "a"),
        ("a", None, {"a": "not_required"}, "a"),
        (["a"], None, {"a": "approved"}, ["a"]),
        (["a", "b"], APPROVED, {"a": "approved", "b": "approved"}, ["a", "b"]),
        (["a", "b"], APPROVED, {"a": "approved", "b": "rejected"}, ["a"]),
        ([], None, {}, []),
    ],
)
def test_what_was_approved_goes_on(dag, container_id, answer, statuses, value, capfd):
    found, skipped, told = conclude(task_in(dag, container_id=container_id), answer, statuses)
    assert (found, skipped) == (value, None)
    assert f"Approved: {', '.join(told[DECISION]['approved']) or 'nothing'}." in "".join(capfd.readouterr())
    assert told[DECISION]["approved"] == [one for one, status in statuses.items() if status != "rejected"]
    assert told[DECISION]["decided_by"] == (answer.user if answer else None)


@pytest.mark.parametrize("answer", [REJECTED, APPROVED, None])
def test_a_rejection_skips_what_follows_directly_but_no_teardown(dag, answer):
    value, skipped, told = conclude(task_in(dag), answer, {"a": "rejected"})
    assert (value, skipped) == (None, ["near"])
    assert told["skipmixin_key"] == {"skipped": ["near"]}, "which Airflow reads when what follows is cleared"
    assert told[DECISION]["approval_status"] == {"a": "rejected"}


def test_a_rejection_in_airflow_holds_where_layers_says_otherwise(dag):
    value, skipped, told = conclude(task_in(dag), REJECTED, {"a": "approved"})
    assert (value, skipped) == (None, ["near"])
    assert told[DECISION] == {
        "option": "Reject",
        "approved": [],
        "approval_status": {"a": "approved"},
        "decided_by": "Ada",
        "decided_at": "2026-04-18",
        "reason": "Off brand.",
    }


def test_a_rejection_skips_all_that_follows_where_that_was_asked_for(dag):
    _, skipped, _ = conclude(task_in(dag, far=True), REJECTED, {"a": "rejected"})
    assert sorted(skipped) == ["far", "near"]


def test_a_rejection_that_nothing_follows_is_a_success(dag):
    value, skipped, _ = conclude(task_in(dag, follow=False), REJECTED, {"a": "rejected"})
    assert (value, skipped) == (None, None)


@pytest.mark.parametrize(
    ("answer", "statuses", "text"),
    [
        (REJECTED, {"a": "rejected"}, "Content a was rejected by Ada: Off brand."),
        (None, {"a": "rejected"}, "Content a was rejected in Layers."),
        (REJECTED, {"a": "rejected", "b": "rejected"}, "Content a, b was rejected by Ada"),
        (None, {"a": "approved", "b": "rejected"}, "Content b was rejected in Layers."),
    ],
)
def test_a_rejection_fails_where_that_was_asked_for(dag, answer, statuses, text):
    task = task_in(dag, fail_on_reject=True, container_id=list(statuses))
    of_task = {**context(task), "task": task}
    with pytest.raises(LayersReviewRejectedError, match=text):
        task.conclude(of_task, answer, statuses)
    assert DECISION in of_task["ti"].xcom, "who decided what is told, too"


@pytest.mark.parametrize("statuses", [{"a": "approved"}, {"a": "approved", "b": "not_required"}, {}])
def test_what_was_approved_goes_on_where_a_rejection_would_fail(dag, statuses):
    task = task_in(dag, fail_on_reject=True, container_id=list(statuses))
    assert conclude(task, APPROVED, statuses)[0] == list(statuses)


@pytest.mark.parametrize("statuses", [{"a": "rejected"}, {"a": "approved", "b": "rejected"}])
def test_nobody_who_approved_is_blamed_for_a_rejection_in_layers(dag, statuses):
    task = task_in(dag, fail_on_reject=True, container_id=list(statuses))
    with pytest.raises(LayersReviewRejectedError) as caught:
        task.conclude({**context(task), "task": task}, APPROVED, statuses)
    assert "rejected by Ada" not in str(caught.value)


@pytest.mark.parametrize("map_index", [0, 3])
def test_one_of_several_reviews_skips_nothing(dag, map_index):
    """What follows is mapped over what the reviews return, and has indexes of its own."""
    value, skipped, told = conclude(task_in(dag), REJECTED, {"a": "rejected"}, map_index=map_index)
    assert (value, skipped) == (None, None)
    assert "skipmixin_key" not in told


def test_a_review_in_a_mapped_group_skips_what_follows_in_its_part_of_the_group(dag):
    from airflow.sdk import task_group

    @task_group
    def each(container):
        Concluding(task_id="review") >> BaseOperator(task_id="near")

    with dag:
        each.expand(container=["a", "b"])
    task = dag.get_task("each.review")
    value, skipped, told = conclude(task, REJECTED, {"a": "rejected"}, map_index=1, task_id="each.review")
    assert (value, skipped) == (None, None)
    assert told["skipmixin_key"] == {"skipped": ["each.near"]}, "Airflow skips it where it comes to it"


def test_a_group_that_is_not_mapped_makes_no_difference(dag):
    with dag, TaskGroup("group"):
        Concluding(task_id="review") >> BaseOperator(task_id="near")
    _, skipped, _ = conclude(dag.get_task("group.review"), REJECTED, {"a": "rejected"})
    assert skipped == ["group.near"]


def test_where_layers_says_otherwise_the_log_tells(dag, capfd):
    conclude(task_in(dag), APPROVED, {"a": "rejected"})
    told = "".join(capfd.readouterr())
    assert "Content a: Ada answered Approve after it had been rejected in Layers. It stays rejected." in told
    assert "Approved: nothing." in told
