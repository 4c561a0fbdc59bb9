"""Run the content pipeline and leave Airflow and the emulator open: ``python -m dev.playground``."""

from __future__ import annotations

import contextlib
import signal
import sys

from dev import report
from dev.home import sigterm_as_interrupt
from dev.pipeline import DAG_ID, Stage, complaints, run_pipeline, stage
from dev.screen import Screen

USER_PASSWORD = "admin"  # it serves 127.0.0.1 only


def invite(on: Stage, screen: Screen) -> None:
    """Print where to look.

    :param on: the running Airflow and emulator
    :param screen: where it is shown
    """
    airflow, emulator = on.airflow, on.emulator
    screen.title("Open until Ctrl-C")
    screen.table(
        ("what", "where"),
        [
            ("Airflow", f"{airflow.address}/dags/{DAG_ID}"),
            ("  user, password", f"{airflow.user}, {airflow.password}"),
            ("Layers API (emulator)", f"{emulator.address}/_emulator/"),
            ("  API key", emulator.control.api_key),
        ],
    )
    print(flush=True)


def main() -> int:
    """Run the playground until it is interrupted, and return the exit code."""
    screen = Screen()
    with sigterm_as_interrupt(), stage("playground", screen, USER_PASSWORD) as on:
        outcome = run_pipeline(on, screen)
        report.show(outcome, screen)
        code = report.verdict(complaints(outcome, on.emulator), screen)
        invite(on, screen)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
