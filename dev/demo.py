"""Run the content pipeline once, show what came of it, and leave nothing running: ``python -m dev.demo``."""

from __future__ import annotations

import sys

from dev import report
from dev.console import Screen
from dev.home import sigterm_as_interrupt
from dev.pipeline import complaints, run_pipeline, stage


def main() -> int:
    """Run the demo and return the exit code."""
    screen = Screen()
    with sigterm_as_interrupt():
        with stage("demo", screen) as on:
            outcome = run_pipeline(on, screen)
            found = complaints(outcome, on.emulator)
        report.show(outcome, screen)
        print("\n  (The pictures are gone with the emulator; `make playground` leaves it open.)")
        return report.verdict(found, screen)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
