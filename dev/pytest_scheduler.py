"""A pytest plugin that runs all tests with a real Airflow on one worker: ``-n 2 -p dev.pytest_scheduler``.

They share an Airflow, and they take longest, so they come first; the other workers run the rest meanwhile.
The groups of pytest-xdist 3.8 (``--dist loadgroup``) have no effect with pytest 9.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer  # type: ignore[import-untyped]

AIRFLOW_TESTS = ("tests/system/", "tests/chaos/", "tests/benchmarks/")


class AirflowScheduling(LoadScopeScheduling):  # type: ignore[misc]  # its base is untyped
    """Schedules the tests with a real Airflow together, and each of the others separately."""

    def _split_scope(self, nodeid: str) -> str:
        return "airflow" if nodeid.startswith(AIRFLOW_TESTS) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> AirflowScheduling:
    """Return the scheduler."""
    return AirflowScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the tests with a real Airflow to the front."""
    items.sort(key=lambda item: not item.nodeid.startswith(AIRFLOW_TESTS))
