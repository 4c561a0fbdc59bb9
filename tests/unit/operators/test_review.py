"""The operator that asks a person, until somebody answers. tests/contract/test_review.py has the rest."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, BaseNotifier

from airflow_provider_layers.operators.content import LayersReviewContentOperator
from tests.unit.nasty import READ, inlines
from tests.unit.serving import Reply
from tests.unit.tasks import context

pytestmark = pytest.mark.airflow3

CONTENT = Reply(
    {
        "id": "cnt_1",
        "status": "completed",
        "approvalStatus": "pending",
        "format": "slideshow-remix",
        "hook": "Run.",
        "caption": "One run a day.",
    }
)
CREDITS = Reply({"estimatedCreditsPerFormat": {"slideshow_remix": 50}})


def task(**given):
    return LayersReviewContentOperator(**{"task_id": "task", "container_id": "cnt_1", **given})


@pytest.fixture
def asked(connect, server, monkeypatch):
    """Set what the API answers; the questions that Airflow is told are appended to the list."""
    from airflow.providers.standard.operators import hitl

    questions = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **given: questions.append(given))
    connect(host=server.url)
    server.replies = [CONTENT, CREDITS]
    return questions


def ask(operator, **of_ti):
    """Execute the first phase, which ends in a question."""
    from airflow.sdk.exceptions import TaskAwaitingInput

    of_task = context(operator, **of_ti)
    of_task["ti"].id = uuid4()
    with pytest.raises(TaskAwaitingInput) as caught:
        operator.execute({**of_task, "task": operator, "task_instance": of_task["ti"]})
    return of_task["ti"].xcom, caught.value


@pytest.mark.parametrize(
    ("on_timeout", "defaults"), [("fail", None), ("approve", ["Approve"]), ("reject", ["Reject"])]
)
def test_what_happens_without_an_answer_is_one_of_three(on_timeout, defaults):
    assert task(on_timeout=on_timeout).defaults == defaults
    assert task().defaults is None


@pytest.mark.parametrize("on_timeout", ["Approve", "regenerate", "", None])
def test_nothing_else_happens_without_an_answer(on_timeout):
    with pytest.raises(ValueError, match=r"on_timeout = .*: should be one of fail, approve, reject\."):
        task(on_timeout=on_timeout)


def test_a_new_take_is_awaited_in_the_triggerer_unless_told_otherwise():
    assert (task().wait_for_completion, task().deferrable) == (True, True)
    assert task(deferrable=False).deferrable is False


def test_what_may_be_templated():
    fields = LayersReviewContentOperator.template_fields
    assert set(fields) == {"layers_conn_id", "container_id", "subject", "body"}
    assert len(fields) == 4


@pytest.mark.parametrize("mapped", [True, False])
def test_the_params_of_the_dag_are_no_part_of_the_form(mapped):
    with DAG("dag", schedule=None, params={"project_id": "prj_1"}):
        if mapped:
            operator = LayersReviewContentOperator.partial(task_id="task").expand(container_id=["cnt_1"])
            operator = operator.unmap({"container_id": "cnt_1"})
        else:
            operator = task()
    assert dict(operator.params) == {}


def test_a_question_has_all_that_airflow_shows(asked, server):
    xcom, waiting = ask(task(assigned_users=["ada"], response_timeout=timedelta(days=2), on_timeout="reject"))
    (question,) = asked
    assert question["subject"] == "Review: Run."
    assert question["options"] == ["Approve", "Reject", "Regenerate"]
    assert (question["defaults"], question["multiple"]) == (["Reject"], False)
    assert question["assigned_users"] == [{"id": "ada", "name": "ada"}]
    assert "One run a day\\." in question["body"]
    assert "about 50 for each take" in question["body"]
    assert question["params"]["take"]["value"] == 1
    assert (waiting.method_name, waiting.timeout) == ("execute_complete", timedelta(days=2))
    assert [one.path for one in server.received] == ["/v1/content/cnt_1", "/v1/credits"]
    assert xcom["layers"]["container_ids"] == ["cnt_1"]
    assert json.dumps(question["params"])


def test_a_question_may_have_words_of_the_authors_own(asked):
    ask(task(subject="Please look", body="**Mind** the guide."))
    (question,) = asked
    assert question["subject"] == "Please look"
    assert question["body"].startswith("**Mind** the guide.\n\n![")


@pytest.mark.parametrize(("most", "containers"), [(0, "cnt_1"), (3, ["cnt_1", "cnt_2"])])
def test_no_new_take_is_offered_where_none_can_be_made(asked, server, most, containers):
    server.replies = [CONTENT, CONTENT, CREDITS] if isinstance(containers, list) else [CONTENT, CREDITS]
    ask(task(container_id=containers, max_regenerations=most))
    (question,) = asked
    assert question["options"] == ["Approve", "Reject"]
    assert list(question["params"]) == ["reason", "take"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": {"code": "FORBIDDEN_SCOPE", "requestId": "req_1"}}, 403),
        Reply({}, 503),
        Reply(b"<html>"),
        Reply([]),
        Reply(hang_up=True),
        Reply({"estimatedCreditsPerFormat": [50]}),
        Reply({"estimatedCreditsPerFormat": {"slideshow_remix": "fifty"}}),
        Reply({}),
    ],
)
def test_credits_that_nobody_tells_are_not_worth_a_failure(asked, server, reply):
    server.replies = [CONTENT, reply]
    ask(task())
    (question,) = asked
    assert "Credits" not in question["body"]
    assert len(server.received) == 2, "nor worth asking again"


def test_each_question_is_notified_of(asked):
    told = []

    class Notifier(BaseNotifier):
        def notify(self, context):
            told.append(context["task"].subject)

    ask(task(notifiers=Notifier()))
    assert told == ["Review: Run."]


def test_a_question_is_about_the_place_that_the_task_has(asked, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.test/team/")
    ask(task(), map_index=3, run_id="manual__2026-04-18T00:00:00+00:00")
    (question,) = asked
    card = next(one for one in inlines(READ.parse(question["body"])) if one.type == "image")
    place = "dag_id=dag&run_id=manual__2026-04-18T00%3A00%3A00%2B00%3A00&task_id=task&map_index=3&words=1"
    assert card.attrs["src"] == f"/team/layers/review/card?{place}"
    assert "airflow.test" not in question["body"]


@pytest.mark.parametrize("container_id", [None, "", 7, ["cnt_1", ""], {"id": "cnt_1"}])
def test_a_wrong_parameter_stops_the_retries_before_anything_is_sent(asked, server, container_id):
    operator = task(container_id=container_id)
    with pytest.raises(AirflowFailException, match="container_id"):
        operator.execute({**context(operator), "task": operator})
    assert (server.received, asked) == ([], [])


def test_a_question_that_is_killed_ends_nothing(asked, server, capfd):
    operator = task()
    ask(operator, state="failed")
    operator.on_kill()
    assert [one.method for one in server.received] == ["GET", "GET"]
    assert "may be running" not in "".join(capfd.readouterr())


def test_an_answer_that_airflows_trigger_refused_is_asked_for_again_by_a_retry(asked):
    """Below Airflow 3.3 a trigger watches, which checks the form, and tells what is wrong with it."""
    operator = task()
    refused = {"error": "'2' is not of type 'integer'", "error_type": "validation"}
    with pytest.raises(Exception, match="is not of type") as caught:
        operator.execute_complete({**context(operator), "task": operator}, refused)
    assert not isinstance(caught.value, AirflowFailException)
