"""The source of the package, read and not run."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = "airflow_provider_layers"
SOURCE = CHECKOUT / PACKAGE


@dataclass(frozen=True)
class Module:
    """
    A file of the package.

    :param path: its place
    """

    path: Path

    @property
    def name(self) -> str:
        """Its name below the package: ``api.jobs``, or ``api`` for the package itself."""
        parts = self.path.relative_to(SOURCE).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    @property
    def top(self) -> str:
        """The floor or the file at the top that it belongs to."""
        return self.name.partition(".")[0]

    @property
    def full_name(self) -> str:
        return f"{PACKAGE}.{self.name}".rstrip(".")

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> frozenset[str]:
        """Full names of all that it imports: at the top, inside functions and for types."""
        return frozenset(self._imports())

    def _imports(self) -> Iterator[str]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}: relative import in line {node.lineno}"
                yield from (f"{node.module}.{alias.name}" for alias in node.names)

    @property
    def own_imports(self) -> frozenset[str]:
        """Names below the package of what it imports from it; ``""`` for the package itself."""
        own = (name.partition(".") for name in self.imports)
        return frozenset(rest for top, _, rest in own if top == PACKAGE)


MODULES = [Module(path) for path in sorted(SOURCE.rglob("*.py"))]
FLOORS = [one for one in MODULES if one.top != "emulator"]
EMULATOR = [one for one in MODULES if one.top == "emulator"]
