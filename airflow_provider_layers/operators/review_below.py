"""What stands in for the review where Airflow cannot ask people: below 3.1."""

from __future__ import annotations

from typing import Any, NoReturn

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException, BaseOperator

INSTEAD = (
    "LayersReviewContentOperator needs Airflow 3.1 or later with apache-airflow-providers-standard, where "
    "people answer in the Airflow UI. Here, let them approve in Layers and wait for it with "
    "LayersContentApprovalSensor, or decide in the Dag with LayersApproveContentOperator and "
    "LayersRejectContentOperator."
)


class LayersReviewContentOperator(BaseOperator):
    """Refuse to be used, and say what to use."""

    def __init__(self, **kwargs: Any) -> None:
        raise AirflowOptionalProviderFeatureException(INSTEAD)

    @classmethod
    def partial(cls, **_: Any) -> NoReturn:
        """Refuse to be mapped, too."""
        raise AirflowOptionalProviderFeatureException(INSTEAD)
