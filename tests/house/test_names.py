"""Names and sizes."""

from __future__ import annotations

import ast

import pytest

from tests.house.public import OPERATORS, OTHERS, SENSORS, load, pairs
from tests.house.source import CHECKOUT, MODULES, Module, name_of

SHARED = {
    "LayersOperator",
    "LayersEachContainerOperator",
    "LayersJobOperator",
    "LayersJobWaitOperator",
    "LayersReviewOutcome",
    "LayersReviewTakes",
    "LayersSensor",
}
NO_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "tools"}
# "About 250" and "about 25", in the words of the design.
MOST_LINES = 270
MOST_CODE_LINES = 30
TESTED_ELSEWHERE = {"get_provider_info": "tests/house/test_provider_info.py"}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_named_by_what_it_is_about(module: Module):
    assert not NO_NAMES & set(module.name.split("."))


@pytest.mark.parametrize(("module", "name"), pairs(OPERATORS, SENSORS, OTHERS))
def test_a_public_class_is_where_the_design_says(module, name):
    assert load(module, name).__name__ == name


def test_no_operator_or_sensor_is_missing_from_the_list_of_public_classes():
    listed = {name for _, name in pairs(OPERATORS, SENSORS)}
    found = {
        node.name
        for module in MODULES
        if module.top in ("operators", "sensors")
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    # What the operators share is no operator of its own.
    assert found - SHARED == listed


def test_the_packages_own_file_holds_the_version_only():
    (package,) = [one for one in MODULES if one.name == ""]
    docstring, *rest = package.tree.body
    assert isinstance(docstring, ast.Expr)
    assert [ast.unparse(node).partition(" =")[0] for node in rest] == ["__version__"]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_file_can_be_read_in_one_go(module: Module):
    assert len(module.text.splitlines()) <= MOST_LINES


def functions(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(module.tree) if isinstance(node, kinds)]


def code_lines(module: Module, function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a body without its docstring, blank lines and comments."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    lines = module.text.splitlines()[body[0].lineno - 1 : function.end_lineno]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_function_can_be_seen_at_a_glance(module: Module):
    # An __init__ that stores its parameters grows with them, and hides nothing.
    counted = {one.name: code_lines(module, one) for one in functions(module) if one.name != "__init__"}
    assert {name: lines for name, lines in counted.items() if lines > MOST_CODE_LINES} == {}


def places_of(module: Module) -> list[str]:
    """Name the places where the tests of a module may be."""
    if module.name in TESTED_ELSEWHERE:
        return [TESTED_ELSEWHERE[module.name]]
    *folders, last = module.name.split(".")
    mirror = "/".join([*folders, f"test_{last.strip('_')}.py"])
    if module.top == "emulator":
        return [f"tests/{mirror}"]
    return [f"tests/unit/{mirror}", f"tests/contract/{mirror}"]


@pytest.mark.parametrize("module", [one for one in MODULES if one.path.name != "__init__.py"], ids=name_of)
def test_every_module_has_its_tests(module: Module):
    places = places_of(module)
    assert [place for place in places if (CHECKOUT / place).is_file()], f"None of {places} is there."
