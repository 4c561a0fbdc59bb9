"""The local Airflow itself: it runs DAGs, survives a killed triggerer, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dev.airflow_client import AirflowError, watch_run
from dev.local_airflow import CHECKOUT, LocalAirflow
from dev.processes import Child, family_of, process_table, stop_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from dev.airflow_client import FinishedRun, TaskRow

WAITS = "local_airflow_waits"
# A parent with a child of its own that has left its process group, as Airflow's task processes do.
PARENT = """
import os, subprocess, sys, time
{ignore}
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setpgid(0, 0); time.sleep(60)"])
print("ready", flush=True)
time.sleep(60)
"""


def wait_for(check: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def start_parent(folder: Path, ignore: str = "") -> Child:
    command = [sys.executable, "-c", PARENT.format(ignore=ignore)]
    child = Child("parent", command, env=dict(os.environ), log_path=folder / "log", cwd=folder)
    child.start()
    wait_for(lambda: "ready" in child.log_tail())
    wait_for(lambda: len({row.group for row in process_table() if row.pid in child.family()}) == 2)
    return child


def living(pids: set[int]) -> set[int]:
    return pids & {row.pid for row in process_table()}


def test_stop_ends_a_child_and_its_descendants(tmp_path: Path) -> None:
    child = start_parent(tmp_path)
    family = child.family()
    stop_all([child])
    assert len(family) == 2
    assert not living(family)


def test_stop_uses_force_on_a_child_that_does_not_listen(tmp_path: Path) -> None:
    child = start_parent(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    family = child.family()
    stop_all([child], grace=0.3)
    assert not living(family)


def test_stop_finds_what_a_killed_child_has_left_behind(tmp_path: Path) -> None:
    child = start_parent(tmp_path)
    family = child.family()
    child.kill(whole_family=False)
    assert len(living(family)) == 1
    stop_all([child])
    assert not living(family)


def test_a_child_that_ends_by_itself_is_told_with_its_output(tmp_path: Path) -> None:
    child = Child("short", [sys.executable, "-c", "print('so long')"], {}, tmp_path / "log", tmp_path)
    child.start()
    wait_for(lambda: not child.running)
    with pytest.raises(RuntimeError, match=r"(?s)short ended with code 0.*so long"):
        child.check_alive()
    stop_all([child])


def test_a_deferred_task_resumes_with_its_conf(
    airflow: LocalAirflow, run_dag: Callable[..., FinishedRun]
) -> None:
    changes: list[TaskRow] = []
    run = run_dag(WAITS, {"note": "kept"}, on_change=changes.append)
    assert run.state == "success"
    assert run.states == {"one": "success", "both[0]": "success", "both[1]": "success"}
    assert {row.label for row in changes if row.state == "deferred"} == {"one", "both[0]", "both[1]"}
    assert run.xcom("one") == {"conf": {"note": "kept"}}
    assert [run.xcom("both", "index", place) for place in (0, 1)] == [0, 1]
    log = airflow.driver.log(WAITS, run.run_id, "one")
    assert "deferring for 2 s" in log
    assert "resumed" in log


def test_a_failed_task_fails_the_run(airflow: LocalAirflow, run_dag: Callable[..., FinishedRun]) -> None:
    run = run_dag("local_airflow_fails")
    assert (run.state, run.states) == ("failed", {"fails": "failed"})
    assert "this task fails on purpose" in airflow.driver.log(run.dag_id, run.run_id, "fails")


def test_an_unknown_dag_is_told(airflow: LocalAirflow) -> None:
    with pytest.raises(AirflowError, match="no_such_dag"):
        airflow.driver.trigger("no_such_dag", {})


def test_a_killed_triggerer_can_be_started_again(airflow: LocalAirflow) -> None:
    driver = airflow.driver
    driver.unpause(WAITS)
    run_id = driver.trigger(WAITS, {"seconds": 4})
    wait_for(lambda: "deferred" in {row.state for row in driver.task_rows(WAITS, run_id)})
    before = airflow.pid("triggerer")
    airflow.kill("triggerer", signal.SIGKILL)
    assert not airflow.running("triggerer")
    assert airflow.running("scheduler")
    airflow.start("triggerer")
    assert airflow.pid("triggerer") != before
    assert watch_run(driver, WAITS, run_id, timeout=60) == "success"


def test_a_home_serves_one_program_at_a_time(airflow: LocalAirflow) -> None:
    with pytest.raises(AirflowError, match="another program"), LocalAirflow(airflow.home.name, []):
        pass
    assert all(map(airflow.running, airflow.components))


OWNER = """
import signal, sys, time
from pathlib import Path
from dev.local_airflow import LocalAirflow

class Quick(LocalAirflow):
    def wait_until_healthy(self, timeout=0):
        print(*[self.pid(component) for component in self.components], flush=True)
        time.sleep(60)

# A shell that starts this suite in the background has it ignore SIGINT, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Quick(sys.argv[1], Path(sys.argv[2])):
    pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_to_the_owner_leaves_no_process_behind(number: int, tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, f"signal-{os.getpid()}-{number}", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as owner:
        leaders = set(map(int, owner.stdout.readline().split()))
        time.sleep(1)
        family = family_of(leaders)
        assert leaders <= family
        owner.send_signal(number)
        assert owner.wait(timeout=20) != 0
    assert not living(family | leaders)
    assert not family_of(leaders)
