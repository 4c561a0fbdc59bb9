"""The drawn error tree is the real one."""

from __future__ import annotations

import re

from airflow_provider_layers import exceptions
from airflow_provider_layers.exceptions import LayersError


def drawn() -> dict[str, str | None]:
    """Read each class's parent from the drawing: a branch is four characters wide."""
    parents: dict[str, str | None] = {}
    above: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r"    ((?:│   |    )*)(├── |└── )?(Layers\w+)", line)
        if not found:
            continue
        trunk, branch, name = found.groups()
        depth = len(trunk) // 4 + bool(branch)
        above = [*above[:depth], name]
        parents[name] = above[depth - 1] if depth else None
    return parents


def real() -> dict[str, str | None]:
    classes = [
        one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, LayersError)
    ]
    return {one.__name__: one.__base__.__name__ if one is not LayersError else None for one in classes}


def test_the_drawn_tree_is_the_real_one():
    assert drawn() == real()
    assert len(drawn()) > 20


def test_it_is_drawn_in_the_order_of_the_file():
    assert list(drawn()) == list(real())


def test_every_error_says_what_it_means():
    assert [name for name in real() if not (getattr(exceptions, name).__doc__ or "").strip()] == []
