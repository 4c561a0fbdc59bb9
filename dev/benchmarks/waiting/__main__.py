"""The cost of waiting in the triggerer, with this provider and with others, over TLS, in the same run.

    python -m dev.benchmarks.waiting [--quick] [--only ours,http] [--waits 100,1000] [--seconds 20]
        [--json FILE]
    python -m dev.benchmarks.waiting --triggerer [also] ...

The server runs on one core, the waits on another. A whole run takes about twelve minutes, and the part in
Airflow's triggerer about five.
"""

from __future__ import annotations

import argparse
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dev.benchmarks.waiting import runner
from dev.benchmarks.waiting.cases import CASES
from dev.benchmarks.waiting.processes import CORES, Site, running_server
from dev.benchmarks.waiting.report import format_results

PACKAGES = (
    "apache-airflow",
    "apache-airflow-providers-http",
    "apache-airflow-providers-dbt-cloud",
    "apache-airflow-providers-databricks",
    "httpx",
    "aiohttp",
)


def main() -> None:
    """Run the selected parts and print the tables."""
    arguments = _parse_arguments()
    options = runner.RunOptions(arguments.only, arguments.waits, arguments.seconds, arguments.projects)
    versions = _versions()
    print(", ".join(f"{name} {value}" for name, value in versions.items()), flush=True)
    with running_server() as site:
        results = _run(site, options, arguments)
    print(f"\n{format_results(results)}")
    if arguments.quick:
        print("This was --quick: it shows that everything works, and the numbers mean nothing.")
    if arguments.json:
        arguments.json.write_text(json.dumps({"versions": versions} | results.as_json(), indent=1) + "\n")


def _run(site: Site, options: runner.RunOptions, arguments: argparse.Namespace) -> runner.RunResults:
    results = runner.RunResults()
    if arguments.triggerer != "only":
        run = runner.run_quick if arguments.quick else runner.run_whole
        results = run(site, options)
    if arguments.triggerer:
        results.triggerer = runner.run_in_triggerer(site, options, quick=arguments.quick)
    return results


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = runner.RunOptions()
    parser.add_argument("--quick", action="store_true", help="only show that everything works, in seconds")
    parser.add_argument("--only", type=_case_names, default=default.cases, help=f"of {','.join(CASES)}")
    parser.add_argument("--waits", type=_numbers, default=default.sizes, help="sizes (100,1000,5000)")
    parser.add_argument(
        "--seconds",
        type=int,
        default=default.seconds,
        help=f"length of the measured window ({default.seconds})",
    )
    parser.add_argument("--projects", type=int, default=default.projects, help="projects of the jobs (1)")
    parser.add_argument(
        "--triggerer",
        nargs="?",
        const="only",
        choices=("only", "also"),
        help="1,000 waits in Airflow's triggerer, instead of the other parts or in addition (Airflow 3); "
        f"of {','.join(runner.TRIGGERER_CASES)} unless --only names other cases",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    return parser.parse_args()


def _case_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in CASES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(CASES)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _versions() -> dict[str, str]:
    packages = {name.removeprefix("apache-airflow-"): _version(name) for name in PACKAGES}
    return {"Python": platform.python_version(), "cores": str(len(CORES)), **packages}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
