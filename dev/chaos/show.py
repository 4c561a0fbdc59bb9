"""One whole chaos run, from nothing to its table."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dev.chaos.campaign import Campaign
from dev.chaos.report import Row, judge
from dev.chaos.scene import scene
from dev.chaos.snapshot import collect, search, settle, write_diary
from dev.chaos.trap import trap

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.chaos.plan import Plan


def run(name: str, plan: Plan, say: Callable[[str], None]) -> list[Row]:
    """Start everything, let the adversary work, and judge what is left.

    :param name: names the AIRFLOW_HOME
    :param plan: the numbers
    :param say: told about the progress
    """
    begin = time.monotonic()
    with trap() as redirects, scene(name, plan) as stage:
        api_key = stage.emulator.control.api_key
        say(f"Airflow {stage.airflow.address}, emulator {stage.emulator.address}")
        campaign = Campaign(stage, plan, say, redirects.address)
        campaign.run()
        settle(stage)
        evidence = collect(stage, campaign.record, redirects.caught)
    # The files are complete, and the database is written back, when every process has ended.
    search(evidence, api_key)
    rows = judge(evidence, plan)
    for note, times in campaign.record.notes.items():
        say(f"note: {note}, {times} times")
    write_diary(evidence)
    say(f"seed {plan.seed}, {time.monotonic() - begin:.0f} s")
    return rows
