"""Reading a project."""

from __future__ import annotations

import pytest

from airflow_provider_layers.api.flow import call
from airflow_provider_layers.api.projects import get_project
from airflow_provider_layers.exceptions import LayersParameterError
from tests.unit.driving import drive, good


def test_a_project_is_given_as_the_api_gives_it():
    driven = drive(call(get_project("prj/1")), [good({"timezone": "Europe/Berlin"})])
    assert driven.result == {"timezone": "Europe/Berlin"}
    assert driven.asked == ["GET /v1/projects/prj%2F1"]


def test_a_project_needs_an_id():
    with pytest.raises(LayersParameterError, match="project_id = ''"):
        get_project("")
