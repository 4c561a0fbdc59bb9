"""The "Layers job" link."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_layers.links import jobs
from airflow_provider_layers.links.jobs import LayersJobLink

KEY = object()


def test_it_is_a_link_of_its_own():
    link = LayersJobLink()
    assert isinstance(link, BaseOperatorLink)
    assert link.name == "Layers job"
    # Airflow writes this key again at the end of a try: it must not be one that means something else.
    assert link.xcom_key == "_link_LayersJobLink"
    assert link.xcom_key != "job_url"


@pytest.mark.parametrize(
    ("pushed", "url"), [("https://api.layers.com/x", "https://api.layers.com/x"), (None, "")]
)
def test_it_opens_what_the_task_pushed(monkeypatch, pushed, url):
    asked = []

    class XCom:
        @staticmethod
        def get_value(*, key, ti_key):
            asked.append((key, ti_key))
            return pushed

    monkeypatch.setattr(jobs, "XCom", XCom)
    assert LayersJobLink().get_link(None, ti_key=KEY) == url
    assert asked == [("job_url", KEY)]
