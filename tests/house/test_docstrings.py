"""Docstrings agree with what they describe."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_layers import exceptions
from tests.house.public import OPERATORS, OTHERS, SENSORS, load, pairs
from tests.house.source import FLOORS

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS = [load(module, name) for module, name in pairs(OPERATORS, SENSORS)]
# It calls any route.
WITHOUT_A_PAGE = {"LayersHttpOperator"}
VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def described(thing: Any) -> dict[str, str]:
    """Read the ``:param name: text`` entries of a docstring, each text on one line."""
    text = inspect.cleandoc(thing.__doc__ or "")
    entries = re.findall(r"^:param (\w+):((?:.|\n(?!:|\n))*)", text, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    return {name: item for name, item in inspect.signature(function).parameters.items() if name != "self"}


def all_parameters(cls: type) -> set[str]:
    """The parameters of a class's constructors, including those that it inherits."""
    fields = set(getattr(cls, "_fields", ()))
    return fields | {
        name for item in cls.__mro__ if "__init__" in vars(item) for name in parameters(item.__init__)
    }


def own_parameters(cls: type) -> set[str]:
    """The parameters of the class's own constructor, without ``**kwargs``."""
    if "__init__" not in vars(cls):
        return set()
    return {name for name, item in parameters(cls.__init__).items() if item.kind not in VARIADIC}


def classes(*floors: str) -> Iterator[type]:
    for module in [item for item in FLOORS if not floors or item.top in floors]:
        loaded = importlib.import_module(module.full_name)
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield getattr(loaded, node.name)


def test_classes_describe_only_parameters_that_they_take():
    wrong = {cls.__name__: described(cls).keys() - all_parameters(cls) for cls in classes()}
    assert {name: extra for name, extra in wrong.items() if extra} == {}


def test_what_users_construct_describes_each_of_its_parameters():
    public = classes("hooks", "operators", "sensors", "triggers", "links")
    plain = [cls for cls in public if not is_dataclass(cls)]
    missing = {cls.__name__: own_parameters(cls) - described(cls).keys() for cls in plain}
    assert {name: absent for name, absent in missing.items() if absent} == {}


def test_functions_describe_only_parameters_that_they_take():
    wrong = {}
    for module in FLOORS:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
                args = node.args
                every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
                text = inspect.cleandoc(ast.get_docstring(node) or "")
                named = re.findall(r"^:param (\w+):", text, re.MULTILINE)
                if extra := set(named) - {item.arg for item in every if item}:
                    wrong[f"{module.name}.{node.name}"] = extra
    assert wrong == {}


def test_every_parameter_of_an_operator_is_described_on_some_floor():
    missing = {}
    for cls in TASKS:
        house = [item for item in cls.__mro__ if item.__module__.startswith("airflow_provider_layers")]
        documented = {parameter for item in house for parameter in described(item)}
        taken = {parameter for item in house for parameter in own_parameters(item)}
        missing[cls.__name__] = taken - documented
    assert {name: absent for name, absent in missing.items() if absent} == {}


def test_what_is_documented_as_templated_is_templated():
    wrong = {}
    for cls in TASKS:
        documented = {name for name, text in described(cls).items() if "(templated)" in text}
        if documented != described(cls).keys() & set(cls.template_fields):
            wrong[cls.__name__] = documented ^ (described(cls).keys() & set(cls.template_fields))
    assert wrong == {}


def test_operators_name_the_page_of_the_vendor():
    pages = {
        cls.__name__: re.findall(r"``((?:reference|concepts)/[a-z/-]+)``", cls.__doc__ or "") for cls in TASKS
    }
    assert {name for name, found in pages.items() if not found} == WITHOUT_A_PAGE


def test_public_classes_begin_with_one_sentence():
    public = [load(module, name) for module, name in pairs(OPERATORS, SENSORS, OTHERS)]
    first = {cls.__name__: inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0] for cls in public}
    assert {name: text for name, text in first.items() if "\n" in text or not text.endswith(".")} == {}


def test_the_errors_that_docstrings_name_exist():
    named = {error for cls in TASKS for error in re.findall(r":raises (\w+):", cls.__doc__ or "")}
    assert {error for error in named if not hasattr(exceptions, error)} == set()
