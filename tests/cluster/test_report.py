"""The table of ``make cluster``: each promise is missed by the fleet that breaks it, and by no other."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from airflow_provider_layers.emulator.control_client import CreatedJob, RecordedRequest
from dev.cluster.fleet import ClusterPlan, FormResult, SlotSample, Try
from dev.cluster.report import make_form_report

pytestmark = pytest.mark.airflow3

CHAINS = 40
RATE = 20
PLAN = ClusterPlan(CHAINS, ("mapped",), "standard", "60", retries=0, kills=True, max_minutes=45.0)
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def moment(seconds: float) -> str:
    return (BEGIN + timedelta(seconds=seconds)).isoformat()


def start(chain: int, at: float, status: int = 202) -> RecordedRequest:
    body, executed = {"brief": {"topic": f"mapped {chain}"}}, status == 202
    where = ("POST", "/v1/projects/prj_1/content")
    return RecordedRequest(
        *where, {}, {}, body, status, None, "req", moment(at), executed, False, None, "key"
    )


def job(chain: int, at: float) -> CreatedJob:
    where = (f"job_{chain}", "content_generate", "completed", "prj_1", [f"cnt_{chain}"], None, "key")
    return CreatedJob(*where, 1, 60.0, moment(at), None, False)


def started_at(chain: int, rate: float = RATE) -> float:
    return max(0, chain - RATE + 1) * 60 / rate


def good_fleet(rate: float = RATE) -> FormResult:
    """A full bucket of starts at once, the others at the tier's rate, and nothing wrong."""
    return FormResult(
        form="mapped",
        state="success",
        slots=[SlotSample(BEGIN.timestamp() + second, {0: BEGIN.timestamp()}) for second in range(60)],
        cpu=(1.0, 1.0),
        kills=["triggerer-1", "worker-1"],
        requests=[start(chain, started_at(chain, rate)) for chain in range(CHAINS)],
        jobs=[job(chain, started_at(chain, rate)) for chain in range(CHAINS)],
        posts=Counter(f"cnt_{chain}" for chain in range(CHAINS)),
    )


def missed(result: FormResult) -> list[str]:
    return [row.name.strip() for row in make_form_report(result, PLAN) if not row.passed]


def test_a_fleet_that_keeps_every_promise_passes():
    assert missed(good_fleet()) == []


def test_a_chain_with_two_posts_and_a_chain_with_none_do_not_make_up_for_each_other():
    result = good_fleet()
    result.posts.update(["cnt_0"])
    del result.posts["cnt_1"]
    assert missed(result) == ["posts per chain"]


def test_a_second_job_of_a_chain_is_found():
    result = good_fleet()
    result.requests.append(start(0, 70))
    result.jobs.append(replace(job(0, 70), job_id="job_x", container_ids=["cnt_x"]))
    assert missed(result) == ["jobs per chain"]


def test_a_failed_try_is_excused_only_if_it_ran_in_the_killed_worker():
    result = good_fleet()
    result.failed = {Try("chain.generate", 0, 1)}
    assert missed(result) == ["failed tries"]
    result.interrupted = set(result.failed)
    assert missed(result) == []


def test_starts_below_the_rate_of_the_tier_are_found_although_a_full_bucket_started_at_once():
    assert missed(good_fleet(rate=0.85 * RATE)) == ["starts per minute after the first 20"]


def test_starts_that_are_refused_again_and_again_are_found():
    result = good_fleet()
    # Before the first sample, so that no slot was held meanwhile.
    result.requests[:0] = [start(chain, -1, 429) for chain in range(CHAINS // 2)]
    assert missed(result) == ["POSTs of a start for each job"]


def test_only_those_slots_count_in_which_a_start_was_refused_and_waits():
    result = good_fleet()
    begin = BEGIN.timestamp()
    result.requests[:0] = [start(chain, 0.5, 429) for chain in (38, 39)]
    refused_meanwhile = dict.fromkeys((38, 39), begin)
    result.slots = [SlotSample(begin + second, refused_meanwhile) for second in range(1, 55)]
    assert missed(result) == ["by those that wait after a 429"]
    # They deferred after the refusal, and run again because it is their turn.
    result.slots = [SlotSample(begin + second, dict.fromkeys((38, 39), begin + 1)) for second in range(1, 55)]
    assert missed(result) == []


def test_a_run_that_did_not_end_and_kills_that_did_not_happen_are_found():
    result = good_fleet()
    result.state, result.kills = "running", ["triggerer-1"]
    assert missed(result) == ["run", "SIGKILLs"]


def test_another_provider_is_measured_but_makes_no_promise():
    result = good_fleet()
    result.form, result.state = "http", "failed"
    result.requests = [replace(request, body={"brief": {"topic": "http 0"}}) for request in result.requests]
    assert missed(result) == []
