"""The requests that the job operators make of their parameters."""

from __future__ import annotations

import json
import uuid

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers.api.keys import Origin
from airflow_provider_layers.exceptions import LayersParameterError
from airflow_provider_layers.operators.content import (
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersRegenerateContentOperator,
)
from tests.unit.tasks import context

ORIGIN = Origin("dag", "run", "task", -1, 0)
OWN_UUID = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"


def generate(**given):
    return LayersGenerateContentOperator(task_id="task", **({"project_id": "prj_1"} | given))


def clone(**given):
    least = {"project_id": "prj_1", "source_platform_post_id": "pp_1"}
    return LayersCloneFromPostOperator(task_id="task", **(least | given))


def regenerate(**given):
    return LayersRegenerateContentOperator(task_id="task", **({"container_id": "cnt_1"} | given))


@pytest.fixture(autouse=True)
def _connected(connect):
    connect(host="http://127.0.0.1:1")


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
            clone(container_id=OWN_UUID, overrides={"voice_over_script": "v"}, project_layer_id="lyr_1"),
            f"/v1/content/{OWN_UUID}/clone-from-post",
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
def test_a_request_is_made_of_the_parameters(operator, path, body):
    endpoint = operator.request(ORIGIN, 0)
    assert endpoint.path == path
    assert endpoint.body == body


def test_the_connection_chooses_the_routes(connect):
    connect(extra={"content_routes": "per-format"})
    operator = generate(format="ugc-remix", influencer_id="inf_1", media_id="med_1")
    endpoint = operator.request(ORIGIN, 0)
    assert endpoint.path == "/v1/projects/prj_1/content/ugc-remix"
    assert endpoint.body == {"influencerId": "inf_1", "mediaId": "med_1"}


@pytest.mark.parametrize("operator", [generate(brief={}), clone(), regenerate()])
def test_each_place_in_the_sequence_has_a_key_of_its_own_and_keeps_it(operator):
    keys = [operator.request(ORIGIN, turn).idempotency_key for turn in (0, 1, 2, 0)]
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]
    assert all(uuid.UUID(key).version == 4 for key in keys)


def test_three_operators_never_share_a_key():
    operators = [generate(brief={}), clone(), regenerate()]
    assert len({operator.request(ORIGIN, 0).idempotency_key for operator in operators}) == 3


def test_the_container_of_a_clone_is_derived_and_is_not_its_key():
    containers = [clone().request(ORIGIN, turn).path.split("/")[3] for turn in (0, 1, 0)]
    assert containers[0] == containers[2] != containers[1]
    assert uuid.UUID(containers[0]).version == 4
    assert containers[0] != clone().request(ORIGIN, 0).idempotency_key


def test_a_container_of_ones_own_has_one_job_only():
    own = clone(container_id="8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55")
    assert own.request(ORIGIN, 0).path.split("/")[3] == own.container_id
    with pytest.raises(LayersParameterError, match="leave it out"):
        own.request(ORIGIN, 1)


@pytest.mark.parametrize("container_id", [["cnt_1", "cnt_2"], [], "", None])
def test_one_task_makes_one_new_take(container_id):
    with pytest.raises(LayersParameterError, match="container_id"):
        regenerate(container_id=container_id).request(ORIGIN, 0)


TEMPLATE = "{{ params.anything }}"


@pytest.mark.parametrize(
    "operator",
    [
        generate(**dict.fromkeys(LayersGenerateContentOperator.parameters, TEMPLATE), project_id=TEMPLATE),
        clone(**dict.fromkeys(LayersCloneFromPostOperator.parameters, TEMPLATE), container_id=TEMPLATE),
        regenerate(
            **dict.fromkeys(LayersRegenerateContentOperator.parameters, TEMPLATE), container_id=TEMPLATE
        ),
    ],
)
def test_templates_are_rendered_before_any_check(operator):
    operator.render_template_fields({"params": {"anything": "rendered"}})
    rendered = {name for name in operator.template_fields if getattr(operator, name) == "rendered"}
    assert rendered >= set(operator.template_fields) - {"layers_conn_id"}


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        (generate(), "brief"),
        (generate(brief={}, variant_count=6), "variant_count"),
        (clone(variations=11), "variations"),
        (clone(mode="copy"), "mode"),
        (regenerate(brief={"value_propositions": ["x"] * 21}), "brief.value_propositions"),
    ],
)
def test_a_wrong_parameter_stops_the_retries_before_anything_is_sent(operator, name, connect, server):
    connect(host=server.url)
    with pytest.raises(AirflowFailException, match=name):
        operator.execute(context(operator))
    assert server.received == []


def test_what_the_user_gave_is_not_changed():
    brief = {"topic": "t", "valuePropositions": ["v"]}
    before = json.dumps(brief)
    generate(brief=brief).request(ORIGIN, 0)
    assert json.dumps(brief) == before
