"""Leave Airflow and the emulator open, with a run that waits for a review: ``python -m dev.playground``."""

from __future__ import annotations

import contextlib
import signal
import sys

from dev.console import Screen
from dev.home import sigterm_as_interrupt
from dev.pipeline import Stage, stage
from dev.review_run import ReviewRun, ask_people

USER_PASSWORD = "admin"  # it serves 127.0.0.1 only


def invite(on: Stage, asked: ReviewRun, screen: Screen) -> None:
    """Print where to look.

    :param on: the running Airflow and emulator
    :param asked: the run that waits
    :param screen: where it is shown
    """
    airflow, emulator = on.airflow, on.emulator
    screen.title("Open until Ctrl-C")
    screen.table(
        ("what", "where"),
        [
            ("Your review waits here", f"{airflow.address}{asked.page(0)}"),
            ("  user, password", f"{airflow.user}, {airflow.password}"),
            ("All examples", f"{airflow.address}/dags"),
            ("Layers API (emulator)", f"{emulator.address}/_emulator/"),
            ("  API key", emulator.control.api_key),
        ],
    )
    print(flush=True)


def main() -> int:
    """Run the playground until it is interrupted, and return the exit code."""
    screen = Screen()
    with sigterm_as_interrupt(), stage("playground", screen, USER_PASSWORD) as on:
        asked = ask_people(on.airflow, on.emulator.control)
        screen.happened(f"{len(asked.containers)} reviews", "wait for you")
        invite(on, asked, screen)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
