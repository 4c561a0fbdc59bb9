"""What the log says of a job whose wait does not end by itself."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseTrigger

from airflow_provider_layers.operators.content import LayersRegenerateContentOperator
from tests.unit.tasks import context


@pytest.fixture
def operator():
    return LayersRegenerateContentOperator(task_id="t", container_id="cnt_1", deferrable=True)


def logged(caplog, capfd) -> str:
    # Airflow 3 writes to the standard output, Airflow 2 to the logging of Python.
    return caplog.text + "".join(capfd.readouterr())


def test_a_wait_that_airflow_ended_names_its_job(operator, caplog, capfd):
    of_task = context(operator)
    of_task["ti"].xcom_push(key="job_id", value="job_1")
    with pytest.raises(Exception, match="Trigger"):
        operator.resume_execution("__fail__", {"error": "Trigger timeout"}, of_task)
    assert "job_1. The job itself goes on" in logged(caplog, capfd)


@pytest.mark.parametrize("cancel_on_kill", [True, False])
def test_a_deferred_wait_that_no_kill_reaches_names_its_job(
    operator, caplog, capfd, cancel_on_kill, monkeypatch
):
    monkeypatch.delattr(BaseTrigger, "on_kill", raising=False)
    operator.cancel_on_kill = cancel_on_kill
    with pytest.raises(TaskDeferred):
        operator._defer("job_1", ["cnt_1"], 0.0)
    assert ("job_1 goes on" in logged(caplog, capfd)) is cancel_on_kill
