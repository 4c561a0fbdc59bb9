"""The key is in requests and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import pickle
import socket
import sys
import threading
import traceback
from typing import Any

import pytest

from airflow_provider_layers.api.content import get_content
from airflow_provider_layers.exceptions import LayersError
from airflow_provider_layers.hooks.connection import read_connection
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.operators.content import (
    LayersApproveContentOperator,
    LayersCloneFromPostOperator,
    LayersGenerateContentOperator,
    LayersGetContentOperator,
    LayersListContentOperator,
    LayersPublishContentOperator,
    LayersRegenerateContentOperator,
    LayersScheduleContentOperator,
)
from airflow_provider_layers.operators.http import LayersHttpOperator
from airflow_provider_layers.sensors.jobs import LayersJobSensor
from tests.contract.pushed_clock import PushedClock


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
        start_timeout=20,
        completion_timeout=20,
    )
    clone = LayersCloneFromPostOperator(
        task_id="c", project_id=api.project_id, source_platform_post_id="pp_unknown", start_timeout=20
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
    # The last part is the secret; the others name the key.
    secret = api.api_key.split("_", 3)[3]
    assert len(secret) == 43
    assert secret not in "".join(seen)


REPEATING: dict[str, dict[str, Any]] = {
    "in correct responses": {"kind": "repeat_key"},
    "in a 401": {"kind": "repeat_key", "status": 401},
    "in a 409": {"kind": "repeat_key", "status": 409, "code": "CONFLICT"},
    "in a 429": {"kind": "repeat_key", "status": 429},
    "in a 503": {"kind": "repeat_key", "status": 503},
    "in a page": {"kind": "garbage", "body": "<html>Forbidden: Bearer {key}</html>"},
    "in a redirect": {"kind": "redirect", "location": "https://{secret}.example/{key}"},
}


def forms_of(error: BaseException | None) -> list[str]:
    """Everything that logs, callbacks and stores can make of an error and its causes."""
    if error is None:
        return []
    shown = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    return [*shown, *forms_of(error.__cause__), *forms_of(error.__context__)]


@pytest.mark.parametrize("scheme", ["bearer", "x-api-key"])
@pytest.mark.parametrize("fault", REPEATING.values(), ids=REPEATING)
def test_a_server_that_repeats_the_key_repeats_it_to_nobody(
    fault: dict[str, Any],
    scheme: str,
    airflow: Any,
    api: Any,
    clock: Any,
    wire: Any,
    connect: Any,
    made: Any,
    caplog: Any,
    capfd: Any,
) -> None:
    secret = api.api_key.split("_", 3)[3]
    container = made()
    connect(auth_scheme=scheme)
    arguments = {
        name: value.format(key=api.api_key, secret=secret) if isinstance(value, str) else value
        for name, value in fault.items()
    }
    api.outcome("failed", message=f"The key was {api.api_key}.", code=secret, times=2)
    generate = LayersGenerateContentOperator(
        task_id="g", project_id=api.project_id, brief={"topic": "x"}, start_timeout=90
    )
    job_id = airflow.value(generate, run_id="started")
    target = {"social_account_id": api.social_account_ids[0], "mode": "publish"}
    operators = [
        generate,
        LayersGenerateContentOperator(
            task_id="w",
            project_id=api.project_id,
            brief={"topic": "x"},
            wait_for_completion=True,
            deferrable=True,
            start_timeout=90,
            completion_timeout=90,
        ),
        LayersJobSensor(task_id="s", job_id=job_id, timeout=90, deferrable=True),
        LayersGetContentOperator(task_id="r", container_id=container),
        LayersListContentOperator(task_id="l", project_id=api.project_id),
        LayersApproveContentOperator(task_id="a", container_id=container),
        LayersPublishContentOperator(task_id="p", container_id=container, targets=[target]),
        LayersHttpOperator(task_id="h", endpoint="v1/credits", log_response=True),
    ]
    api.fault(times=None, **arguments)
    with caplog.at_level(logging.DEBUG):
        results = [airflow.run(operator) for operator in operators]
        with contextlib.suppress(LayersError):
            asyncio.run(LayersHook(clock=clock, transport=wire).arun(get_content(container)))
    api.clear_faults()
    seen = [caplog.text, *capfd.readouterr(), airflow.stored]
    for result in results:
        seen += [json.dumps(item) for item in (result.value, result.xcoms, result.events, result.triggers)]
        seen += [*forms_of(result.error), repr(pickle.dumps(result.error))]
    text = "".join(seen)
    assert "receive_response_headers.complete" in caplog.text, "the debug log was captured"
    assert "***" in text, "the server did repeat the key"
    assert secret.lower() not in text.lower()


class _RawServer:
    """Sends the same bytes to every connection, HTTP or not."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> _RawServer:  # noqa: PYI034 - `Self` is newer than Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.recv(65536)
                connection.sendall(self._content)
                connection.close()


MALFORMED = {
    "a status line": "HTTP/1.1 2xx {key}\r\n\r\n",
    "a reason": "HTTP/1.1 403 Bad key {key}\r\nContent-Length: 0\r\n\r\n",
    "a header line": "HTTP/1.1 200 OK\r\nno colon {key}\r\n\r\n",
    "headers": "HTTP/1.1 401 No\r\nSet-Cookie: a={key}\r\nX-Request-Id: {key}\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("in_event_loop", [False, True], ids=["worker", "triggerer"])
@pytest.mark.parametrize("response", MALFORMED.values(), ids=MALFORMED)
def test_a_response_that_the_http_library_quotes_does_not_show_the_key(
    response: str, in_event_loop: bool, airflow: Any, api: Any, connect: Any, caplog: Any
) -> None:
    secret = api.api_key.split("_", 3)[3]
    hook = LayersHook(clock=PushedClock(api))

    def read() -> Any:
        endpoint = get_content("cnt_1")
        return asyncio.run(hook.arun(endpoint)) if in_event_loop else hook.run(endpoint)

    with _RawServer(response.format(key=api.api_key).encode()) as server, caplog.at_level(logging.DEBUG):
        connect(host=server.url)
        with pytest.raises(LayersError) as caught:
            read()
        http = airflow.run(LayersHttpOperator(task_id="h", endpoint="v1/credits", retries=0))
    text = "".join(
        [caplog.text, repr(pickle.dumps(caught.value)), *forms_of(caught.value), *forms_of(http.error)]
    )
    assert "***" in text, "the server did repeat the key"
    assert secret not in text


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
    assert api.api_key.split("_", 3)[3] not in airflow.stored
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
