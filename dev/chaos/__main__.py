"""``python -m dev.chaos``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace

from dev.chaos.plan import SHORT, Plan
from dev.chaos.report import failed, table
from dev.chaos.show import run


def main() -> int:
    """Run the adversary, print the table, and tell by the exit code whether everything held."""
    plan, name, compared = _plan()
    if compared:
        from dev.chaos.comparison import compare

        _say(compare(name, plan, _say))
        return 0
    rows = run(name, plan, _say)
    _say(table(rows))
    return 1 if failed(rows) else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _plan() -> tuple[Plan, str, bool]:
    parser = argparse.ArgumentParser(
        "python -m dev.chaos", description="A job is paid for once: a proof by violence."
    )
    parser.add_argument("--short", action="store_true", help="the form of about two minutes")
    parser.add_argument("--compare", action="store_true", help="other providers, under the same adversary")
    parser.add_argument("--name", default="chaos", help="names the AIRFLOW_HOME, .airflow/<name>")
    for field in fields(Plan):
        if field.name != "strict":
            kind = type(field.default)
            parser.add_argument(
                f"--{field.name.replace('_', '-')}", type=kind, help=f"default {field.default}"
            )
    chosen = vars(parser.parse_args())
    plan = SHORT if chosen.pop("short") else Plan()
    name, compared = chosen.pop("name"), chosen.pop("compare")
    given = {key: value for key, value in chosen.items() if value is not None}
    return replace(plan, **given), name, compared


if __name__ == "__main__":
    sys.exit(main())
