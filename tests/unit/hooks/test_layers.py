"""The hook: its connection, its clients, and one method for each route."""

from __future__ import annotations

import asyncio
import gc
import uuid

import pytest

from airflow_provider_layers.api.jobs import Cancellation
from airflow_provider_layers.api.projects import get_project
from airflow_provider_layers.client import LayersClient
from airflow_provider_layers.exceptions import (
    LayersConflictError,
    LayersConnectionError,
    LayersNotFoundError,
    LayersServerError,
)
from airflow_provider_layers.get_provider_info import CONNECTION_FIELDS
from airflow_provider_layers.hooks.layers import LayersHook
from airflow_provider_layers.polling.targets import job_target
from tests.unit.scripted import BASE_URL, LOST, NOW, FakeClock, error, ok
from tests.unit.tasks import scripted_hook

UUID = "8d2f1a3e-0b4c-4a11-9f7e-33c0a2c1bd55"
TARGETS = [{"social_account_id": "sa_1", "mode": "publish"}]
MOMENT = "2026-07-01T09:00:00Z"
JOB = {"jobId": "job_1", "status": "running"}
KEY = {"idempotency_key": UUID}

# Method, arguments, the request that it sends, and the response.
ROUTES = {
    "whoami": ([], {}, "GET /v1/whoami", {}),
    "get_credits": ([], {}, "GET /v1/credits", {}),
    "get_project": (["p"], {}, "GET /v1/projects/p", {}),
    "list_projects": ([], {"limit": 2, "search": "x"}, "GET /v1/projects?search=x&limit=2", {}),
    "list_social_accounts": (
        ["p"],
        {"platform": "tiktok"},
        "GET /v1/projects/p/social-accounts?platform=tiktok&limit=200",
        {},
    ),
    "get_top_performers": (
        ["p"],
        {"metric": "views", "limit": 3},
        "GET /v1/projects/p/top-performers?metric=views&limit=3",
        {},
    ),
    "get_job": (["job_1"], {}, "GET /v1/jobs/job_1", JOB),
    "cancel_job": (["job_1"], {}, "POST /v1/jobs/job_1/cancel", {}),
    "cancel_job_soon": (["job_1"], {}, "POST /v1/jobs/job_1/cancel", {}),
    "generate_content": (["p"], {"brief": {"topic": "t"}, **KEY}, "POST /v1/projects/p/content", JOB),
    "clone_from_post": (["p", "pp_1"], {**KEY}, f"POST /v1/content/{UUID}/clone-from-post", JOB),
    "regenerate_content": (
        ["cnt_1"],
        {"preserve_assets": True, **KEY},
        "POST /v1/content/cnt_1/regenerate",
        JOB,
    ),
    "get_content": (["cnt_1"], {}, "GET /v1/content/cnt_1", {}),
    "get_content_progress": (["cnt_1"], {}, "GET /v1/content/cnt_1/progress", {}),
    "get_content_asset": (["cnt_1", "ast_1"], {}, "GET /v1/content/cnt_1/assets/ast_1", {}),
    "list_content": (["p"], {"format": "auto"}, "GET /v1/projects/p/content?format=auto&limit=200", {}),
    "list_content_hooks": (["p"], {}, "GET /v1/projects/p/content/hooks", {"hooks": ["x"]}),
    "approve_content": (["cnt_1"], {"note": "x", **KEY}, "POST /v1/content/cnt_1/approve", {}),
    "reject_content": (["cnt_1"], {"reason": "x", **KEY}, "POST /v1/content/cnt_1/reject", {}),
    "schedule_content": (
        ["cnt_1"],
        {"scheduled_for": MOMENT, "targets": TARGETS, **KEY},
        "POST /v1/content/cnt_1/schedule",
        {},
    ),
    "publish_content": (["cnt_1"], {"targets": TARGETS, **KEY}, "POST /v1/content/cnt_1/publish", {}),
    "get_scheduled_post": (["sp_1"], {}, "GET /v1/scheduled-posts/sp_1", {}),
    "list_scheduled_posts": (["p"], {}, "GET /v1/projects/p/scheduled-posts?limit=100", {}),
    "reschedule_scheduled_post": (
        ["sp_1"],
        {"scheduled_for": MOMENT, **KEY},
        "POST /v1/scheduled-posts/sp_1/reschedule",
        {},
    ),
    "cancel_scheduled_post": (["sp_1"], {"reason": "x"}, "DELETE /v1/scheduled-posts/sp_1", {}),
}
NOT_ROUTES = {
    "arun",
    "get_conn",
    "get_connection_form_widgets",
    "get_ui_field_behaviour",
    "run",
    "shared_client",
    "test_connection",
    "with_short_timeout",
}
WITH_KEY = {name for name, (_, options, *_) in ROUTES.items() if "idempotency_key" in options}


def test_every_method_of_the_hook_is_listed_here():
    methods = {
        name for name, item in vars(LayersHook).items() if callable(item) or isinstance(item, classmethod)
    }
    assert {name for name in methods if not name.startswith("_")} == {*ROUTES, *NOT_ROUTES}


@pytest.mark.parametrize("name", ROUTES)
def test_a_method_sends_the_request_of_its_route(script, name):
    arguments, options, request, body = ROUTES[name]
    api = script(ok(body))
    getattr(scripted_hook(api), name)(*arguments, **options)
    assert api.paths == [request]
    assert api.requests[0].headers.get("idempotency-key") == options.get("idempotency_key")


@pytest.mark.parametrize("name", sorted(WITH_KEY))
def test_without_a_key_each_call_is_a_new_request(script, name):
    arguments, options, _, body = ROUTES[name]
    options = {option: value for option, value in options.items() if option != "idempotency_key"}
    api = script(ok(body), ok(body))
    for _ in range(2):
        getattr(scripted_hook(api), name)(*arguments, **options)
    assert len({uuid.UUID(key).version for key in api.keys}) == 1
    assert len(set(api.keys)) == 2


def test_a_method_that_has_a_body_sends_what_it_was_given(script):
    bodies = {
        name: scripted_bodies(script, name)
        for name, (_, _, request, _) in ROUTES.items()
        if "GET" not in request
    }
    targets = [{"socialAccountId": "sa_1", "mode": "publish"}]
    assert bodies == {
        "cancel_job": None,
        "cancel_job_soon": None,
        "generate_content": {"brief": {"topic": "t"}},
        "clone_from_post": {
            "projectId": "p",
            "sourcePlatformPostId": "pp_1",
            "mode": "fork",
            "variations": 1,
        },
        "regenerate_content": {"preserveAssets": True},
        "approve_content": {"note": "x"},
        "reject_content": {"reason": "x"},
        "schedule_content": {"scheduledFor": "2026-07-01T09:00:00.000Z", "targets": targets},
        "publish_content": {"targets": targets},
        "reschedule_scheduled_post": {"scheduledFor": "2026-07-01T09:00:00.000Z"},
        "cancel_scheduled_post": {"reason": "x"},
    }


def scripted_bodies(script, name):
    arguments, options, _, body = ROUTES[name]
    api = script(ok(body))
    getattr(scripted_hook(api), name)(*arguments, **options)
    return api.bodies[0]


def test_the_connection_chooses_the_routes_of_content(script):
    api = script(ok(JOB))
    scripted_hook(api, content_routes="per-format").generate_content(
        "p", format="slideshow-builder", hook="x"
    )
    assert api.paths == ["POST /v1/projects/p/content/slideshow-builder"]


def test_a_list_is_read_over_its_pages_up_to_a_limit(script):
    api = script(ok({"items": [{"id": 1}], "nextCursor": "c"}), ok({"items": [{"id": 2}, {"id": 3}]}))
    assert scripted_hook(api).list_content("p", limit=2) == [{"id": 1}, {"id": 2}]
    assert api.paths == [
        "GET /v1/projects/p/content?limit=2",
        "GET /v1/projects/p/content?limit=1&cursor=c",
    ]


# Running endpoints


def test_an_endpoint_is_run_with_retries_in_a_worker_and_in_an_event_loop(script, connect):
    api = script(LOST, ok({"id": "p"}), LOST, ok({"id": "p"}))
    assert scripted_hook(api).run(get_project("p")) == {"id": "p"}
    connect(host=BASE_URL)
    hook = LayersHook(clock=FakeClock(), transport=api)
    assert asyncio.run(hook.arun(get_project("p"))) == {"id": "p"}
    assert api.paths == ["GET /v1/projects/p"] * 4


def test_what_the_api_refuses_is_raised(script):
    with pytest.raises(LayersNotFoundError):
        scripted_hook(script(error(404, "NOT_FOUND"))).get_project("p")


@pytest.mark.parametrize("cancel", [LayersHook.cancel_job, LayersHook.cancel_job_soon])
def test_a_job_that_cannot_be_canceled_in_its_stage_is_an_outcome(script, cancel):
    unavailable = error(409, "CONFLICT", details={"subcode": "JOB_CANCEL_UNAVAILABLE"})
    outcome = Cancellation("job_1", accepted=False, reason="JOB_CANCEL_UNAVAILABLE")
    assert cancel(scripted_hook(script(unavailable)), "job_1") == outcome
    with pytest.raises(LayersConflictError):
        cancel(scripted_hook(script(error(409, "CONFLICT"))), "job_1")


def test_a_cancel_in_the_last_seconds_has_two_attempts_one_second_apart(script):
    clock = FakeClock()
    accepted = scripted_hook(script(error(503), ok({"accepted": True}, 202)), clock=clock).cancel_job_soon(
        "job_1"
    )
    assert (accepted.accepted, clock.slept) == (True, [1.0])
    with pytest.raises(LayersServerError):
        scripted_hook(script(error(503), error(503)), clock=clock).cancel_job_soon("job_1")
    with pytest.raises(LayersNotFoundError):
        scripted_hook(script(error(404)), clock=clock).cancel_job_soon("job_1")
    assert clock.slept == [1.0, 1.0]


# Connection and clients


def test_the_connection_is_chosen_by_its_id_and_read_when_it_is_needed(connect):
    hook = LayersHook("layers_acme")
    connect("layers_acme", host="https://acme.example", extra={"content_routes": "per-format"})
    assert (hook.settings.api.base_url, hook.settings.content_routes) == (
        "https://acme.example",
        "per-format",
    )


def test_a_connection_that_is_not_usable_is_an_error_everywhere(connect):
    async def share():
        async with LayersHook().shared_client():
            pass

    connect(password="")
    for use in (lambda: LayersHook().get_conn(), lambda: asyncio.run(share())):
        with pytest.raises(LayersConnectionError, match="layers_default"):
            use()


def test_a_hook_has_one_client_and_closes_it_at_its_end(script):
    hook = scripted_hook(script())
    client = hook.get_conn()
    assert isinstance(client, LayersClient)
    assert hook.get_conn() is client
    del hook
    gc.collect()
    with pytest.raises(RuntimeError, match="closed"):
        client.send(get_project("p"))


def test_a_hook_for_the_last_seconds_has_a_client_and_a_timeout_of_its_own(script):
    api = script(ok({}))
    hook = scripted_hook(api)
    short = hook.with_short_timeout()
    short.get_project("p")
    assert short.get_conn() is not hook.get_conn()
    assert short.clock is hook.clock
    assert api.requests[0].extensions["timeout"]["read"] == 4.0


def test_an_event_loop_shares_one_client_and_one_watcher_of_a_connection(connect):
    async def borrow():
        async with LayersHook().shared_client() as shared:
            await asyncio.sleep(0)
            return shared

    async def run():
        return await asyncio.gather(*(borrow() for _ in range(100)))

    connect()
    assert len({id(shared) for shared in asyncio.run(run())}) == 1


def test_a_wait_in_an_event_loop_uses_the_hooks_clock_and_transport(script, connect):
    connect(host=BASE_URL)
    clock = FakeClock()
    hook = LayersHook(clock=clock, transport=script(ok(JOB), ok(JOB | {"status": "completed"})))

    async def run():
        async with hook.shared_client() as shared:
            return await shared.watcher.wait(job_target("job_1", deadline=NOW + 600, clock=clock))

    assert asyncio.run(run()).status == "completed"
    assert sum(clock.slept) >= 1.0


def test_a_key_that_works_is_connected(script, key):
    api = script(ok({"organizationName": "Acme", "rateLimitTier": "pilot"}))
    assert scripted_hook(api).test_connection() == (True, "Connected to Acme (rate limit tier pilot).")
    assert api.requests[0].headers["authorization"] == f"Bearer {key}"


@pytest.mark.parametrize(
    ("reply", "parts"),
    [
        (error(401, "UNAUTHENTICATED"), ["refused the key as wrong, revoked", "req_1"]),
        (error(503, "KILL_SWITCH", details={"scope": "key"}), ["suspended", "req_1"]),
        (ok({"organizationName": "Acme", "killSwitch": True}), ["cannot be used", "suspended"]),
        (ok({"organizationName": "Acme", "apiAccessRevoked": True}), ["cannot be used", "revoked"]),
        (error(429, "RATE_LIMITED"), ["429 RATE_LIMITED"]),
        (error(500), ["500"]),
        (LOST, ["no response"]),
        (ok(b"<html>"), ["not a JSON object"]),
        (ok({}, 302, location="https://evil.example/"), ["redirect", "evil.example"]),
    ],
)
def test_a_key_that_does_not_work_is_reported_after_one_request(script, key, reply, parts):
    works, text = scripted_hook(script(reply)).test_connection()
    assert works is False
    assert [part for part in parts if part not in text] == []
    assert key not in text


def test_a_connection_that_is_filled_in_wrongly_is_reported(connect):
    connect(host="https://api.layers.com/v1")
    works, text = LayersHook().test_connection()
    assert works is False
    assert "base URL" in text


def test_the_key_has_no_repr(script, key):
    hook = scripted_hook(script())
    assert key not in f"{hook!r} {hook.settings!r} {hook.get_conn()!r}"


def test_the_form_below_airflow_3_2():
    behaviour = LayersHook.get_ui_field_behaviour()
    assert behaviour["relabeling"] == {"password": "API key", "host": "Base URL"}
    assert behaviour["hidden_fields"] == ["login", "port", "schema"]
    pytest.importorskip("flask_appbuilder", reason="Airflow 3 takes the form from the provider's metadata")
    assert list(LayersHook.get_connection_form_widgets()) == list(CONNECTION_FIELDS)
