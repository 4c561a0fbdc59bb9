"""``python -m dev.chaos``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace

from dev.chaos.campaign import SHORT, CampaignPlan, run_chaos
from dev.chaos.comparison import compare_providers
from dev.chaos.report import format_table, has_passed


def main() -> int:
    """Run the campaign, print its table, and return 1 if a requirement is missed."""
    plan, name, compare = _arguments()
    if compare:
        _notify(compare_providers(name, plan, _notify))
        return 0
    rows = run_chaos(name, plan, _notify)
    _notify(format_table(rows))
    return 0 if has_passed(rows) else 1


def _notify(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _arguments() -> tuple[CampaignPlan, str, bool]:
    parser = argparse.ArgumentParser(
        "python -m dev.chaos", description="Break a real Airflow in every way: each job is paid for once."
    )
    parser.add_argument("--short", action="store_true", help="the form of about two minutes")
    parser.add_argument("--compare", action="store_true", help="other providers under the same adversary")
    parser.add_argument("--name", default="chaos", help="name of the AIRFLOW_HOME, .airflow/<name>")
    options = [field for field in fields(CampaignPlan) if field.name != "strict"]
    for field in options:
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=type(field.default), help=f"default {field.default}")
    arguments = parser.parse_args()
    given = {field.name: value for field in options if (value := getattr(arguments, field.name)) is not None}
    plan = replace(SHORT if arguments.short else CampaignPlan(), **given)
    # A longer run may take longer to reach its numbers.
    plan = replace(plan, max_seconds=max(plan.max_seconds, 1.6 * plan.seconds))
    return plan, arguments.name, arguments.compare


if __name__ == "__main__":
    sys.exit(main())
