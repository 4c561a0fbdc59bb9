"""The drawn error tree is the real one."""

from __future__ import annotations

import re

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_layers import exceptions
from airflow_provider_layers.exceptions import LayersError


def drawn() -> dict[str, tuple[str | None, bool]]:
    """Read the parent of each class, and whether it is marked permanent; a branch is four characters wide."""
    found: dict[str, tuple[str | None, bool]] = {}
    above: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        match = re.match(r"    ((?:│   |    )*)(├── |└── )?(Layers\w+)(\*?)", line)
        if not match:
            continue
        trunk, branch, name, mark = match.groups()
        depth = len(trunk) // 4 + bool(branch)
        above = [*above[:depth], name]
        found[name] = (above[depth - 1] if depth else None, bool(mark))
    return found


def real() -> dict[str, tuple[str | None, bool]]:
    classes = [
        item for item in vars(exceptions).values() if isinstance(item, type) and issubclass(item, LayersError)
    ]
    return {
        item.__name__: (
            item.__bases__[0].__name__ if item is not LayersError else None,
            issubclass(item, AirflowFailException),
        )
        for item in classes
    }


def test_the_drawn_tree_is_the_real_one():
    assert drawn() == real()
    assert list(drawn()) == list(real()), "the file has the order of the drawing"
    assert len(drawn()) > 20


def test_every_error_has_a_docstring():
    assert [name for name in real() if not (getattr(exceptions, name).__doc__ or "").strip()] == []
