"""The operator that asks a person. What happens to the answer is in tests/contract/review."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import timedelta
from uuid import uuid4

import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowOptionalProviderFeatureException,
    BaseNotifier,
    BaseOperator,
    TaskGroup,
)

from airflow_provider_layers import exceptions
from airflow_provider_layers.exceptions import LayersParameterError, LayersReviewRejectedError
from airflow_provider_layers.hooks.connection import ConnectionSettings
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.idempotency import IdempotencyScope
from airflow_provider_layers.operators import content, review
from airflow_provider_layers.operators.content import LayersReviewContentOperator
from airflow_provider_layers.review.decision import decision_key, regenerate_request
from airflow_provider_layers.review.question import ReviewAnswer
from airflow_provider_layers.review.state import ReviewState
from tests.unit.review.hostile_text import PARSER, inline_tokens
from tests.unit.scripted import CONFIG, LOST, FakeClock, Reply, ScriptedApi, error, ok
from tests.unit.tasks import context

CREDITS = ok({"estimatedCreditsPerFormat": {"slideshow_remix": 50}})
SETTINGS = ConnectionSettings(CONFIG, content_routes="shared", poll_budget_rpm=None)


def container(approval="pending", name="cnt_1"):
    fields = {"format": "slideshow-remix", "hook": "Run.", "caption": "One run a day."}
    return ok({"id": name, "status": "completed", "approvalStatus": approval, **fields})


def task(**arguments):
    return LayersReviewContentOperator(**{"task_id": "task", "container_id": "cnt_1", **arguments})


class Run:
    """One try of a review against a scripted API."""

    def __init__(self, operator, *replies, **of_ti):
        self.operator, self.api = operator, ScriptedApi(*replies)
        operator.layers_hook = LayersHook(settings=SETTINGS, clock=FakeClock(), transport=self.api)
        made = context(operator, **of_ti)
        made["ti"].id = uuid4()
        self.xcoms = made["ti"].xcom
        self.context = {**made, "task": operator, "task_instance": made["ti"]}

    def execute(self):
        return self.operator.execute(self.context)

    def resume(self, event):
        return self.operator.execute_complete(self.context, event)

    def ask(self):
        """Execute until the question is asked, and return how the task waits for its answer."""
        from airflow.sdk.exceptions import TaskAwaitingInput

        with pytest.raises(TaskAwaitingInput) as caught:
            self.execute()
        assert not self.api.replies
        return caught.value


@pytest.fixture
def questions(monkeypatch):
    """The questions that Airflow's API server was sent."""
    from airflow.providers.standard.operators import hitl

    sent = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **question: sent.append(question))
    return sent


# The question


@pytest.mark.airflow3
def test_a_question_has_everything_that_airflow_shows(questions):
    operator = task(assigned_users=["ada"], response_timeout=timedelta(days=2), on_timeout="reject")
    run = Run(operator, container(), CREDITS)
    waiting = run.ask()
    (question,) = questions
    assert question["subject"] == "Review: Run."
    assert question["options"] == ["Approve", "Reject", "Regenerate"]
    assert (question["defaults"], question["multiple"]) == (["Reject"], False)
    assert question["assigned_users"] == [{"id": "ada", "name": "ada"}]
    assert "One run a day\\." in question["body"]
    assert "about 50 for each new version" in question["body"]
    assert question["params"]["version"]["value"] == 1
    assert (waiting.method_name, waiting.timeout) == ("execute_complete", timedelta(days=2))
    assert run.api.paths == ["GET /v1/content/cnt_1", "GET /v1/credits"]
    assert run.xcoms["layers"]["container_ids"] == ["cnt_1"]
    assert json.dumps(question["params"])


@pytest.mark.airflow3
def test_a_question_may_have_a_subject_and_an_introduction_of_its_author(questions):
    Run(task(subject="Please look", body="**Mind** the guide."), container(), CREDITS).ask()
    (question,) = questions
    assert question["subject"] == "Please look"
    assert question["body"].startswith("**Mind** the guide.\n\n![")


@pytest.mark.airflow3
@pytest.mark.parametrize(("limit", "container_ids"), [(0, "cnt_1"), (3, ["cnt_1", "cnt_2"])])
def test_regenerate_is_not_offered_where_it_cannot_be_carried_out(questions, limit, container_ids):
    operator = task(container_id=container_ids, max_regenerations=limit)
    contents = [container()] * (1 if limit == 0 else 2)
    Run(operator, *contents, CREDITS).ask()
    (question,) = questions
    assert question["options"] == ["Approve", "Reject"]
    assert list(question["params"]) == ["reason", "version"]


@pytest.mark.airflow3
@pytest.mark.parametrize(
    "reply",
    [
        error(403, "FORBIDDEN_SCOPE"),
        Reply({}, 503),
        Reply(b"<html>"),
        Reply([]),
        LOST,
        ok({"estimatedCreditsPerFormat": [50]}),
        ok({"estimatedCreditsPerFormat": {"slideshow_remix": "fifty"}}),
        ok({}),
    ],
)
def test_a_missing_cost_estimate_is_no_failure_and_is_not_requested_again(questions, reply):
    Run(task(), container(), reply).ask()
    (question,) = questions
    assert "Credits" not in question["body"]


@pytest.mark.airflow3
def test_notifiers_are_called_with_the_question(questions):
    subjects = []

    class Notifier(BaseNotifier):
        def notify(self, context):
            subjects.append(context["task"].subject)

    Run(task(notifiers=Notifier()), container(), CREDITS).ask()
    assert subjects == ["Review: Run."]


@pytest.mark.airflow3
def test_live_urls_name_the_task_instance_and_no_host(questions, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.test/team/")
    of_ti = {"map_index": 3, "run_id": "manual__2026-04-18T00:00:00+00:00"}
    Run(task(), container(), CREDITS, **of_ti).ask()
    (question,) = questions
    tokens = inline_tokens(PARSER.parse(question["body"]))
    card = next(token for token in tokens if token.type == "image")
    place = "dag_id=dag&run_id=manual__2026-04-18T00%3A00%3A00%2B00%3A00&task_id=task&map_index=3&version=1"
    assert card.attrs["src"] == f"/team/layers/review/card?{place}"
    assert "airflow.test" not in question["body"]


@pytest.mark.airflow3
@pytest.mark.parametrize("container_id", [None, "", 7, ["cnt_1", ""], {"id": "cnt_1"}])
def test_a_wrong_parameter_fails_for_good_before_anything_is_sent(questions, container_id):
    run = Run(task(container_id=container_id))
    with pytest.raises(LayersParameterError, match="container_id") as caught:
        run.execute()
    assert isinstance(caught.value, AirflowFailException)
    assert (run.api.requests, questions) == ([], [])


@pytest.mark.airflow3
def test_ending_a_question_cancels_nothing(questions, capfd):
    run = Run(task(), container(), CREDITS, state="failed")
    run.ask()
    run.operator.on_kill()
    assert len(run.api.requests) == 2
    assert "may be running" not in "".join(capfd.readouterr())


@pytest.mark.airflow3
def test_a_form_that_airflows_trigger_refused_is_asked_for_again_by_a_retry():
    """Below Airflow 3.3 a trigger waits for the answer, validates the form, and passes on what is wrong."""
    refused = {"error": "'2' is not of type 'integer'", "error_type": "validation"}
    with pytest.raises(Exception, match="is not of type") as caught:
        Run(task()).resume(refused)
    assert not isinstance(caught.value, AirflowFailException)


# Parameters


@pytest.mark.airflow3
def test_on_timeout_is_one_of_three():
    in_time = timedelta(days=2)
    names = ("fail", "approve", "reject")
    defaults = {name: task(on_timeout=name, response_timeout=in_time).defaults for name in names}
    assert defaults == {"fail": None, "approve": ["Approve"], "reject": ["Reject"]}
    assert task().defaults is None
    for other in ("Approve", "regenerate", "", None):
        with pytest.raises(ValueError, match=r"on_timeout = .*: should be one of fail, approve, reject\."):
            task(on_timeout=other)


@pytest.mark.airflow3
def test_ask_when_is_one_of_two():
    assert (task().ask_when, task(ask_when="pending").ask_when) == ("undecided", "pending")
    for other in ("always", "", None):
        with pytest.raises(ValueError, match=r"ask_when = .*: should be one of undecided, pending\."):
            task(ask_when=other)


def mapped(**arguments):
    return LayersReviewContentOperator.partial(task_id="task", **arguments).expand(container_id=["cnt_1"])


@pytest.mark.airflow3
@pytest.mark.filterwarnings("ignore:.*was never mapped")
@pytest.mark.parametrize("on_timeout", ["approve", "reject"])
def test_on_timeout_without_a_timeout_is_refused_when_the_dag_is_parsed(on_timeout):
    text = f"on_timeout = '{on_timeout}' decides when response_timeout has passed.* Set response_timeout="
    for create in (task, mapped):
        with pytest.raises(ValueError, match=text):
            create(on_timeout=on_timeout)
        create(on_timeout=on_timeout, response_timeout=timedelta(days=2))
        create(on_timeout=on_timeout, default_args={"response_timeout": timedelta(days=2)})
        with DAG("dag", schedule=None, default_args={"response_timeout": timedelta(days=2)}):
            create(on_timeout=on_timeout)
        with DAG("dag", schedule=None), TaskGroup("g", default_args={"response_timeout": timedelta(days=2)}):
            create(on_timeout=on_timeout)


@pytest.mark.airflow3
@pytest.mark.filterwarnings("ignore:.*was never mapped")
def test_a_mapped_review_with_wrong_parameters_is_refused_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="ask_when = 'never'"):
        mapped(ask_when="never")
    with pytest.raises(ValueError, match="on_timeout = 'skip'"):
        mapped(on_timeout="skip")


@pytest.mark.airflow3
def test_a_new_version_is_awaited_deferred_by_default():
    assert (task().deferrable, task(deferrable=False).deferrable) == (True, False)


@pytest.mark.airflow3
def test_the_template_fields():
    fields = LayersReviewContentOperator.template_fields
    assert sorted(fields) == ["body", "container_id", "layers_conn_id", "subject"]


@pytest.mark.airflow3
@pytest.mark.parametrize("mapped", [True, False])
def test_the_params_of_the_dag_are_not_in_the_form(mapped):
    with DAG("dag", schedule=None, params={"project_id": "prj_1"}):
        if mapped:
            operator = LayersReviewContentOperator.partial(task_id="task").expand(container_id=["cnt_1"])
            operator = operator.unmap({"container_id": "cnt_1"})
        else:
            operator = task()
    assert dict(operator.params) == {}


# What follows a review


def in_dag(*, followers=True, **arguments):
    """
    Create a review with two followers, one of which is a teardown, and one further downstream.

    It takes a decision by anyone, so that the content alone says how it ends.
    """
    with DAG("dag", schedule=None):
        operator = task(task_id="review", ask_when="pending", **arguments)
        if followers:
            near, down, far = (BaseOperator(task_id=name) for name in ("near", "down", "far"))
            operator >> [near, down.as_teardown()]
            near >> far
    return operator


def conclude(operator, *approvals, **of_ti):
    """Run a review of content that was decided in Layers; return its value, skipped tasks, and XComs."""
    from airflow.sdk.exceptions import DownstreamTasksSkipped

    run = Run(operator, *map(container, approvals), **of_ti)
    try:
        value, skipped = run.execute(), None
    except DownstreamTasksSkipped as skip:
        value, skipped = None, list(skip.tasks)
    return value, skipped, json.loads(json.dumps(run.xcoms))


@pytest.mark.airflow3
@pytest.mark.parametrize(
    ("container_id", "approvals", "value"),
    [
        ("a", ["approved"], "a"),
        ("a", ["not_required"], "a"),
        (["a"], ["approved"], ["a"]),
        (["a", "b"], ["approved", "not_required"], ["a", "b"]),
        (["a", "b"], ["approved", "rejected"], ["a"]),
        ([], [], []),
    ],
)
def test_approved_content_continues(container_id, approvals, value, capfd):
    result, skipped, xcoms = conclude(in_dag(container_id=container_id), *approvals)
    assert (result, skipped) == (value, None)
    approved = [value] if isinstance(value, str) else value
    assert xcoms["decision"]["approved"] == approved
    assert f"Approved: {', '.join(approved) or 'nothing'}." in "".join(capfd.readouterr())


@pytest.mark.airflow3
def test_a_rejection_skips_direct_followers_but_no_teardown():
    value, skipped, xcoms = conclude(in_dag(), "rejected")
    assert (value, skipped) == (None, ["near"])
    # Airflow reads this key when a skipped task is cleared.
    assert xcoms["skipmixin_key"] == {"skipped": ["near"]}
    assert xcoms["decision"]["approval_status"] == {"cnt_1": "rejected"}


@pytest.mark.airflow3
def test_a_rejection_skips_all_downstream_tasks_if_requested():
    _, skipped, _ = conclude(in_dag(ignore_downstream_trigger_rules=True), "rejected")
    assert sorted(skipped) == ["far", "near"]


@pytest.mark.airflow3
def test_a_rejection_without_followers_succeeds():
    assert conclude(in_dag(followers=False), "rejected")[:2] == (None, None)


@pytest.mark.airflow3
@pytest.mark.parametrize(
    ("approvals", "text"),
    [
        (["rejected"], "Content a was rejected in Layers."),
        (["rejected", "rejected"], "Content a, b was rejected in Layers."),
        (["approved", "rejected"], "Content b was rejected in Layers."),
    ],
)
def test_a_rejection_fails_the_task_with_fail_on_reject(approvals, text):
    operator = in_dag(fail_on_reject=True, container_id=["a", "b"][: len(approvals)])
    run = Run(operator, *map(container, approvals))
    with pytest.raises(LayersReviewRejectedError, match=text):
        run.execute()
    assert "decision" in run.xcoms, "the decision is recorded, too"


@pytest.mark.airflow3
@pytest.mark.parametrize("approvals", [["approved"], ["approved", "not_required"], []])
def test_approved_content_continues_with_fail_on_reject(approvals):
    container_ids = ["a", "b"][: len(approvals)]
    operator = in_dag(fail_on_reject=True, container_id=container_ids)
    assert conclude(operator, *approvals)[0] == container_ids


@pytest.mark.airflow3
def test_an_approval_is_not_named_as_the_cause_of_a_rejection_in_layers(questions):
    run = Run(task(fail_on_reject=True), container(), CREDITS)
    run.ask()
    run.api.replies = [container("rejected")]
    event = {
        "chosen_options": ["Approve"],
        "params_input": {},
        "responded_by_user": {"id": "7", "name": "Ada"},
    }
    with pytest.raises(LayersReviewRejectedError) as caught:
        run.resume(event)
    assert "by Ada" not in str(caught.value)


@pytest.mark.airflow3
@pytest.mark.parametrize("map_index", [0, 3])
def test_a_mapped_review_skips_nothing(map_index):
    """Its followers are mapped over what the reviews return, and have other map indexes."""
    value, skipped, xcoms = conclude(in_dag(), "rejected", map_index=map_index)
    assert (value, skipped) == (None, None)
    assert "skipmixin_key" not in xcoms


@pytest.mark.airflow3
def test_a_review_in_a_mapped_group_skips_followers_of_its_instance():
    from airflow.sdk import task_group

    @task_group
    def each(name):
        task(task_id="review") >> BaseOperator(task_id="near")

    with DAG("dag", schedule=None) as dag:
        each.expand(name=["a", "b"])
    operator = dag.get_task("each.review")
    value, skipped, xcoms = conclude(operator, "rejected", map_index=1, task_id="each.review")
    assert (value, skipped) == (None, None)
    assert xcoms["skipmixin_key"] == {"skipped": ["each.near"]}, "Airflow skips it when it gets to it"


@pytest.mark.airflow3
def test_a_group_that_is_not_mapped_makes_no_difference():
    with DAG("dag", schedule=None) as dag, TaskGroup("group"):
        task(task_id="review") >> BaseOperator(task_id="near")
    _, skipped, _ = conclude(dag.get_task("group.review"), "rejected")
    assert skipped == ["group.near"]


# Idempotency keys, and errors after which there is no new version

SCOPE = IdempotencyScope(dag_id="dag", run_id="run", task_id="task", map_index=-1, clear_count=0)


def test_a_decision_has_another_key_for_another_option_container_or_version():
    answers = [
        ReviewAnswer(option, dict.fromkeys("ab", fingerprint))
        for option in ("Approve", "Reject")
        for fingerprint in ("f1", "f2")
    ]
    keys = [decision_key(SCOPE, answer, name) for answer in answers for name in "ab"]
    assert len(set(keys)) == 8
    assert decision_key(SCOPE, answers[0], "a") == keys[0]


def test_a_regeneration_has_another_key_for_everything_that_may_be_asked_again():
    def key(name="cnt_1", fingerprint="f1", version=1, count=1, sequence=0):
        answer = ReviewAnswer("Regenerate", {name: fingerprint})
        state = ReviewState(version=version, regeneration_count=count)
        return regenerate_request(answer, state, SCOPE, sequence).idempotency_key

    others = [key(name="cnt_2"), key(fingerprint="f2"), key(version=2), key(count=2), key(sequence=1)]
    assert len({key(), *others}) == 6
    assert key() == key()


def test_the_reviewer_decides_on_the_previous_version_only_if_there_is_certainly_no_new_one():
    kinds = {kind for kind in vars(exceptions).values() if isinstance(kind, type)}
    assert kinds > review.NO_NEW_VERSION
    assert {kind.__name__ for kind in review.NO_NEW_VERSION} == {
        "LayersBillingError",
        "LayersRequestError",
        "LayersModerationError",
        "LayersParameterError",
        "LayersJobFailedError",
        "LayersJobCanceledError",
    }


# Airflow below 3.1


@pytest.fixture
def below_3_1(monkeypatch):
    """The module as it is imported where Airflow has no human in the loop; on any release."""
    hitl = "airflow.providers.standard.operators.hitl"

    class NoHumanInTheLoop:
        def find_spec(self, name, path=None, target=None):
            if name == hitl:
                raise AirflowOptionalProviderFeatureException("needs Airflow 3.1+.")

    monkeypatch.delitem(sys.modules, hitl, raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoHumanInTheLoop(), *sys.meta_path])
    spec = importlib.util.spec_from_file_location("review_below_3_1", review.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LayersReviewContentOperator


@pytest.mark.parametrize("arguments", [{}, {"task_id": "r", "container_id": "c", "max_regenerations": 1}])
@pytest.mark.parametrize("method", ["__call__", "partial"])
def test_below_airflow_3_1_a_review_says_what_to_use_instead(below_3_1, arguments, method):
    create = below_3_1 if method == "__call__" else below_3_1.partial
    with pytest.raises(AirflowOptionalProviderFeatureException, match=r"Airflow 3\.1 or later") as caught:
        create(**arguments)
    for alternative in ("ContentApprovalSensor", "ApproveContentOperator", "RejectContentOperator"):
        assert f"Layers{alternative}" in str(caught.value)


def test_the_review_is_imported_from_the_content_operators():
    assert content.LayersReviewContentOperator is review.LayersReviewContentOperator
    with pytest.raises(AttributeError, match="LayersNothingOperator"):
        content.LayersNothingOperator  # noqa: B018 - the import is what is tested
