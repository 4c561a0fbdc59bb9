import ast
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import airflow_provider_layers.emulator as emulator
from airflow_provider_layers.emulator.control import COMMANDS
from airflow_provider_layers.emulator.faults import KINDS
from airflow_provider_layers.emulator.settings import Settings

FOLDER = Path(emulator.__file__).parent


def test_without_the_extra_the_message_names_it():
    code = "import sys; sys.modules['uvicorn'] = None; import airflow_provider_layers.emulator"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "pip install 'airflow-provider-layers[emulator]'" in result.stderr.splitlines()[-1]


def test_it_shares_nothing_with_the_provider():
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [item.name for item in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                assert not name.startswith("airflow.")
                assert name != "airflow"
                assert not name.startswith("airflow_provider_layers") or name.startswith(
                    "airflow_provider_layers.emulator"
                )


def test_airflow_is_not_loaded():
    code = "import sys, airflow_provider_layers.emulator; sys.exit('airflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_public_names():
    assert emulator.__all__ == ["CreatedJob", "Emulator", "EmulatorControl", "RecordedRequest"]


def test_the_documentation_names_every_setting_fault_and_command():
    text = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    names = (
        [field.name for field in fields(Settings)]
        + list(KINDS)
        + [argument for own in KINDS.values() for argument in own]
    )
    commands = {f"{method} {name}" for method, name in COMMANDS}
    assert [name for name in names if f"`{name}`" not in text] == []
    rows = [
        line.partition("|")[2].partition("|")[0]
        for line in text.partition("## The control door")[2].splitlines()
    ]
    told = set()
    for row in rows:
        *methods, name = row.partition("`?")[0].partition("`{")[0].replace("`", "").replace(
            ",", ""
        ).split() or [""]
        told |= {f"{method} {name}" for method in methods}
    assert commands <= told
