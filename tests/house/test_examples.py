"""The example DAGs are complete, and Airflow can parse them without a network."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import socket

import pytest
from airflow.providers.common.compat.sdk import DAG

from tests.house.public import OPERATORS, SENSORS, pairs
from tests.house.source import CHECKOUT

EXAMPLES = sorted((CHECKOUT / "example_dags").glob("*.py"))


def load_dag(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (dag,) = [value for value in vars(module).values() if isinstance(value, DAG)]
    return dag


@pytest.fixture
def dags(monkeypatch):
    """All examples, parsed without a network and without a connection."""

    def refuse(*args, **kwargs):
        pytest.fail("An example used the network while it was parsed.")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_")]:
        monkeypatch.delenv(name)
    return {path: load_dag(path) for path in EXAMPLES}


def test_each_example_is_one_dag_named_as_its_file(dags):
    assert dags
    assert [path.stem for path, dag in dags.items() if dag.dag_id != path.stem or not dag.tasks] == []
    for dag in dags.values():
        dag.check_cycle()


def test_each_example_documents_itself(dags):
    undocumented = []
    for path, dag in dags.items():
        docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
        summary = docstring.partition("\n")[0]
        if not summary or summary not in dag.doc_md or not {"example", "layers"} <= set(dag.tags):
            undocumented.append(path.stem)
    assert undocumented == []


def test_each_example_sets_retries(dags):
    """A retry recovers from a lost response and from a deferral that loses the race in Airflow 3.3."""
    without = []
    for path, dag in dags.items():
        ours = [task for task in dag.tasks if task.task_type.startswith("Layers")]
        assert ours, path.stem
        without += [f"{path.stem}: {task.task_id}" for task in ours if not task.retries]
    assert without == []


def test_no_example_contains_a_key():
    secret = re.compile(r"lp_(live|test)_|password|api_key")
    assert [path.stem for path in EXAMPLES if secret.search(path.read_text())] == []


def test_every_operator_and_sensor_is_in_an_example(dags):
    used = {task.task_type for dag in dags.values() for task in dag.tasks}
    assert {name for _, name in pairs(OPERATORS, SENSORS)} - used == set()
