import json
import os
import signal
import subprocess
import sys

import httpx
import pytest

from airflow_provider_layers.emulator import EmulatorControl
from airflow_provider_layers.emulator.__main__ import main


@pytest.fixture
def command():
    """Run the command line, and end it after the test."""
    running = []

    def run(*arguments):
        line = [sys.executable, "-m", "airflow_provider_layers.emulator", "--port", "0", *arguments]
        process = subprocess.Popen(
            line, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": ""}
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_all_that_one_needs_and_ends_when_told(command, end):
    process = command("--seed", "3", "--job-seconds", "5-9", "--credits", "70", "--tier", "pilot")
    lines = []
    while "Ctrl-C" not in (lines or [""])[-1]:
        lines.append(process.stdout.readline())
    text = "".join(lines)
    exported = next(line for line in lines if "AIRFLOW_CONN_LAYERS_DEFAULT" in line)
    connection = json.loads(exported.partition("=")[2].strip().strip("'"))
    with EmulatorControl(connection["host"]) as control:
        assert connection == control.connection
        for shown in (
            control.url,
            control.api_key,
            control.project_id,
            *control.social_account_ids,
            control.top_post_ids[0],
        ):
            assert shown in text
        settings = control.settings()
    assert (settings["job_seconds"], settings["credits"], settings["tier"]) == ([5, 9], 70, "pilot")
    process.send_signal(end)
    assert process.wait(5) == 0


def test_quietly_it_prints_the_address_only(command):
    process = command("--quiet", "--api-key", "mine")
    url = process.stdout.readline().strip()
    assert httpx.get(f"{url}/v1/whoami", headers={"X-Api-Key": "mine"}).status_code == 200


def test_a_port_that_is_taken_is_said_plainly(api, capsys):
    assert main(["--port", api.url.rpartition(":")[2]]) == 1
    assert "cannot start" in capsys.readouterr().err


def test_a_duration_that_makes_no_sense_is_said_plainly():
    with pytest.raises(SystemExit, match="--job-seconds"):
        main(["--job-seconds", "long"])
