"""The examples are whole, and reach for nothing when Airflow reads them."""

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


def read(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (dag,) = [one for one in vars(module).values() if isinstance(one, DAG)]
    return dag


@pytest.fixture
def alone(monkeypatch):
    """No network at all, and no connection."""

    def refuse(*args, **kwargs):
        pytest.fail("An example reached for the network while it was read.")

    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in [name for name in os.environ if name.startswith("AIRFLOW_CONN_")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_read_without_network_and_connection(path, alone):
    dag = read(path)
    assert dag.dag_id == path.stem
    assert dag.tasks
    dag.check_cycle()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_explains_itself(path):
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    dag = read(path)
    assert docstring.splitlines()[0] in dag.doc_md
    assert {"example", "layers"} <= set(dag.tags)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_asks_for_retries(path):
    """A deferral that loses Airflow's race, and an answer that was lost, are mended by a retry."""
    ours = [task for task in read(path).tasks if task.task_type.startswith("Layers")]
    assert ours
    assert [task.task_id for task in ours if not task.retries] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_holds_no_key(path):
    assert not re.search(r"lp_(live|test)_|password|api_key", path.read_text())


def test_every_operator_and_sensor_is_in_an_example():
    used = {task.task_type for path in EXAMPLES for task in read(path).tasks}
    assert {name for _, name in pairs(OPERATORS, SENSORS)} - used == set()
