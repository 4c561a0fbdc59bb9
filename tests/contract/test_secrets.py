"""The key is in requests and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from typing import Any

import pytest

from airflow_provider_layers.hooks.connection import read_connection
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersPublishContentOperator,
    LayersRegenerateContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.http import LayersHttpOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor


@pytest.fixture(autouse=True)
def _no_masking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow masks passwords in its logs; here nothing may need masking."""
    maskers = {
        module.SecretsMasker for name, module in sys.modules.items() if name.endswith(".secrets_masker")
    }
    assert maskers
    for masker in maskers:
        monkeypatch.setattr(masker, "add_mask", lambda *_, **__: None)
        monkeypatch.setattr(masker, "redact", lambda _, item, *__, **___: item)


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "401": {"kind": "fail_before", "status": 401, "code": "UNAUTHENTICATED"},
    "503": {"kind": "fail_before"},
    "disconnect": {"kind": "disconnect_before"},
    "garbage": {"kind": "garbage"},
    "redirect": {"kind": "redirect"},
    "429": {"kind": "rate_limit"},
}


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
@pytest.mark.parametrize("where", ["start", "wait"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_key_is_in_no_log_error_xcom_event_or_trigger(
    fault: dict[str, Any],
    where: str,
    scheme: str,
    airflow: Any,
    api: Any,
    connect: Any,
    caplog: Any,
    capfd: Any,
) -> None:
    connect(auth_scheme=scheme)
    if fault:
        api.fault(method="POST" if where == "start" else "GET", times=None, **fault)
    generate = LayersGenerateContentOperator(
        task_id="g",
        project_id=api.project_id,
        brief={"topic": "x"},
        wait_for_completion=True,
        deferrable=True,
        completion_timeout=20,
    )
    clone = LayersCloneFromPostOperator(
        task_id="c", project_id=api.project_id, source_platform_post_id="pp_unknown"
    )
    sensor = LayersJobSensor(task_id="s", job_id="job_1", timeout=20, deferrable=True)
    http = LayersHttpOperator(task_id="h", endpoint="v1/credits")
    with caplog.at_level(logging.DEBUG):
        results = [airflow.run(operator) for operator in (generate, clone, sensor, http)]
    seen = [caplog.text, *capfd.readouterr(), repr(generate), repr(generate.__dict__), airflow.stored]
    for result in results:
        seen += [json.dumps(result.xcoms), json.dumps(result.events), json.dumps(result.triggers)]
        if result.error:
            seen += traceback.format_exception(result.error)
    assert "request_started" in caplog.text or "send_request_headers" in caplog.text, (
        "the logs were captured at all"
    )
    # The second half is the secret; the first names the key.
    secret = api.api_key.rpartition("_")[2]
    assert len(secret) > 20
    assert secret not in "".join(seen)


TEXT = "our secret launch"


def test_the_state_store_holds_neither_the_key_nor_the_texts_of_a_request(
    airflow: Any, api: Any, made: Any
) -> None:
    airflow.with_store = True
    project, secret = {"project_id": api.project_id, "task_id": "t"}, {"topic": TEXT, "cta": TEXT}
    container = made()
    starts = [
        LayersGenerateContentOperator(**project, brief=secret, metadata={TEXT: TEXT}),
        LayersCloneFromPostOperator(
            **project, source_platform_post_id=api.top_post_ids[0], overrides={"caption": TEXT}
        ),
        LayersRegenerateContentOperator(task_id="t", container_id=container, brief=secret),
    ]
    for number, start in enumerate(starts):
        airflow.value(start, run_id=f"start-{number}")
    api.advance(60)
    target = {"social_account_id": api.social_account_ids[0], "mode": "publish", "caption_override": TEXT}
    send = {"task_id": "t", "container_id": container, "targets": [target]}
    airflow.value(LayersApproveContentOperator(task_id="t", container_id=container, note=TEXT))
    airflow.value(LayersScheduleContentOperator(**send, scheduled_for="2040-07-01T09:00:00Z"))
    airflow.value(LayersPublishContentOperator(**send))
    # All five are stored, and the start of the container that was made first.
    assert airflow.stored.count('"sent_at"') == 6
    assert TEXT not in airflow.stored
    assert api.api_key.rpartition("_")[2] not in airflow.stored
    assert "brief" in airflow.stored, "the name of a field, by which a change is reported"


def test_the_key_has_no_repr(api: Any) -> None:
    hook = LayersHook()
    settings = read_connection(hook.get_connection("layers_default"))
    assert api.api_key == settings.api.api_key
    assert api.api_key not in repr([hook, settings, settings.api, hook.get_conn(), vars(hook)])


def test_the_client_of_an_event_loop_has_no_repr_of_the_key(api: Any) -> None:
    async def shown() -> str:
        async with LayersHook().shared_client() as shared:
            return repr([shared, shared.client, vars(shared.client), vars(shared.watcher)])

    assert api.api_key not in asyncio.run(shown())


@pytest.mark.parametrize("key", ["lp_live_1\nx", "lp_live_1 x", "lp_live_é"])
def test_a_key_that_no_header_can_carry_is_not_quoted(key: str, airflow: Any, api: Any, connect: Any) -> None:
    connect(password=key)
    result = airflow.run(LayersGenerateContentOperator(task_id="g", project_id=api.project_id, brief={}))
    assert "lp_live" not in "".join(traceback.format_exception(result.error))
