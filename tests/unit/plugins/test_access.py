"""What requests may be is shown by tests/contract/plugins/test_access.py."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow3


@pytest.mark.parametrize(("given", "index"), [("0", 0), ("7", 7), ("999999999", 999_999_999)])
def test_a_number_is_a_place(given, index):
    from airflow_provider_layers.plugins.access import map_index_of

    assert map_index_of(given) == index


@pytest.mark.parametrize("given", ["", "-1", "{MAP_INDEX}", "undefined", "1.0", " 1", "1\n", "9" * 10, "1e3"])
def test_anything_else_is_no_place(given):
    from airflow_provider_layers.plugins.access import map_index_of

    assert map_index_of(given) is None
