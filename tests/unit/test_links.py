"""The links from a task to its job and to its content."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_layers.links.content import LayersContentLink
from airflow_provider_layers.links.jobs import LayersJobLink

KEY = object()


@pytest.mark.parametrize(
    ("link", "name", "xcom_key", "pushed_key"),
    [
        (LayersJobLink(), "Layers job", "_link_LayersJobLink", "job_url"),
        (LayersContentLink(), "Layers content", "_link_LayersContentLink", "content_url"),
    ],
)
def test_a_link_opens_the_url_that_the_task_pushed(monkeypatch, link, name, xcom_key, pushed_key):
    requested, pushed = [], {(pushed_key, KEY): "https://api.layers.com/x"}

    def get_value(*, key, ti_key):
        requested.append((key, ti_key))
        return pushed.pop((key, ti_key), None)

    monkeypatch.setattr(XCom, "get_value", get_value)
    assert isinstance(link, BaseOperatorLink)
    # Airflow writes to its own key at the end of each try, so it must not be the one that means the URL.
    assert (link.name, link.xcom_key) == (name, xcom_key)
    assert link.get_link(None, ti_key=KEY) == "https://api.layers.com/x"
    assert link.get_link(None, ti_key=KEY) == "", "no URL was pushed"
    assert requested == [(pushed_key, KEY)] * 2
