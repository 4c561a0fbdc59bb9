"""The review on an Airflow that cannot ask people."""

from __future__ import annotations

import importlib
import sys

import pytest
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException

from airflow_provider_layers.operators import content
from airflow_provider_layers.operators.review_below import LayersReviewContentOperator
from dev.releases import installed_release

below = pytest.mark.skipif(installed_release().has_rest, reason="from Airflow 3.1 on people can be asked")


@pytest.mark.parametrize("make", [LayersReviewContentOperator, LayersReviewContentOperator.partial])
@pytest.mark.parametrize(
    "given", [{}, {"task_id": "review", "container_id": "cnt_1", "max_regenerations": 1}]
)
def test_it_says_what_to_use_instead(make, given):
    with pytest.raises(AirflowOptionalProviderFeatureException, match=r"Airflow 3\.1 or later") as caught:
        make(**given)
    assert "LayersContentApprovalSensor" in str(caught.value)
    assert "LayersApproveContentOperator" in str(caught.value)


@below
def test_it_is_what_is_imported_there():
    assert content.LayersReviewContentOperator is LayersReviewContentOperator
    assert importlib.import_module(content.__name__) is content


@below
@pytest.mark.parametrize(
    "how", ["{}(task_id='r', container_id='c')", "{}.partial(task_id='r').expand(container_id=[])"]
)
def test_a_dag_that_uses_it_there_is_told(how):
    with pytest.raises(AirflowOptionalProviderFeatureException, match="LayersContentApprovalSensor"):
        eval(how.format("content.LayersReviewContentOperator"))


def test_it_takes_the_place_of_the_review_where_the_review_cannot_be_imported(monkeypatch):
    class Below:
        def find_spec(self, name, path=None, target=None):
            if name == "airflow_provider_layers.operators.review":
                raise AirflowOptionalProviderFeatureException("needs Airflow 3.1+.")

    monkeypatch.delitem(sys.modules, "airflow_provider_layers.operators.review", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Below(), *sys.meta_path])
    assert content.LayersReviewContentOperator is LayersReviewContentOperator
