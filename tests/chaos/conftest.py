"""The short form runs on Airflow 3 only: kills and clears go through processes and routes of that release."""

from __future__ import annotations

import pytest

from dev.releases import airflow_version, installed_release


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "airflow3: needs Airflow 3; left out on 2.11")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if installed_release().has_rest:
        return
    for item in items:
        if item.get_closest_marker("airflow3"):
            item.add_marker(pytest.mark.skip(reason=f"needs Airflow 3, this is {airflow_version()}"))
