"""Keep Airflow and the emulator running, with a run that waits for a review: ``python -m dev.playground``."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from dev.console import Console
from dev.demo import demo_environment
from dev.local_airflow import sigterm_as_interrupt
from dev.reviewer import ReviewRun, start_reviews

if TYPE_CHECKING:
    from dev.environment import Environment

JOB_SECONDS = 6
PASSWORD = "admin"  # Airflow listens on 127.0.0.1 only


def print_addresses(environment: Environment, run: ReviewRun, console: Console) -> None:
    """Print where to open what."""
    airflow, emulator = environment.airflow, environment.emulator
    console.heading("Running until Ctrl-C")
    console.table(
        ("what", "where"),
        [
            ("Your review", f"{airflow.url}{run.page(0)}"),
            ("  user, password", f"{airflow.user}, {airflow.password}"),
            ("All examples", f"{airflow.url}/dags"),
            ("Layers API (emulator)", f"{emulator.url}/_emulator/"),
            ("  API key", emulator.control.api_key),
        ],
    )
    print(flush=True)


def main() -> int:
    """Run the playground until it is interrupted, and return the exit code."""
    console = Console()
    with (
        sigterm_as_interrupt(),
        demo_environment("playground", console, job_seconds=JOB_SECONDS, password=PASSWORD) as environment,
    ):
        run = start_reviews(environment.airflow, environment.emulator.control, JOB_SECONDS)
        console.event(f"{len(run.container_ids)} reviews", "wait for you")
        print_addresses(environment, run, console)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
