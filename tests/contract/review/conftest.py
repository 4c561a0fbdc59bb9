"""Fixtures of the contract tests of reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.review.reviewing import Reviews

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def reviews(api: Any, airflow: Any, made: Any, posted: Any, monkeypatch: pytest.MonkeyPatch) -> Reviews:
    """Create reviews, with Airflow's table of questions in this process."""
    from airflow.providers.standard.operators import hitl

    reviews = Reviews(api, airflow, made, posted)
    monkeypatch.setattr(hitl, "upsert_hitl_detail", reviews.questions.upsert)
    return reviews


@pytest.fixture
def regenerations(api: Any) -> Callable[[], list[Any]]:
    """Return the jobs that made new versions."""
    return lambda: [job for job in api.jobs() if job.kind == "content_regenerate"]
