"""
What waiting costs in the triggerer, ours against other providers', over TLS, in one run.

    python -m dev.benchmarks.waiting [--quick] [--only ours,http] [--waits 100,1000] [--seconds 20]
        [--json FILE]
    python -m dev.benchmarks.waiting --triggerer [also] ...

The server runs on one core, the waits on another. A whole run takes about twelve minutes, the part through
Airflow's own triggerer about five.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dev.benchmarks.waiting import programme
from dev.benchmarks.waiting.cases import CASES
from dev.benchmarks.waiting.report import show
from dev.benchmarks.waiting.runner import CORES, Site, serving

PACKAGES = (
    "apache-airflow",
    "apache-airflow-providers-http",
    "apache-airflow-providers-dbt-cloud",
    "apache-airflow-providers-databricks",
    "httpx",
    "aiohttp",
)


def main() -> None:
    """Run what was asked for and print one table."""
    asked = _arguments()
    options = programme.Options(asked.only, asked.waits, asked.seconds, asked.projects)
    about = _about()
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    with serving() as site:
        found = _found(site, options, asked)
    print(f"\n{show(found)}")
    if asked.quick:
        print("This was --quick: it shows that everything runs, and the numbers mean nothing.")
    if asked.json:
        asked.json.write_text(json.dumps({"about": about} | found.as_json(), indent=1) + "\n")


def _found(site: Site, options: programme.Options, asked: argparse.Namespace) -> programme.Findings:
    found = programme.Findings()
    if asked.triggerer != "only":
        found = programme.quick(site, options) if asked.quick else programme.whole(site, options)
    if asked.triggerer:
        found.triggerer = programme.in_triggerer(site, options, quick=asked.quick)
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = programme.Options()
    parser.add_argument("--quick", action="store_true", help="only show that everything runs, in seconds")
    parser.add_argument("--only", type=_names, default=default.cases, help=f"of {','.join(CASES)}")
    parser.add_argument("--waits", type=_numbers, default=default.waits, help="sizes (100,1000,5000)")
    parser.add_argument("--seconds", type=int, default=default.seconds, help="measured for each case (30)")
    parser.add_argument("--projects", type=int, default=default.projects, help="that the jobs lie in (1)")
    parser.add_argument(
        "--triggerer",
        nargs="?",
        const="only",
        choices=("only", "also"),
        help="1,000 waits through Airflow's own triggerer, instead of the others or also (Airflow 3); "
        f"of {','.join(programme.TRIGGERER_CASES)} unless --only names other cases",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(CASES)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _about() -> dict[str, Any]:
    told = {"Python": platform.python_version(), "cores": len(CORES)}
    return told | {name.removeprefix("apache-airflow-"): _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
