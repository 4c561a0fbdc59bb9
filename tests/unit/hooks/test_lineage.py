"""What OpenLineage is told."""

from __future__ import annotations

import pytest

from airflow_provider_layers.hooks.lineage import lineage


def names(datasets):
    return [(one.namespace, one.name) for one in datasets]


def test_what_was_read_goes_in_and_what_was_made_comes_out():
    told = lineage("https://api.layers.com", read=["content/cnt_1"], made=["post/sp_1", "post/sp_2"])
    assert names(told.inputs) == [("layers://api.layers.com", "content/cnt_1")]
    assert names(told.outputs) == [
        ("layers://api.layers.com", "post/sp_1"),
        ("layers://api.layers.com", "post/sp_2"),
    ]


@pytest.mark.parametrize("base_url", ["https://api.layers.com/", "https://api.layers.com/proxy"])
def test_the_host_names_the_place(base_url):
    assert lineage(base_url, read=["content/cnt_1"], made=[]).inputs[0].namespace == "layers://api.layers.com"
