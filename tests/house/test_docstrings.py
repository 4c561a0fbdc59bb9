"""Docstrings agree with what they describe."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from dataclasses import is_dataclass

import pytest

from tests.house.public import OPERATORS, OTHERS, SENSORS, load, pairs
from tests.house.source import FLOORS

TASKS = pairs(OPERATORS, SENSORS)
# It calls any route.
WITHOUT_A_PAGE = {"LayersHttpOperator"}
VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def described(thing) -> dict[str, str]:
    """Read the ``:param name: text`` entries of a docstring, each text on one line."""
    text = inspect.cleandoc(thing.__doc__ or "")
    entries = re.findall(r"^:param (\w+):((?:.|\n(?!:|\n))*)", text, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in entries}


def parameters(callable_) -> dict[str, inspect.Parameter]:
    taken = inspect.signature(callable_).parameters
    return {name: one for name, one in taken.items() if name != "self"}


def inherited(cls) -> set[str]:
    """All parameters that its constructors take, its own and those of the classes above."""
    of_tuple = set(getattr(cls, "_fields", ()))
    return of_tuple | {
        name for one in cls.__mro__ if "__init__" in vars(one) for name in parameters(one.__init__)
    }


def own(cls) -> set[str]:
    """The parameters of its own constructor, without ``**kwargs``."""
    if "__init__" not in vars(cls):
        return set()
    return {name for name, one in parameters(cls.__init__).items() if one.kind not in VARIADIC}


def classes():
    for module in FLOORS:
        loaded = importlib.import_module(module.full_name) if module.name != "hooks.form" else None
        for node in module.tree.body:
            if loaded and isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield pytest.param(getattr(loaded, node.name), id=f"{module.name}.{node.name}")


def functions():
    for module in FLOORS:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
                yield pytest.param(node, id=f"{module.name}.{node.name}")


@pytest.mark.parametrize("cls", list(classes()))
def test_a_class_describes_only_parameters_that_it_takes(cls):
    assert described(cls).keys() - inherited(cls) == set()


@pytest.mark.parametrize("cls", list(classes()))
def test_a_class_describes_every_parameter_of_its_own(cls):
    # The fields of a dataclass speak for themselves where their names do.
    if not is_dataclass(cls):
        assert own(cls) - described(cls).keys() == set()


@pytest.mark.parametrize("node", list(functions()))
def test_a_function_describes_only_parameters_that_it_takes(node):
    given = node.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    taken = {one.arg for one in every if one}
    named = re.findall(r"^:param (\w+):", inspect.cleandoc(ast.get_docstring(node)), re.MULTILINE)
    assert set(named) - taken == set()


@pytest.mark.parametrize(("module", "name"), TASKS)
def test_every_parameter_of_an_operator_is_described_somewhere(module, name):
    cls = load(module, name)
    house = [one for one in cls.__mro__ if one.__module__.startswith("airflow_provider_layers")]
    told = {parameter for one in house for parameter in described(one)}
    taken = {parameter for one in house for parameter in own(one)}
    assert taken - told == set()


@pytest.mark.parametrize(("module", "name"), TASKS)
def test_what_is_called_templated_is(module, name):
    cls = load(module, name)
    called = {parameter for parameter, text in described(cls).items() if "(templated)" in text}
    assert called == described(cls).keys() & set(cls.template_fields)


@pytest.mark.parametrize(("module", "name"), TASKS)
def test_an_operator_says_which_page_of_the_vendor_it_is_about(module, name):
    pages = re.findall(r"``((?:reference|concepts)/[a-z/-]+)``", load(module, name).__doc__)
    assert bool(pages) is (name not in WITHOUT_A_PAGE)


@pytest.mark.parametrize(("module", "name"), pairs(OPERATORS, SENSORS, OTHERS))
def test_a_public_class_begins_with_one_sentence(module, name):
    first = inspect.cleandoc(load(module, name).__doc__).split("\n\n")[0]
    assert "\n" not in first
    assert first.endswith(".")


@pytest.mark.parametrize(("module", "name"), TASKS)
def test_errors_that_a_docstring_names_exist(module, name):
    from airflow_provider_layers import exceptions

    named = re.findall(r":raises (\w+):", load(module, name).__doc__)
    assert [error for error in named if not hasattr(exceptions, error)] == []
