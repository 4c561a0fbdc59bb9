"""The command line: ``python -m airflow_provider_layers.emulator``."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, get_args

from airflow_provider_layers.emulator import Emulator
from airflow_provider_layers.emulator.errors import ApiError
from airflow_provider_layers.emulator.settings import ReviewPolicy, Tier


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the emulator until it is interrupted, and return the exit code.

    :param arguments: command line; by default that of the process
    """
    options = _parser().parse_args(arguments)
    settings = _settings(options)
    try:
        emulator = Emulator(
            options.seed,
            options.clock,
            host=options.host,
            port=options.port,
            api_key=options.api_key,
            **settings,
        ).start()
    except (OSError, ApiError) as error:
        sys.stderr.write(f"The emulator cannot start: {error}\n")
        return 1
    _run(emulator, f"{emulator.url}\n" if options.quiet else _describe(emulator))
    return 0


def _run(emulator: Emulator, description: str) -> None:
    # A supervisor sends SIGTERM; the sockets are closed as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        sys.stdout.write(description)
        sys.stdout.flush()
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
    finally:
        emulator.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m airflow_provider_layers.emulator",
        description="The Layers Partner API, emulated on this machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8765, help="port to listen on, 0 for a free one")
    add("--seed", type=int, default=1, help="seed of ids and random numbers")
    frozen = "time of a frozen clock passes through the control API only"
    add("--clock", choices=("real", "frozen"), default="real", help=frozen)
    add("--api-key", help="default API key; None: drawn from the seed")
    add("--quiet", action="store_true", help="print the address only")
    _add_settings(parser)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--job-seconds", default="90", help="duration of a job: seconds, or a range such as 60-180")
    add("--publish-seconds", type=float, default=30.0, help="how long a post is publishing")
    add("--tier", choices=get_args(Tier), default="standard", help="rate limits")
    add("--credits", type=int, default=10_000, help="credit balance")
    add(
        "--review-policy",
        choices=get_args(ReviewPolicy),
        default="review_all",
        help="review policy of the default project",
    )
    gate = "response to scheduling pending content: 202 (blocked) or 403 (forbidden)"
    add("--schedule-gate", choices=("blocked", "forbidden"), default="blocked", help=gate)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    low, dash, high = options.job_seconds.partition("-")
    try:
        seconds: float | list[float] = [float(low), float(high)] if dash else float(low)
    except ValueError:
        sys.exit(f"--job-seconds takes seconds or a range such as 60-180, not {options.job_seconds!r}")
    names = ("tier", "credits", "review_policy", "schedule_gate", "publish_seconds")
    return {"job_seconds": seconds, **{name: getattr(options, name) for name in names}}


def _describe(emulator: Emulator) -> str:
    return f"""Layers emulator
  address          {emulator.url}
  overview page    {emulator.url}/_emulator/
  API key          {emulator.api_key}
  project          {emulator.project_id}
  social accounts  {", ".join(emulator.social_account_ids)}
  top post         {emulator.top_post_ids[0]}

export AIRFLOW_CONN_LAYERS_DEFAULT='{emulator.airflow_connection_json}'

Ctrl-C to stop.
"""


if __name__ == "__main__":
    sys.exit(main())
