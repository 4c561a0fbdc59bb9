"""Developer tooling: a real Airflow on this machine, the demo, the playground, chaos runs and benchmarks."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
