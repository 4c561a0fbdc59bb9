"""Imports go down only, and each library is known where it belongs."""

from __future__ import annotations

import ast
import subprocess
import sys

from tests.house.source import EMULATOR, FLOORS

FLOOR = {
    "exceptions": 0,
    "clock": 0,
    "redaction": 0,
    "api": 1,
    "client": 2,
    "polling": 3,
    "task_context": 3,
    "idempotency": 4,
    "publishing": 5,
    "hooks": 5,
    "review": 6,
    "retry_policy": 6,
    "triggers": 6,
    "links": 6,
    "operators": 7,
    "sensors": 7,
    "plugins": 7,
}
# Data that every floor may read: the version, and the provider metadata.
DATA = {"", "get_provider_info"}
# With the standard library, pydantic, and the base class of a permanent error, what is left to do I/O with.
NETWORK = {"asyncio", "http", "select", "selectors", "socket", "socketserver", "ssl"}
NOT_OF_PYTHON = {"pydantic", "airflow_provider_layers"}
BOTH_RELEASES = ("airflow.providers.common.compat.sdk.", "airflow.triggers.base.")
LINEAGE = "airflow.providers.openlineage.extractors.OperatorLineage"
# What runs in the API server of Airflow 3 only, and what more of Airflow a module may know.
OF_AIRFLOW = {
    "plugins.app": (
        "airflow.api_fastapi.auth.managers.models.resource_details.DagAccessEntity",
        "airflow.api_fastapi.core_api.security.requires_access_dag",
    ),
    "plugins.queries": (
        "airflow.models.dagrun.DagRun",
        "airflow.models.taskinstance.TaskInstance",
        "airflow.models.trigger.Trigger",
        "airflow.models.xcom.XComModel",
        "airflow.utils.session.create_session",
        "airflow.utils.state.State",
    ),
    "operators.base": (LINEAGE,),
    "operators.http": (
        "airflow.providers.http.hooks.http.HttpHook",
        "airflow.providers.http.operators.http.HttpOperator",
    ),
    "operators.review": ("airflow.providers.standard.operators.hitl.HITLOperator",),
    "task_context": ("airflow.providers.common.compat.openlineage.facet.Dataset", LINEAGE),
}
IN_THE_API_SERVER = {"plugins.app", "plugins.queries"}
OF_THE_API_SERVER = {"fastapi", "starlette", "sqlalchemy"}


def top_of(imported: str) -> str:
    return imported.partition(".")[0]


def test_every_module_is_on_a_floor():
    assert [one.name for one in FLOORS if one.top not in {*FLOOR, *DATA}] == []


def test_imports_go_down():
    # A name that is on no floor is wrong as well: the emulator, or a module without a place.
    wrong = {
        module.name: [
            imported
            for imported in module.own_imports
            if imported
            and top_of(imported) not in {*DATA, module.top, "__version__"}
            and FLOOR.get(top_of(imported), 99) >= FLOOR[module.top]
        ]
        for module in FLOORS
        if module.top in FLOOR
    }
    assert {name: imports for name, imports in wrong.items() if imports} == {}


def test_data_imports_nothing_but_the_version():
    for module in FLOORS:
        if module.top in DATA:
            assert module.own_imports <= {"__version__"}
            assert {top_of(name) for name in module.imports} <= {
                "__future__",
                "typing",
                "airflow_provider_layers",
            }


def test_only_the_client_knows_httpx():
    assert [one.name for one in FLOORS if "httpx" in {top_of(name) for name in one.imports}] == ["client"]


def test_the_language_of_the_api_does_no_io():
    for module in FLOORS:
        if module.top == "api":
            tops = {top_of(name) for name in module.imports}
            assert not tops & NETWORK, module.name
            assert tops <= sys.stdlib_module_names | NOT_OF_PYTHON, module.name
            called = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
            assert not {"open", "print", "input"} & called, module.name
            attributes = {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
            assert "sleep" not in attributes, module.name


def test_the_time_comes_from_the_clock():
    # The page in the Airflow UI measures ages, and has its timer as an argument.
    imports = {one.name for one in FLOORS if {"time", "time.time", "time.monotonic"} & one.imports}
    assert imports - {"clock", "plugins.loader"} == set()


def test_airflow_is_unknown_below_the_task_context():
    wrong = {
        module.name: [name for name in module.imports if top_of(name) == "airflow"]
        for module in FLOORS
        if FLOOR.get(module.top, 0) < FLOOR["task_context"]
    }
    found = {name: imports for name, imports in wrong.items() if imports}
    assert found == {"exceptions": ["airflow.providers.common.compat.sdk.AirflowFailException"]}


def test_airflow_is_imported_in_a_way_that_both_releases_have():
    foreign = {
        module.name: [
            name
            for name in module.imports
            if top_of(name) == "airflow"
            and not name.startswith((*BOTH_RELEASES, *OF_AIRFLOW.get(module.name, ())))
        ]
        for module in FLOORS
    }
    assert {name: imports for name, imports in foreign.items() if imports} == {}


def test_the_emulator_shares_nothing_with_the_floors():
    assert [one.name for one in EMULATOR for name in one.own_imports if top_of(name) != "emulator"] == []
    assert [one.name for one in EMULATOR if "airflow" in {top_of(name) for name in one.imports}] == []


def test_what_runs_in_the_api_server_is_loaded_there_only():
    knows = {one.name for one in FLOORS if OF_THE_API_SERVER & {top_of(name) for name in one.imports}}
    assert knows - IN_THE_API_SERVER == set()
    # What is imported inside a function, or for types, is not loaded with the module.
    parts = tuple(f"airflow_provider_layers.{name}" for name in IN_THE_API_SERVER)
    for module in FLOORS:
        at_once = [node for node in module.tree.body if isinstance(node, ast.ImportFrom)]
        loaded = {f"{node.module}.{alias.name}" for node in at_once for alias in node.names}
        early = [name for name in loaded if name.startswith(parts)]
        assert module.name in IN_THE_API_SERVER or not early, module.name


def test_a_dag_file_loads_only_what_it_needs():
    """A DAG file is parsed again and again, mostly to be run on a worker that never waits or reviews."""
    script = """
import sys
import airflow_provider_layers.operators.content, airflow_provider_layers.operators.jobs
import airflow_provider_layers.operators.scheduled_posts, airflow_provider_layers.operators.top_performers
print([name for name in sys.modules if name.startswith("airflow_provider_layers.triggers.")])
import airflow_provider_layers.sensors.content, airflow_provider_layers.sensors.jobs
import airflow_provider_layers.sensors.scheduled_posts, airflow_provider_layers.sensors.top_performers
heavy = ("airflow.providers.http.operators", "airflow.providers.http.hooks", "aiohttp", "fastapi",
    "airflow_provider_layers.emulator", "airflow_provider_layers.review",
    "airflow.providers.standard.operators.hitl")
print([name for name in sys.modules if name.startswith(heavy)])
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-2:] == ["[]", "[]"]
