"""Imports go down only."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.house.source import EMULATOR, FLOORS, Module, name_of

FLOOR = {
    "exceptions": 0,
    "api": 1,
    "client": 2,
    "hooks": 3,
    "triggers": 4,
    "links": 4,
    "operators": 5,
    "sensors": 5,
    "plugins": 5,
}
# Data that anybody may read: the version, and what Airflow reads about the package.
DATA = {"", "get_provider_info"}
# With the standard library and pydantic, what is left to do I/O with.
NETWORK = {"asyncio", "http", "select", "selectors", "socket", "socketserver", "ssl"}
NOT_FROM_PYTHON = {"pydantic", "airflow_provider_layers"}
BOTH_RELEASES = ("airflow.providers.common.compat.sdk.", "airflow.providers.http.", "airflow.triggers.base.")
# What runs in the API server of Airflow 3 and nowhere else, and what more of Airflow it may know.
IN_THE_API_SERVER = {
    "plugins.app": (),
    "plugins.access": (
        "airflow.api_fastapi.auth.managers.models.resource_details.DagAccessEntity",
        "airflow.api_fastapi.core_api.security.requires_access_dag",
    ),
    "plugins.records": (
        "airflow.models.dagrun.DagRun",
        "airflow.models.taskinstance.TaskInstance",
        "airflow.models.xcom.XComModel",
        "airflow.utils.session.create_session",
        "airflow.utils.state.State",
    ),
}
# What is imported when it is there, and what it needs of whom.
LINEAGE = "airflow.providers.openlineage.extractors.OperatorLineage"
OF_OTHER_PROVIDERS = {
    "hooks.lineage": ("airflow.providers.common.compat.openlineage.facet.Dataset", LINEAGE),
    "operators.base": (LINEAGE,),
    "operators.review": ("airflow.providers.standard.operators.hitl.HITLOperator",),
}
# Not there below Airflow 3, or too much for processes that only load plugins.
OF_THE_API_SERVER = {"fastapi", "starlette", "sqlalchemy"}


def top_of(imported: str) -> str:
    return imported.partition(".")[0]


def test_every_module_stands_on_a_floor():
    assert [one.name for one in FLOORS if one.top not in {*FLOOR, *DATA}] == []


@pytest.mark.parametrize("module", [one for one in FLOORS if one.top in FLOOR], ids=name_of)
def test_imports_go_down(module: Module):
    own = FLOOR[module.top]
    wrong = [
        imported
        for imported in module.own_imports
        if imported
        and top_of(imported) not in {*DATA, module.top, "__version__"}
        # A name that is on no floor is wrong as well: the emulator, or a module without a place.
        and FLOOR.get(top_of(imported), 99) >= own
    ]
    assert wrong == []


@pytest.mark.parametrize("module", [one for one in FLOORS if one.top in DATA], ids=name_of)
def test_data_imports_nothing_but_the_version(module: Module):
    assert module.own_imports <= {"__version__"}
    assert {top_of(name) for name in module.imports} <= {"__future__", "typing", "airflow_provider_layers"}


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_only_the_client_knows_httpx(module: Module):
    assert module.name == "client" or "httpx" not in {top_of(name) for name in module.imports}


@pytest.mark.parametrize("module", [one for one in FLOORS if FLOOR.get(one.top, 0) < 3], ids=name_of)
def test_nothing_below_the_hooks_knows_airflow(module: Module):
    assert "airflow" not in {top_of(name) for name in module.imports}


@pytest.mark.parametrize("module", [one for one in FLOORS if one.top in ("api", "exceptions")], ids=name_of)
def test_the_language_does_no_io(module: Module):
    tops = {top_of(name) for name in module.imports}
    assert not tops & NETWORK
    assert "urllib.request" not in {name.rpartition(".")[0] for name in module.imports}
    assert tops <= sys.stdlib_module_names | NOT_FROM_PYTHON
    called = {ast.unparse(node.func) for node in ast.walk(module.tree) if isinstance(node, ast.Call)}
    assert not {"open", "print", "input"} & called


@pytest.mark.parametrize("module", [one for one in FLOORS if one.top == "api"], ids=name_of)
def test_the_language_does_not_sleep(module: Module):
    assert "sleep" not in {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("module", EMULATOR, ids=name_of)
def test_the_emulator_shares_nothing_with_the_floors(module: Module):
    assert [name for name in module.own_imports if top_of(name) != "emulator"] == []


@pytest.mark.parametrize("module", EMULATOR, ids=name_of)
def test_the_emulator_knows_neither_airflow_nor_our_http_library(module: Module):
    assert not {"airflow", "httpx"} & {top_of(name) for name in module.imports}


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_airflow_is_imported_in_a_way_that_both_releases_know(module: Module):
    special = (*IN_THE_API_SERVER.get(module.name, ()), *OF_OTHER_PROVIDERS.get(module.name, ()))
    allowed = (*BOTH_RELEASES, *special)
    foreign = [name for name in module.imports if top_of(name) == "airflow" and not name.startswith(allowed)]
    assert foreign == []


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_only_the_page_knows_the_api_server(module: Module):
    tops = {top_of(name) for name in module.imports}
    assert module.name in IN_THE_API_SERVER or not tops & OF_THE_API_SERVER


@pytest.mark.parametrize("module", FLOORS, ids=name_of)
def test_what_runs_in_the_api_server_is_loaded_there_only(module: Module):
    # What is imported inside a function, or for types, is not loaded with the module.
    at_once = [node for node in module.tree.body if isinstance(node, ast.ImportFrom)]
    loaded = {f"{node.module}.{alias.name}" for node in at_once for alias in node.names}
    parts = tuple(f"airflow_provider_layers.{name}" for name in IN_THE_API_SERVER)
    assert module.name in IN_THE_API_SERVER or not [name for name in loaded if name.startswith(parts)]
