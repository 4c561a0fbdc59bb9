"""``python -m dev.cluster``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from dev.chaos.report import format_table
from dev.cluster.deployment import ClusterAirflow
from dev.cluster.fleet import ClusterPlan, FormRun
from dev.cluster.report import compare_forms, make_form_report
from dev.cluster.services import running_services
from dev.environment import EmulatorProcess
from dev.local_airflow import sigterm_as_interrupt

if TYPE_CHECKING:
    from airflow_provider_layers.emulator.control_client import EmulatorControl
    from dev.cluster.fleet import FormResult

NAME = "cluster"
FORMS = ("mapped", "batch", "http")
PIPELINES = Path(__file__).parent / "pipelines"
CREDITS = 100_000_000


def main() -> int:
    """Run the forms, print their tables, and return 1 if a promise does not hold."""
    plan = _arguments()
    with sigterm_as_interrupt():
        results = _run_forms(plan)
    checked = []
    for form, result in results.items():
        rows = make_form_report(result, plan)
        checked += [(form, row) for row in rows if row.required]
        _notify(f"\n{form}\n{format_table(rows)}")
    if {"batch", "mapped"} <= results.keys():
        _notify("\n" + format_table(compare_forms(results["batch"], results["mapped"])))
    missed = [(form, row) for form, row in checked if not row.passed]
    for form, row in missed:
        _notify(f"MISS in {form}: {row.name.strip()}: {row.value}, not {row.required}")
    _notify(f"\n{len(checked) - len(missed)} of {len(checked)} promises hold.")
    return 1 if missed else 0


def _run_forms(plan: ClusterPlan) -> dict[str, FormResult]:
    started = time.monotonic()
    with ExitStack() as stack:
        services = stack.enter_context(running_services(NAME))
        options = ("--tier", plan.tier, "--job-seconds", plan.job_seconds, "--credits", str(CREDITS))
        emulator = stack.enter_context(EmulatorProcess(NAME, *options))
        control = emulator.control
        airflow = ClusterAirflow(
            NAME,
            [PIPELINES / f"{form}.py" for form in plan.forms],
            services,
            connections={
                "layers_default": control.airflow_connection_json,
                "http_default": _http_connection(control),
            },
            settings={
                "CLUSTER_PROJECT": control.project_id,
                "CLUSTER_ACCOUNT": control.social_account_ids[0],
                "CLUSTER_CHAINS": str(plan.chains),
                "CLUSTER_RETRIES": str(plan.retries),
            },
        )
        stack.enter_context(airflow)
        _notify(f"Airflow {airflow.url} (admin / {airflow.password}), emulator {emulator.url}")
        _notify(f"{len(airflow.components)} components healthy after {time.monotonic() - started:.0f} s")
        return {form: FormRun(airflow, services, emulator, plan, form, _notify).run() for form in plan.forms}


def _http_connection(control: EmulatorControl) -> str:
    return json.dumps({"conn_type": "http", "host": control.url, "password": control.api_key})


def _notify(text: str) -> None:
    print(text, flush=True)


def _arguments() -> ClusterPlan:
    parser = argparse.ArgumentParser(
        "python -m dev.cluster",
        description="Run a fleet on PostgreSQL, Redis and Celery workers, some of them killed.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--chains", type=int, default=200, help="pieces of content")
    add("--tier", choices=("standard", "pilot", "partner", "unlimited"), default="standard")
    add("--form", choices=(*FORMS, "all"), default="mapped", help="the pipeline, or all of them in one run")
    add("--job-seconds", default="60-180", help="duration of a job: seconds, or a range")
    add("--retries", type=int, default=0, help="of each task; with 0 the worker is killed without a task")
    add("--no-kills", action="store_true", help="kill nothing")
    add("--max-minutes", type=float, default=45.0, help="the longest time of a form")
    options = parser.parse_args()
    return ClusterPlan(
        chains=options.chains,
        forms=FORMS if options.form == "all" else (options.form,),
        tier=options.tier,
        job_seconds=options.job_seconds,
        retries=options.retries,
        kills=not options.no_kills,
        max_minutes=options.max_minutes,
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
