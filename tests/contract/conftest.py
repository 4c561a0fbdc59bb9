"""
Airflow's part in a contract test: a task instance, rendered templates, a triggerer, and pushed time.

The package itself is real and talks over real sockets. The emulator's clock is frozen, and every sleep
advances it, so that no test waits and both sides agree on the time. Clock and sockets come in through the
hook of each operator, sensor and trigger.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import ssl
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import AirflowFailException, BaseSensorOperator, TaskDeferred
from airflow.version import version as airflow_version

from airflow_provider_layers.emulator import Emulator
from airflow_provider_layers.hooks.layers import LayersHook
from tests.contract.crowd import Crowd
from tests.contract.pushed_clock import PushedClock
from tests.contract.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JOB_SECONDS = 60.0
AIRFLOW = tuple(int(part) for part in airflow_version.split(".")[:2])


@pytest.fixture(scope="session", autouse=True)
def _read_certificates_once() -> Iterator[None]:
    """Every httpx client reads them again, which takes 25 ms that no test here is about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def _server() -> Iterator[Emulator]:
    with Emulator(seed=1, clock="frozen", tier="partner", job_seconds=JOB_SECONDS) as emulator:
        yield emulator


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, _server: Emulator) -> Callable[..., None]:
    """Fill in ``layers_default``: the emulator and its key, or other fields; extras by name."""

    def fill_in(password: str | None = None, host: str | None = None, **extra: Any) -> None:
        fields = {**_server.connection, "extra": extra}
        fields |= {"password": password or fields["password"], "host": host or fields["host"]}
        monkeypatch.setenv("AIRFLOW_CONN_LAYERS_DEFAULT", json.dumps(fields))

    return fill_in


@pytest.fixture
def api(_server: Emulator, connect: Callable[..., None]) -> Emulator:
    """The API, as new, with ``layers_default`` connected to it."""
    _server.reset(seed=1)
    connect()
    return _server


@pytest.fixture(scope="session")
def _other_server() -> Iterator[Emulator]:
    with Emulator(seed=2, clock="frozen") as emulator:
        yield emulator


@pytest.fixture
def foreign(_other_server: Emulator) -> Emulator:
    """Another host, which must never hear of our key."""
    _other_server.reset(seed=2)
    return _other_server


@pytest.fixture
def clock(api: Emulator, monkeypatch: pytest.MonkeyPatch) -> PushedClock:
    """The pushed clock, which Airflow's own sensor loop uses as well."""
    pushed = PushedClock(api)
    seam = SimpleNamespace(time=pushed.time, monotonic=pushed.time, sleep=pushed.sleep)
    monkeypatch.setattr(sys.modules[BaseSensorOperator.__module__], "time", seam)
    return pushed


@pytest.fixture
def wire(clock: PushedClock) -> Iterator[Wire]:
    """The network between the package and the API."""
    wire = Wire(clock)
    yield wire
    wire.disconnect()


class StateStore:
    """
    Stands in for the task state store of Airflow 3.3: JSON that survives the tries and clears of a task.

    ``on_write`` is called before and after a request is written, with "before" or "after" and its value.
    """

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.on_write: Callable[[str, Any], None] = lambda *_: None

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.kept[key]) if key in self.kept else default

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        assert value is not None, "Airflow refuses None"
        assert retention is None or isinstance(retention, timedelta)
        notify = self.on_write if isinstance(value, dict) else lambda *_: None
        notify("before", value)
        self.kept[key] = json.dumps(value, allow_nan=False)
        notify("after", value)

    def delete(self, key: str) -> None:
        del self.kept[key]


@dataclass
class _TaskInstance:
    """Stands in for Airflow's task instance, with what operators may read of it and write to it."""

    task: Any
    dag_id: str = "content"
    run_id: str = "scheduled__2026-04-18T00:00:00+00:00"
    task_id: str = "make"
    map_index: int = -1
    try_number: int = 1
    max_tries: int = 0
    start_date: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    state: str | None = "running"
    state_in_database: str | None = "running"
    xcoms: dict[str, Any] = field(default_factory=dict)
    # XComs of other task instances of the DAG run, by task id and map index.
    upstream: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    on_push: Callable[[str], None] = lambda _: None

    def xcom_push(self, key: str, value: Any) -> None:
        self.on_push(key)
        self.xcoms[key] = json.loads(json.dumps(value))

    def xcom_pull(
        self, task_ids: str | None = None, key: str = "return_value", *, map_indexes: int | None = None
    ) -> Any:
        if task_ids not in (None, self.task_id):
            found = [
                xcoms.get(key)
                for (task_id, map_index), xcoms in sorted(self.upstream.items())
                if task_id == task_ids and map_indexes in (None, map_index)
            ]
            return found if len(found) > 1 else next(iter(found), None)
        return self.xcoms.get(key) if map_indexes in (None, self.map_index) else None

    def get_first_reschedule_date(self, context: Any) -> datetime:
        return self.start_date


class _TaskInstance2(_TaskInstance):
    """As Airflow 2 has it, in the worker and with a database."""

    def refresh_from_db(self) -> None:
        self.state = self.state_in_database


class _TaskInstance3(_TaskInstance):
    """As Airflow 3 has it: its own state is that of the start, and the API server tells the present one."""

    def get_task_states(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: list[str] | None = None,
        task_group_id: str | None = None,
        logical_dates: list[datetime] | None = None,
        run_ids: list[str] | None = None,
    ) -> dict[str, Any]:
        asked = (dag_id, map_index, task_ids, run_ids)
        if asked != (self.dag_id, self.map_index, [self.task_id], [self.run_id]):
            return {}
        name = self.task_id if self.map_index < 0 else f"{self.task_id}_{self.map_index}"
        return {self.run_id: {name: self.state_in_database}}


TaskInstance = _TaskInstance3 if AIRFLOW >= (3, 0) else _TaskInstance2


@dataclass
class Result:
    """What came of running a task to its end: ``value`` and ``xcoms``, or ``error``; deferrals on the way."""

    value: Any = None
    error: BaseException | None = None
    xcoms: dict[str, Any] = field(default_factory=dict)
    triggers: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    reschedules: int = 0


class Airflow:
    """
    Does with an operator what Airflow does, each phase with a fresh copy of the operator.

    :param clock: passes while a rescheduled task is not running
    :param wire: the network of every hook
    :ivar with_store: whether tasks have a state store, as from Airflow 3.3 on
    :ivar run_started: when the DAG run started, in seconds since the epoch
    """

    def __init__(self, clock: PushedClock, wire: Wire) -> None:
        self._clock = clock
        self._wire = wire
        self._stores: dict[tuple[Any, ...], StateStore] = {}
        self.with_store = AIRFLOW >= (3, 3)
        self.run_started = clock.start

    def context(self, operator: Any, params: dict[str, Any] | None = None, **of_ti: Any) -> dict[str, Any]:
        """Make the context of one try; ``of_ti`` are fields of the task instance."""
        of_ti.setdefault("max_tries", operator.retries or 0)
        of_ti.setdefault("start_date", datetime.fromtimestamp(self._clock.time(), timezone.utc))
        ti = TaskInstance(task=operator, **of_ti)
        started = datetime.fromtimestamp(self.run_started, timezone.utc)
        context = {"ti": ti, "dag_run": SimpleNamespace(start_date=started), "params": params or {}}
        if self.with_store:
            context["task_state_store"] = self.store(ti)
        return context

    def store(self, ti: Any = None) -> StateStore:
        """Give the state store of a task instance; without one, of that which tests use by default."""
        ti = ti or TaskInstance(task=None)
        return self._stores.setdefault((ti.dag_id, ti.run_id, ti.task_id, ti.map_index), StateStore())

    @property
    def stored(self) -> str:
        """All that the state stores keep, as text."""
        return "".join(
            text for store in self._stores.values() for text in [*store.kept, *store.kept.values()]
        )

    def prepared(self, operator: Any, context: dict[str, Any]) -> Any:
        """Copy an operator, render its templates and give it a hook on the test's clock and network."""
        copy = operator.prepare_for_execution()
        copy.render_template_fields(context)
        return self.connected(copy)

    def connected(self, task: Any) -> Any:
        """Give an operator, a sensor or a trigger a hook on the test's clock and network."""
        task.layers_hook = LayersHook(task.layers_conn_id, clock=self._clock, transport=self._wire)
        return task

    def execute(self, operator: Any, context: dict[str, Any] | None = None, **of_ti: Any) -> Any:
        """Run the first phase only; errors and deferrals pass."""
        context = context or self.context(operator, **of_ti)
        return self.prepared(operator, context).execute(context)

    def run(self, operator: Any, params: dict[str, Any] | None = None, **of_ti: Any) -> Result:
        """Run one try to its end, through deferral or rescheduling."""
        context = self.context(operator, params, **of_ti)
        result = Result(xcoms=context["ti"].xcoms)
        try:
            result.value = self._phases(operator, context, result)
        except Exception as error:  # noqa: BLE001 - a test asserts on it
            result.error = error
        return result

    def value(self, operator: Any, params: dict[str, Any] | None = None, **of_ti: Any) -> Any:
        """Run one try that must succeed and give its return value."""
        result = self.run(operator, params, **of_ti)
        if result.error:
            raise result.error
        return result.value

    def _phases(self, operator: Any, context: dict[str, Any], result: Result, resume: Any = None) -> Any:
        phase = resume or functools.partial(self.prepared(operator, context).execute, context)
        resume = None
        try:
            return phase()
        except AirflowRescheduleException:
            result.reschedules += 1
            assert result.reschedules < 1000
        except TaskDeferred as deferred:
            result.triggers.append(deferred.trigger.serialize())
            result.events.append(self.fire(result.triggers[-1]))
            assert len(result.triggers) < 100
            arguments = {**(deferred.kwargs or {}), "event": result.events[-1]}
            resumed = self.prepared(operator, context).resume_execution
            resume = functools.partial(resumed, deferred.method_name, arguments, context)
        if resume is None:
            self._clock.sleep(operator.poke_interval)
        return self._phases(operator, context, result, resume)

    def fire(self, serialized: tuple[str, dict[str, Any]]) -> dict[str, Any]:
        """Do the triggerer's part: make the trigger from its stored form and give its event as stored."""
        return asyncio.run(self._clock.run_until_death(self.event_of(self.trigger(serialized))))

    def trigger(self, serialized: tuple[str, dict[str, Any]]) -> Any:
        """Make a trigger from what the database keeps of it."""
        path, kwargs = json.loads(json.dumps(serialized))
        module, _, name = path.rpartition(".")
        return self.connected(getattr(importlib.import_module(module), name)(**kwargs))

    async def event_of(self, trigger: Any) -> dict[str, Any]:
        """Wait for a trigger's one event."""
        events = self.connected(trigger).run()
        event = (await anext(events)).payload
        await events.aclose()
        return json.loads(json.dumps(event))


@pytest.fixture
def airflow(clock: PushedClock, wire: Wire) -> Airflow:
    return Airflow(clock, wire)


@pytest.fixture
def crowd(api: Emulator, airflow: Airflow, clock: PushedClock) -> Crowd:
    return Crowd(api, airflow, clock)


@pytest.fixture
def sensing(airflow: Airflow, clock: PushedClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a sensor; Airflow counts in pushed time, and its database keeps when a rescheduled one began."""
    module = sys.modules[BaseSensorOperator.__module__]

    def utcnow() -> datetime:
        return datetime.fromtimestamp(clock.time(), timezone.utc)

    start = utcnow()

    def run(*arguments: Any, **of_ti: Any) -> Result:
        nonlocal start
        start = utcnow()
        return airflow.run(*arguments, **{"start_date": start, **of_ti})

    monkeypatch.setattr(module, "timezone", SimpleNamespace(utcnow=utcnow))
    monkeypatch.setattr(module, "_orig_start_date", lambda **_: start, raising=False)
    return run


@pytest.fixture
def posted(api: Emulator) -> Callable[[], list[Any]]:
    """Give the requests that changed something, or tried to, since the last call."""
    seen = 0

    def since() -> list[Any]:
        nonlocal seen
        found = [one for one in api.requests() if one.method != "GET"]
        new, seen = found[seen:], len(found)
        return new

    return since


@pytest.fixture
def made(api: Emulator, airflow: Airflow) -> Callable[..., str]:
    """Make a finished container and give its id."""
    from airflow_provider_layers.operators.content import LayersGenerateContentOperator

    count = 0

    def make(**of_brief: Any) -> str:
        nonlocal count
        count += 1
        operator = LayersGenerateContentOperator(
            task_id="made", project_id=api.project_id, brief={"topic": "Ready.", **of_brief}
        )
        result = airflow.run(operator, run_id=f"made-{count}")
        assert result.error is None
        api.advance(JOB_SECONDS)
        return str(result.xcoms["container_id"])

    return make


@pytest.fixture
def failure() -> Callable[..., Any]:
    """Assert that a task failed for good with an error of exactly that type, and return the error."""

    def permanent_failure(result: Result, error_type: type[BaseException]) -> Any:
        assert type(result.error) is error_type, repr(result.error)
        assert isinstance(result.error, AirflowFailException)
        return result.error

    return permanent_failure


@pytest.fixture(params=["store", "no store"])
def memory(request: pytest.FixtureRequest, airflow: Airflow) -> str:
    """Run a test with a state store, as on Airflow 3.3, and without one, as below; both on any release."""
    airflow.with_store = request.param == "store"
    return str(request.param)


@pytest.fixture(params=["generate", "clone", "regenerate"])
def kind(request: pytest.FixtureRequest) -> str:
    """Run a test with each operator that starts a job."""
    return str(request.param)


@pytest.fixture
def starter(kind: str, api: Emulator, made: Callable[..., str], posted: Callable[[], list[Any]]) -> Any:
    """Make the operator of a kind, with words of its request; its keyword arguments go to the operator."""
    from airflow_provider_layers.operators.content import (
        LayersCloneFromPostOperator,
        LayersGenerateContentOperator,
        LayersRegenerateContentOperator,
    )

    container = made() if kind == "regenerate" else None
    posted()

    def make(topic: str = "x", **arguments: Any) -> Any:
        arguments = {"task_id": "make", "retries": 2, **arguments}
        if kind == "generate":
            return LayersGenerateContentOperator(
                project_id=api.project_id, brief={"topic": topic}, **arguments
            )
        if kind == "clone":
            return LayersCloneFromPostOperator(
                project_id=api.project_id,
                source_platform_post_id=api.top_post_ids[0],
                overrides={"cta": topic},
                **arguments,
            )
        return LayersRegenerateContentOperator(container_id=container, brief={"topic": topic}, **arguments)

    return make


@pytest.fixture
def jobs(starter: Any, api: Emulator) -> Callable[[], list[Any]]:
    """Give the jobs that were started in this test."""
    before = len(api.jobs())
    return lambda: api.jobs()[before:]
