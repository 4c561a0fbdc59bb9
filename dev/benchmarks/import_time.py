"""The cost of importing our operators in a DAG file, compared with two released providers.

The cases run in new interpreters, in turn, so that a slow moment of the machine affects all of them. The cost
of a case is its median above bare ``airflow.sdk`` with the names that every operator needs.

    python -m dev.benchmarks.import_time [--rounds 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

BARE = """
from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, BaseOperatorLink, BaseSensorOperator
from airflow.providers.common.compat.sdk import AirflowFailException, PokeReturnValue, XCom, conf
"""

CASES = {
    "layers": """
import airflow_provider_layers.operators.content
import airflow_provider_layers.operators.jobs
import airflow_provider_layers.operators.top_performers
import airflow_provider_layers.sensors.jobs
""",
    "http": """
import airflow.providers.http.operators.http
import airflow.providers.http.sensors.http
""",
    "dbt-cloud": """
import airflow.providers.dbt.cloud.operators.dbt
import airflow.providers.dbt.cloud.sensors.dbt
""",
}

PROGRAM = """
import time
{bare}
start = time.perf_counter()
{case}
print(time.perf_counter() - start)
"""


def measure(case: str) -> float:
    """Run the imports of a case in a new interpreter and return the milliseconds above ``BARE``."""
    program = PROGRAM.format(bare=BARE, case=case)
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, check=True)
    return float(result.stdout.split()[-1]) * 1000


def main() -> None:
    """Measure all cases in turn and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15, help="new interpreters for each case (15)")
    rounds = parser.parse_args().rounds
    for case in CASES.values():
        measure(case)  # writes the bytecode, as an installation does
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, case in CASES.items():
            times[name].append(measure(case))
    cost = {name: statistics.median(of_case) for name, of_case in times.items()}
    cheapest = min(cost[name] for name in ("http", "dbt-cloud"))
    print(f"import cost over bare airflow.sdk, median of {rounds} new interpreters each")
    print(f"{'case':<18}{'ms':>8}{'layers / case':>16}")
    for name in ("layers", "http", "dbt-cloud"):
        print(f"{name:<18}{cost[name]:>8.1f}{cost['layers'] / cost[name]:>16.2f}")
    print(f"layers / cheapest peer: {cost['layers'] / cheapest:.2f} (target: at most 0.50)")


if __name__ == "__main__":
    main()
