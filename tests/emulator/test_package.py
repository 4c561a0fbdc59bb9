"""The package around the emulator: what it imports, its documentation, pytest plugin and command line."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import airflow_provider_layers.emulator as emulator
from airflow_provider_layers.emulator import EmulatorControl
from airflow_provider_layers.emulator.__main__ import main
from airflow_provider_layers.emulator.control import COMMANDS
from airflow_provider_layers.emulator.faults import KINDS
from airflow_provider_layers.emulator.settings import EmulatorSettings

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()


def test_without_the_extra_the_error_names_it():
    code = "import sys; sys.modules['uvicorn'] = None; import airflow_provider_layers.emulator"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "pip install 'airflow-provider-layers[emulator]'" in result.stderr.splitlines()[-1]


def test_airflow_is_not_loaded():
    code = "import sys, airflow_provider_layers.emulator; sys.exit('airflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_public_names():
    assert emulator.__all__ == ["CreatedJob", "Emulator", "EmulatorControl", "RecordedRequest"]


def test_documentation_names_every_setting_and_fault():
    arguments = {name for kind in KINDS.values() for name in kind.model_fields} - {"kind"}
    names = [*EmulatorSettings.model_fields, *KINDS, *arguments]
    assert [name for name in names if f"`{name}`" not in PAGE and f"{name}=" not in PAGE] == []


def test_documentation_names_every_control_command():
    documented = set()
    for line in PAGE.partition("## The control API")[2].splitlines():
        cell = line.partition("|")[2].partition("|")[0].partition("`?")[0].partition("`{")[0]
        *methods, name = cell.replace("`", "").replace(",", "").split() or [""]
        documented |= {(method, name) for method in methods}
    assert set(COMMANDS) <= documented


TESTS_WITH_THE_FIXTURE = """
import json, os
import httpx

def test_first(layers_api):
    assert json.loads(os.environ["AIRFLOW_CONN_LAYERS_DEFAULT"]) == layers_api.connection
    httpx.get(layers_api.url + "/v1/whoami")
    assert len(layers_api.requests()) == 1
    layers_api.configure(credits=1)

def test_second(layers_api):
    assert layers_api.requests() == []
    assert layers_api.settings()["credits"] == 10_000
    before = layers_api.now()
    layers_api.advance(60)
    assert layers_api.now() != before
"""


@pytest.fixture
def run_pytest(pytester, monkeypatch):
    # The plugins of other packages take seconds to load.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(TESTS_WITH_THE_FIXTURE)
    return pytester.runpytest_subprocess


def test_pytest_fixture_gives_each_test_the_initial_state(run_pytest):
    result = run_pytest("-p", "airflow_provider_layers.emulator.pytest_plugin", "-q")
    result.assert_outcomes(passed=2)


def test_pytest_plugin_is_not_loaded_automatically(run_pytest):
    result = run_pytest("-q")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*fixture 'layers_api' not found*"])


@pytest.fixture
def command():
    """Run the command line, and end it after the test."""
    processes = []

    def run(*arguments):
        line = [sys.executable, "-m", "airflow_provider_layers.emulator", "--port", "0", *arguments]
        process = subprocess.Popen(
            line, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": ""}
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_command_prints_the_connection_and_ends_by_signal(command, end):
    process = command("--seed", "3", "--job-seconds", "5-9", "--credits", "70", "--tier", "pilot")
    lines = [process.stdout.readline()]
    while "Ctrl-C" not in lines[-1]:
        lines.append(process.stdout.readline())
    text = "".join(lines)
    exported = next(line for line in lines if "AIRFLOW_CONN_LAYERS_DEFAULT" in line)
    connection = json.loads(exported.partition("=")[2].strip().strip("'"))
    with EmulatorControl(connection["host"]) as control:
        assert connection == control.connection
        ids = [control.project_id, *control.social_account_ids, control.top_post_ids[0]]
        assert [shown for shown in [control.url, control.api_key, *ids] if shown not in text] == []
        settings = control.settings()
    assert (settings["job_seconds"], settings["credits"], settings["tier"]) == ([5, 9], 70, "pilot")
    process.send_signal(end)
    assert process.wait(30) == 0


def test_quiet_command_prints_the_address_only(command):
    process = command("--quiet", "--api-key", "mine")
    url = process.stdout.readline().strip()
    assert httpx.get(f"{url}/v1/whoami", headers={"X-Api-Key": "mine"}).status_code == 200


def test_command_reports_an_occupied_port(api, capsys):
    assert main(["--port", api.url.rpartition(":")[2]]) == 1
    assert "cannot start" in capsys.readouterr().err


def test_command_reports_an_invalid_duration():
    with pytest.raises(SystemExit, match="--job-seconds"):
        main(["--job-seconds", "long"])
