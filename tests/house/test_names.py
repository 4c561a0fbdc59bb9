"""Names: where public classes are, one class for each name, and the words that this repository uses."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter

from tests.house.public import OPERATORS, OTHERS, SENSORS, load, pairs
from tests.house.source import CHECKOUT, MODULES

# What operators or sensors share.
SHARED = {
    "LayersHttpHook",
    "LayersOperator",
    "LayersContainerOperator",
    "LayersJobLifecycleOperator",
    "LayersJobOperator",
    "LayersLimitedOperator",
    "LayersSensor",
    "Turn",
}
NO_SUBJECTS = {"utils", "util", "common", "helpers", "helper", "misc", "tools"}

# Names that were replaced because the field has other words, or because they meant several things. Only
# names that no other meaning needs.
OLD_NAMES = (
    "AT_ONCE|Agenda|BARRED|BELIEVED|BUSY_PATIENCE|Cadence|Exhibit|Forgetful|HASTE|"
    "LONGEST_PAUSE|Mention|NoAnswer|NoMemory|Notebook|Outlook|PATIENCE|ROOM|SAYINGS|Sight|"
    "StoredMemory|Sweep|TELLING|TRUSTED|Takes|Tenure|LayersEachContainerOperator|"
    "LayersUnexpectedAnswerError|apology|asked_wait|body_of|carry_out|demand_approval|"
    "demand_published|demand_success|doorman|earliest_event|ended_by_person|forget_answer|"
    "json_of|look_in_time|memory_of|misbehaviour|one_or_many|pause_before|read_settings|"
    "repeats_harmlessly|softly|stops_retries|subject_of|unremembered_since|zulu"
)
OLD_PHRASES = (
    r"\banew\b",
    r"\bunder way\b",
    r"\bby itself\b",
    r"\bof (?:its|their) own\b",
    r"\bthat is there\b",
    r"\bgoes on\b",
    r"\bwhoever\b",
    r"\bt(?:ells?|old) of\b",
    r"\bnew take\b",
    r"\bTake \d",
    # Airflow's identifiers are longer words, such as DagRun and DagBag.
    r"\bDags?\b",
)


def tracked(*patterns: str) -> list[str]:
    """The tracked files; in an unpacked sdist, the files that are there."""
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        return [name for name in listed.stdout.splitlines() if (CHECKOUT / name).is_file()]
    return [str(path.relative_to(CHECKOUT)) for pattern in patterns for path in CHECKOUT.rglob(pattern)]


def test_public_classes_are_where_the_design_says():
    wrong = [
        (module, name) for module, name in pairs(OPERATORS, SENSORS, OTHERS) if load(module, name) is None
    ]
    assert wrong == []


def test_the_list_of_public_classes_has_every_operator_and_sensor():
    found = {
        node.name
        for module in MODULES
        if module.top in ("operators", "sensors")
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    assert found - SHARED == {name for _, name in pairs(OPERATORS, SENSORS)}


def test_no_module_is_named_after_no_subject():
    assert [one.name for one in MODULES if NO_SUBJECTS & set(one.name.split("."))] == []


def test_each_class_name_exists_once():
    count = Counter(
        node.name for module in MODULES for node in module.tree.body if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in count.items() if times > 1] == []


def test_the_package_file_has_the_version_only():
    (package,) = [one for one in MODULES if one.name == ""]
    docstring, *rest = package.tree.body
    assert isinstance(docstring, ast.Expr)
    assert [ast.unparse(node).partition(" =")[0] for node in rest] == ["__version__"]


def test_at_most_fifteen_imports_are_lazy():
    lazy = [
        f"{module.name}: {ast.unparse(node)}"
        for module in MODULES
        if module.top != "emulator"
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert len(lazy) <= 15, lazy


def test_the_old_words_are_gone():
    old = re.compile("|".join([*OLD_PHRASES, rf"\b(?:{OLD_NAMES})\b"]))
    here = "tests/house/test_names.py"
    found = []
    for name in tracked("*.py", "*.md", "*.js"):
        if name != here:
            lines = enumerate((CHECKOUT / name).read_text(encoding="utf-8").splitlines(), start=1)
            found += [f"{name}:{number}: {line.strip()}" for number, line in lines if old.search(line)]
    assert found == []
