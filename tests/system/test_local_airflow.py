"""The local Airflow: it runs DAGs, recovers from a killed triggerer, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dev import CHECKOUT
from dev.airflow_client import AirflowError, follow_run, run_dag, start_run, wait_for_task
from dev.local_airflow import LocalAirflow
from dev.processes import Child, process_table, process_tree, stop_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAITS = "local_airflow_waits"
WAIT_SECONDS = 120
# A parent with a child that has left its process group, as Airflow's task processes do.
PARENT = """
import os, subprocess, sys, time
{ignore}
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setpgid(0, 0); time.sleep(600)"])
print("ready", flush=True)
time.sleep(600)
"""


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def start_parent(folder: Path, ignore: str = "") -> Child:
    command = [sys.executable, "-c", PARENT.format(ignore=ignore)]
    child = Child("parent", command, env=dict(os.environ), log_path=folder / "log", cwd=folder)
    child.start()
    wait_until(lambda: "ready" in child.log_tail())
    wait_until(lambda: len({row.group for row in process_table() if row.pid in child.tree()}) == 2)
    return child


def living(pids: set[int]) -> set[int]:
    return pids & {row.pid for row in process_table()}


def test_stop_ends_a_child_and_its_descendants(tmp_path: Path) -> None:
    child = start_parent(tmp_path)
    tree = child.tree()
    stop_all([child])
    assert len(tree) == 2
    assert not living(tree)


def test_stop_kills_a_child_that_ignores_sigterm(tmp_path: Path) -> None:
    child = start_parent(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    tree = child.tree()
    stop_all([child], grace=0.3)
    assert not living(tree)


def test_stop_ends_the_descendants_of_a_killed_child(tmp_path: Path) -> None:
    child = start_parent(tmp_path)
    tree = child.tree()
    child.kill(with_descendants=False)
    assert len(living(tree)) == 1
    stop_all([child])
    assert not living(tree)


def test_a_child_that_has_ended_is_reported_with_its_output(tmp_path: Path) -> None:
    child = Child("short", [sys.executable, "-c", "print('last words')"], {}, tmp_path / "log", tmp_path)
    child.start()
    wait_until(lambda: not child.running)
    with pytest.raises(RuntimeError, match=r"(?s)short ended with code 0.*last words"):
        child.check_alive()
    stop_all([child])


def test_a_deferred_task_resumes_with_its_conf(airflow: LocalAirflow, tmp_path: Path) -> None:
    client, conf = airflow.client, {"folder": str(tmp_path), "note": "kept"}
    run_id = start_run(client, WAITS, conf)
    airflow.wait_until_deferred(WAITS, run_id, "single")
    (tmp_path / "single").touch()
    airflow.wait_until_deferred(WAITS, run_id, "mapped[0]", "mapped[1]")
    for name in ("first", "second"):
        (tmp_path / name).touch()
    assert follow_run(client, WAITS, run_id) == "success"
    assert client.xcoms(WAITS, run_id, "single")["return_value"] == conf
    assert [client.xcoms(WAITS, run_id, "mapped", index)["map_index"] for index in (0, 1)] == [0, 1]
    log = client.log(WAITS, run_id, "single")
    assert f"waiting for {tmp_path / 'single'}" in log
    assert "resumed" in log


def test_a_failed_task_fails_the_run(airflow: LocalAirflow) -> None:
    run = run_dag(airflow.client, "local_airflow_fails")
    assert (run.state, run.states) == ("failed", {"fails": "failed"})
    assert "this task fails on purpose" in airflow.client.log(run.dag_id, run.run_id, "fails")


def test_an_unknown_dag_is_an_error(airflow: LocalAirflow) -> None:
    with pytest.raises(AirflowError, match="no_such_dag"):
        airflow.client.trigger("no_such_dag", {})


def test_a_killed_triggerer_can_be_started_again(airflow: LocalAirflow, tmp_path: Path) -> None:
    run_id = start_run(airflow.client, WAITS, {"folder": str(tmp_path)})
    airflow.wait_until_deferred(WAITS, run_id, "single")
    before = airflow.pid("triggerer")
    airflow.kill("triggerer", signal.SIGKILL)
    assert not airflow.running("triggerer")
    assert airflow.running("scheduler")
    airflow.start("triggerer")
    assert airflow.pid("triggerer") != before
    (tmp_path / "single").touch()
    wait_for_task(airflow.client, WAITS, run_id, "single", {"success"})


def test_a_home_is_used_by_one_program_at_a_time(airflow: LocalAirflow) -> None:
    with pytest.raises(AirflowError, match="another program"), LocalAirflow(airflow.home.name, []):
        pass
    assert all(map(airflow.running, airflow.components))


OWNER = """
import sys, time
from pathlib import Path
from dev.local_airflow import LocalAirflow

class UnhealthyAirflow(LocalAirflow):
    def wait_until_healthy(self):
        print(*[self.pid(component) for component in self.components], flush=True)
        time.sleep(600)

with UnhealthyAirflow(sys.argv[1], [Path(sys.argv[2])]):
    pass
"""


def test_sigterm_to_the_owner_ends_every_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, "sigterm", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as owner:
        leaders = set(map(int, owner.stdout.readline().split()))
        # Some component has started a process in turn.
        wait_until(lambda: leaders < process_tree(leaders))
        tree = process_tree(leaders)
        owner.terminate()
        assert owner.wait(timeout=WAIT_SECONDS) != 0
    assert not living(tree | leaders)
    assert not process_tree(leaders)
