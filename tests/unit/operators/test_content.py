"""Operators on content: the requests that they make of their parameters, and what becomes of them."""

from __future__ import annotations

import json
import logging
import uuid

import pytest

from airflow_provider_layers.exceptions import (
    LayersApprovalRequiredError,
    LayersContentRejectedError,
    LayersNotFoundError,
    LayersParameterError,
    LayersPartialPermanentError,
    LayersReplayWindowError,
)
from airflow_provider_layers.idempotency import REPLAY_WINDOW, IdempotencyScope
from airflow_provider_layers.operators import content
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersGetContentOperator,
    LayersListContentOperator,
    LayersPublishContentOperator,
    LayersRegenerateContentOperator,
    LayersRejectContentOperator,
    LayersScheduleContentOperator,
)
from tests.unit.scripted import NOW, FakeClock, error, ok
from tests.unit.stores import AirflowStore
from tests.unit.tasks import connected, context

SCOPE = IdempotencyScope("dag", "run", "task", -1, 0)
UUID = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"
TARGET = {"social_account_id": "sa_1", "mode": "publish"}
SENT_TARGET = {"socialAccountId": "sa_1", "mode": "publish"}
BERLIN = "2026-07-01T09:00:00+02:00"
UTC = "2026-07-01T07:00:00.000Z"


def generate(**fields):
    return LayersGenerateContentOperator(task_id="task", **({"project_id": "prj_1"} | fields))


def clone(**fields):
    required = {"project_id": "prj_1", "source_platform_post_id": "pp_1"}
    return LayersCloneFromPostOperator(task_id="task", **(required | fields))


def regenerate(**fields):
    return LayersRegenerateContentOperator(task_id="task", **({"container_id": "cnt_1"} | fields))


def approve(**fields):
    return LayersApproveContentOperator(
        task_id="task", **({"container_id": "cnt_1", "note": "Fine."} | fields)
    )


def reject(**fields):
    return LayersRejectContentOperator(
        task_id="task", **({"container_id": "cnt_1", "reason": "No."} | fields)
    )


def schedule(**fields):
    required = {"container_id": "cnt_1", "targets": [TARGET], "scheduled_for": BERLIN}
    return LayersScheduleContentOperator(task_id="task", **(required | fields))


def publish(**fields):
    required = {"container_id": "cnt_1", "targets": [TARGET]}
    return LayersPublishContentOperator(task_id="task", **(required | fields))


def get(**fields):
    return LayersGetContentOperator(task_id="task", **({"container_id": "cnt_1"} | fields))


def list_(**fields):
    return LayersListContentOperator(task_id="task", **({"project_id": "prj_1"} | fields))


def execute(operator, api, *, clock=None, store=None, **of_ti):
    given = context(connected(operator, api, clock=clock), **of_ti)
    if store is not None:
        given["task_state_store"] = store
    return operator.execute(given)


def logged(caplog, capfd) -> str:
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    return caplog.text + "".join(capfd.readouterr())


# The module


def test_all_operators_on_content_are_in_one_module():
    assert [name for name in content.__all__ if not hasattr(content, name)] == []
    defined = {
        name for name, item in vars(content).items() if getattr(item, "__module__", "") == content.__name__
    }
    assert {name for name in defined if name.endswith("Operator")} <= set(content.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"operators\.content' has no attribute 'LayersReviewOperator'"):
        content.LayersReviewOperator  # noqa: B018 - the access is the test
    assert not hasattr(content, "review")


# Starting jobs


@pytest.mark.parametrize(
    ("operator", "path", "body"),
    [
        (
            generate(brief={"topic": "t"}, variant_count=2, metadata={"a_b": 1}),
            "/v1/projects/prj_1/content",
            {"brief": {"topic": "t"}, "variantCount": 2, "metadata": {"a_b": 1}},
        ),
        (
            generate(hook="h", format="slideshow-builder", references={"media_ids": ["m"]}),
            "/v1/projects/prj_1/content",
            {"hook": "h", "format": "slideshow-builder", "references": {"mediaIds": ["m"]}},
        ),
        (
            clone(container_id=UUID, overrides={"voice_over_script": "v"}, project_layer_id="lyr_1"),
            f"/v1/content/{UUID}/clone-from-post",
            {
                "projectId": "prj_1",
                "sourcePlatformPostId": "pp_1",
                "mode": "fork",
                "variations": 1,
                "projectLayerId": "lyr_1",
                "overrides": {"voiceOverScript": "v"},
            },
        ),
        (regenerate(), "/v1/content/cnt_1/regenerate", {}),
        (
            regenerate(container_id=["cnt_1"], brief={"cta": "c"}, preserve_assets=True),
            "/v1/content/cnt_1/regenerate",
            {"brief": {"cta": "c"}, "preserveAssets": True},
        ),
    ],
)
def test_a_request_is_made_of_the_parameters(script, operator, path, body):
    endpoint = connected(operator, script()).build_request(SCOPE, 0)
    assert (endpoint.path, endpoint.body) == (path, body)


def test_the_connection_chooses_the_routes(script):
    operator = generate(format="ugc-remix", influencer_id="inf_1", media_id="med_1")
    endpoint = connected(operator, script(), content_routes="per-format").build_request(SCOPE, 0)
    assert endpoint.path == "/v1/projects/prj_1/content/ugc-remix"
    assert endpoint.body == {"influencerId": "inf_1", "mediaId": "med_1"}


def test_each_operator_and_position_in_the_sequence_has_its_key(script):
    operators = [connected(item, script()) for item in (generate(brief={}), clone(), regenerate())]
    keys = [item.build_request(SCOPE, number).idempotency_key for item in operators for number in (0, 1, 2)]
    assert len(set(keys)) == 9
    again = [item.build_request(SCOPE, number).idempotency_key for item in operators for number in (0, 1, 2)]
    assert keys == again


def test_the_container_of_a_clone_is_derived_and_is_not_its_key():
    endpoints = [clone().build_request(SCOPE, number) for number in (0, 1, 0)]
    containers = [endpoint.path.split("/")[3] for endpoint in endpoints]
    assert containers[0] == containers[2] != containers[1]
    assert uuid.UUID(containers[0]).version == 4
    assert not {endpoint.idempotency_key for endpoint in endpoints} & set(containers)


def test_a_given_container_of_a_clone_has_one_job_only():
    operator = clone(container_id=UUID)
    assert operator.build_request(SCOPE, 0).path.split("/")[3] == UUID
    with pytest.raises(LayersParameterError, match="leave it out"):
        operator.build_request(SCOPE, 1)


def test_one_task_regenerates_one_container():
    for container_id in (["cnt_1", "cnt_2"], [], "", None):
        with pytest.raises(LayersParameterError, match="container_id"):
            regenerate(container_id=container_id).build_request(SCOPE, 0)


def test_parameters_are_not_changed(script):
    brief = {"topic": "t", "valuePropositions": ["v"]}
    before = json.dumps(brief)
    connected(generate(brief=brief), script()).build_request(SCOPE, 0)
    assert json.dumps(brief) == before


# Parameters of all operators

TEMPLATE = "{{ params.anything }}"
OPERATORS = {
    "generate": generate,
    "clone": clone,
    "regenerate": regenerate,
    "get": get,
    "list": list_,
    "approve": approve,
    "reject": reject,
    "schedule": schedule,
    "publish": publish,
}


@pytest.mark.parametrize("make", OPERATORS.values(), ids=OPERATORS)
def test_templates_are_rendered_before_any_check(make):
    fields = [name for name in make().template_fields if name != "layers_conn_id"]
    operator = make(**dict.fromkeys(fields, TEMPLATE), layers_conn_id=TEMPLATE)
    operator.render_template_fields({"params": {"anything": "rendered"}})
    assert [name for name in operator.template_fields if getattr(operator, name) != "rendered"] == []


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        (generate(), "brief"),
        (generate(brief={}, variant_count=6), "variant_count"),
        (clone(variations=11), "variations"),
        (clone(mode="copy"), "mode"),
        (regenerate(brief={"value_propositions": ["x"] * 21}), "brief.value_propositions"),
        (get(container_id=["cnt_1", ""]), "container_id"),
        (list_(status="done"), "status"),
        (list_(project_id=""), "project_id"),
        (list_(limit=0), "limit"),
        (list_(limit="many"), "limit"),
        (approve(note=""), "note"),
        (reject(reason="x" * 1025), "reason"),
        (schedule(targets=[]), "targets"),
        (schedule(scheduled_for="2026-07-01T09:00:00"), "scheduled_for"),
        (schedule(scheduled_for=1_800_000_000), "scheduled_for"),
        (publish(targets=[TARGET | {"when": "now"}]), "when"),
        (publish(container_id=["cnt_1", None]), "container_id"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_sent(script, operator, name):
    with pytest.raises(LayersParameterError, match=name):
        execute(operator, script())


# Lists


def test_a_list_is_requested_with_its_filters(script):
    api = script(ok({"items": [{"id": "cnt_1"}]}))
    operator = list_(
        status=["completed"],
        format="ugc-remix",
        creative_type="generated",
        since="2026-01-01T00:00:00Z",
        until="2026-02-01T00:00:00Z",
    )
    assert execute(operator, api) == [{"id": "cnt_1"}]
    filters = "status=completed&format=ugc-remix&creativeType=generated"
    times = "since=2026-01-01T00%3A00%3A00.000Z&until=2026-02-01T00%3A00%3A00.000Z"
    assert api.paths == [f"GET /v1/projects/prj_1/content?{filters}&{times}&limit=100"]


def test_the_limit_of_a_list_may_be_rendered_to_text(script):
    for limit in ("5", 5):
        api = script(ok({"items": [{"id": f"cnt_{number}"} for number in range(9)]}))
        assert len(execute(list_(limit=limit), api)) == 5


# Decisions and publishing

DECISIONS = {
    "approve": (approve, {"note": "Fine."}),
    "reject": (reject, {"reason": "No."}),
    "schedule": (schedule, {"scheduledFor": UTC, "targets": [SENT_TARGET]}),
    "publish": (publish, {"targets": [SENT_TARGET]}),
}
decisions = pytest.mark.parametrize(
    ("verb", "make", "body"), [(verb, *pair) for verb, pair in DECISIONS.items()]
)
publications = pytest.mark.parametrize("make", [schedule, publish])


@decisions
def test_each_container_has_a_request_with_its_key(script, verb, make, body):
    api = script(*[ok({})] * 2)
    assert len(execute(make(container_id=[["cnt_1"], "cnt_2", "cnt_1"]), api)) == 2
    assert api.paths == [f"POST /v1/content/cnt_{number}/{verb}" for number in (1, 2)]
    assert api.bodies == [body] * 2
    assert len(set(api.keys)) == 2


def test_what_is_done_to_one_container_shares_no_key(script):
    apis = [script(ok({})) for _ in DECISIONS]
    for api, (make, _) in zip(apis, DECISIONS.values(), strict=True):
        execute(make(), api)
    assert len({key for api in apis for key in api.keys}) == len(DECISIONS)


def keys_of(script, operator):
    """Return the keys of a first try, a retry and a first try after a clear, none of which finds posts."""
    keys = []
    for counts in ((1, 0), (2, 0), (2, 1)):
        api = script(then=ok({"projectId": "prj_1", "items": []}))
        execute(operator, api, try_number=counts[0], max_tries=counts[1])
        keys += api.keys
    return keys


@decisions
def test_a_retry_keeps_the_key_and_a_clear_changes_that_of_a_decision(script, verb, make, body):
    first, retried, cleared = keys_of(script, make())
    assert first == retried
    assert (retried == cleared) is (verb in ("schedule", "publish"))


@publications
def test_a_clear_changes_the_key_where_it_resubmits(script, make):
    first, retried, cleared = keys_of(script, make(on_clear="resubmit"))
    assert first == retried != cleared


@publications
def test_an_unknown_way_to_clear_is_refused(make):
    with pytest.raises(ValueError, match="on_clear"):
        make(on_clear="again")


def test_the_approval_status_is_logged(script, caplog, capfd):
    caplog.set_level(logging.INFO)
    execute(approve(), script(ok({"id": "cnt_1", "approvalStatus": "approved"})))
    assert "Content cnt_1: approved." in logged(caplog, capfd)


@pytest.mark.parametrize(
    ("operator", "reply", "result"),
    [
        (
            schedule(),
            ok({"scheduledPostIds": ["sp_1"]}),
            {"scheduled_for": UTC, "gate_status": None, "scheduled_post_ids": ["sp_1"]},
        ),
        (
            schedule(),
            ok({"gateStatus": "blocked_on_approval"}, 202),
            {"scheduled_for": UTC, "gate_status": "blocked_on_approval", "scheduled_post_ids": []},
        ),
        (
            publish(),
            ok({"scheduledPostIds": ["sp_1"]}, 202),
            {"scheduled_for": None, "gate_status": None, "scheduled_post_ids": ["sp_1"]},
        ),
    ],
    ids=["scheduled", "blocked", "published"],
)
def test_the_result_of_a_publication_says_what_became_of_it(script, operator, reply, result):
    assert execute(operator, script(reply)) == {"container_id": "cnt_1", **result}


@publications
def test_the_log_names_the_posts(script, make, caplog, capfd):
    caplog.set_level(logging.INFO)
    execute(make(), script(ok({"scheduledPostIds": ["sp_1", "sp_2"]})))
    moment = UTC if make is schedule else "now"
    assert f"Content cnt_1 is scheduled for {moment}: sp_1, sp_2." in logged(caplog, capfd)


def test_a_schedule_that_waits_for_an_approval_is_a_warning(script, caplog, capfd):
    caplog.set_level(logging.WARNING)
    execute(schedule(), script(ok({"gateStatus": "blocked_on_approval"}, 202)))
    assert f"Content cnt_1 is not approved: the API stores its schedule for {UTC}" in logged(caplog, capfd)


@publications
def test_all_posts_are_published_to_the_ui(script, make):
    operator = make(container_id=["cnt_1", "cnt_2"])
    api = script(ok({"scheduledPostIds": ["sp_1"]}), ok({"scheduledPostIds": ["sp_2", "sp_3"]}))
    given = context(connected(operator, api))
    operator.execute(given)
    shown = given["ti"].xcom["layers"]
    assert shown["container_ids"] == ["cnt_1", "cnt_2"]
    assert shown["scheduled_post_ids"] == ["sp_1", "sp_2", "sp_3"]


@publications
@pytest.mark.parametrize(
    ("status", "code", "error_type"),
    [
        (403, "APPROVAL_REQUIRED", LayersApprovalRequiredError),
        (409, "CONTENT_REJECTED", LayersContentRejectedError),
        (404, "NOT_FOUND", LayersNotFoundError),
    ],
)
def test_a_refusal_is_its_own_error(script, make, status, code, error_type):
    with pytest.raises(error_type, match=f"{status} {code}.*req_1"):
        execute(make(), script(error(status, code)))


@publications
def test_a_retry_sends_only_what_is_missing(script, make):
    """The first try published one container and failed at the second."""
    store, containers = AirflowStore(), ["cnt_1", "cnt_2"]
    with pytest.raises(LayersPartialPermanentError):
        execute(
            make(container_id=containers),
            script(ok({"scheduledPostIds": ["sp_1"]}), error(403, "APPROVAL_REQUIRED")),
            store=store,
        )
    api = script(ok({"scheduledPostIds": ["sp_2"]}))
    results = execute(make(container_id=containers), api, store=store, try_number=2)
    assert [result["scheduled_post_ids"] for result in results] == [["sp_1"], ["sp_2"]]
    assert [path.split("/")[3] for path in api.paths] == ["cnt_2"]


@publications
def test_a_retry_after_the_replay_window_publishes_only_if_requested(script, make):
    """The key may not read posts, so that it stays unknown what an earlier try sent."""
    clock, forbidden = FakeClock(NOW + REPLAY_WINDOW + 1), error(403, "FORBIDDEN_SCOPE")
    with pytest.raises(LayersReplayWindowError):
        execute(make(), script(forbidden), clock=clock, try_number=2)
    execute(make(resubmit_after_window=True), script(forbidden, ok({})), clock=clock, try_number=2)
