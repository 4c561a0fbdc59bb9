"""Airflow's own API server with the plugin in it, on a real socket, with a real database and the emulator."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from airflow.version import version

from tests.unit.plugins.executors import ManualTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_provider_layers.emulator import Emulator

USERS = {
    "admin": "admin",
    "viewer": "viewer",
    "nobody": "",
    "no-xcoms": "viewer",
    "reads-made": "viewer",
    "reads-other": "viewer",
}
PASSWORD = "pw"
# Files that cannot be imported on Airflow 2.
collect_ignore = [] if int(version.partition(".")[0]) >= 3 else ["auth_manager.py"]


@pytest.fixture(scope="session")
def database() -> None:
    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base

    import_all_models()
    Base.metadata.create_all(settings.engine)


@pytest.fixture(scope="session")
def api_server(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's app, which mounts under ``/layers`` what the installed entry point provides."""
    passwords: Path = tmp_path_factory.mktemp("airflow") / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    settings = {
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.contract.plugins.auth_manager.PerDagAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(":".join(user) for user in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API_AUTH__JWT_SECRET": os.urandom(32).hex(),
        "AIRFLOW__API__SECRET_KEY": os.urandom(32).hex(),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        from airflow.api_fastapi.app import create_app, purge_cached_app

        yield create_app("core")
        purge_cached_app()


@contextlib.contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an app on a free port and return its URL."""
    import uvicorn

    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([own],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{own.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def airflow_url(api_server: Any) -> Iterator[str]:
    with listening(api_server) as url:
        yield url


@pytest.fixture(scope="session")
def token(airflow_url: str) -> Callable[[str], str]:
    """Return a function that logs a user in and returns the token."""
    tokens: dict[str, str] = {}

    def log_in(user: str) -> str:
        if user not in tokens:
            login = {"username": user, "password": PASSWORD}
            response = httpx.post(f"{airflow_url}/auth/token", json=login, trust_env=False)
            tokens[user] = response.raise_for_status().json()["access_token"]
        return tokens[user]

    return log_in


@pytest.fixture
def page_timer() -> ManualTimer:
    """The time that the page's cache and its rate limit see."""
    return ManualTimer()


@pytest.fixture
def layers_app(api_server: Any, page_timer: ManualTimer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A new app in the place of the mounted one, so that no test sees what another has read."""
    from airflow_provider_layers.plugins.app import create_app
    from airflow_provider_layers.plugins.loader import Loader

    (mount,) = [route for route in api_server.routes if getattr(route, "path", None) == "/layers"]
    app = create_app(Loader(timer=page_timer, max_wait=60.0))
    monkeypatch.setattr(mount, "app", app)
    return app


@pytest.fixture
def get(airflow_url: str, layers_app: Any, token: Callable[[str], str]) -> Callable[..., httpx.Response]:
    """Request a route: ``get("dag-run", dag_id=..., run_id=..., user="viewer")``."""

    def send(route: str, *, user: str | None = "viewer", **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
        url = f"{airflow_url}/layers/{route}"
        return httpx.get(url, params=query, headers=headers, timeout=120.0, trust_env=False)

    return send


@dataclass
class Run:
    """A DAG run in the database, with the XComs of its task instances."""

    dag_id: str = "made"
    run_id: str = "manual__2026-01-01T00:00:00+00:00"
    state: str = "success"

    @property
    def query(self) -> dict[str, str]:
        """The parameters of a request for it."""
        return {"dag_id": self.dag_id, "run_id": self.run_id}

    def add_task(
        self,
        value: Any,
        task_id: str = "make",
        map_index: int = -1,
        *,
        state: str = "success",
        key: str = "layers",
    ) -> None:
        """Add a task instance, and its XCom as Airflow 3 stores it; ``None`` for none."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session
        from sqlalchemy import insert

        row = {"task_id": task_id, "map_index": map_index, "dag_id": self.dag_id, "run_id": self.run_id}
        with create_session() as session:
            session.execute(insert(TaskInstance).values(**row, pool="default_pool", state=state))
        if value is not None:
            self.push(value, task_id, map_index, key=key)

    def add_waiting_task(self, trigger: Any, map_index: int) -> None:
        """Add a task instance that is deferred with a trigger."""
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.trigger import Trigger
        from airflow.utils.session import create_session
        from sqlalchemy import update

        self.add_task(None, "wait", map_index, state="deferred")
        with create_session() as session:
            row = Trigger.from_object(trigger)
            session.add(row)
            session.flush()
            of_this = (TaskInstance.dag_id == self.dag_id, TaskInstance.map_index == map_index)
            session.execute(update(TaskInstance).where(*of_this).values(trigger_id=row.id))

    def push(self, value: Any, task_id: str, map_index: int = -1, *, key: str) -> None:
        """Add an XCom to a task instance."""
        from airflow.models.dagrun import DagRun
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import select

        row = {"task_id": task_id, "map_index": map_index, "dag_id": self.dag_id, "run_id": self.run_id}
        number = select(DagRun.id).where(DagRun.dag_id == self.dag_id, DagRun.run_id == self.run_id)
        with create_session() as session:
            session.add(XComModel(**row, key=key, value=value, dag_run_id=session.scalar(number)))


def ui_data(*container_ids: str, **others: Any) -> dict[str, Any]:
    """Return what operators publish for the page."""
    value = {"layers_conn_id": "layers_default", "job_id": None, "scheduled_post_ids": []}
    return {**value, "container_ids": list(container_ids), **others}


@pytest.fixture
def run(database: None) -> Iterator[Callable[..., Run]]:
    """Add DAG runs to the database: ``run(dag_id="made")``."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete, insert

    def add(dag_id: str = "made", **fields: Any) -> Run:
        added = Run(dag_id, **fields)
        limits = {
            "max_active_tasks": 9,
            "max_consecutive_failed_dag_runs": 0,
            "has_task_concurrency_limits": False,
        }
        with create_session() as session:
            if session.get(DagBundleModel, "files") is None:
                session.execute(insert(DagBundleModel).values(name="files"))
            if session.get(DagModel, dag_id) is None:
                session.execute(insert(DagModel).values(dag_id=dag_id, bundle_name="files", **limits))
            row = {"dag_id": dag_id, "run_id": added.run_id, "state": added.state, "run_type": "manual"}
            session.execute(insert(DagRun).values(**row, run_after=datetime.now(timezone.utc)))
        return added

    yield add
    with create_session() as session:
        for model in (DagRun, DagModel):
            session.execute(delete(model))


@pytest.fixture
def send(api: Emulator) -> Iterator[Callable[..., Any]]:
    """Send a request to the Layers API as a task would: ``send("POST", "/v1/...", reason="Too loud.")``."""
    headers = {"Authorization": f"Bearer {api.api_key}"}
    with httpx.Client(base_url=api.url, headers=headers, trust_env=False) as client:

        def request(method: str, path: str, **body: Any) -> Any:
            response = client.request(method, path, json=body if method != "GET" else None)
            return response.raise_for_status().json()

        yield request


@pytest.fixture
def content(api: Emulator, send: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Generate content and return the API's response to the request."""

    def generate(*, ended: bool = True, variants: int = 1, **brief: Any) -> dict[str, Any]:
        body = {"format": "slideshow-builder", "variantCount": variants, "hook": "Wait for it", **brief}
        response: dict[str, Any] = send("POST", f"/v1/projects/{api.project_id}/content", **body)
        if ended:
            api.advance(60.0)
        return response

    return generate


@pytest.fixture
def reads(api: Emulator) -> Callable[[], list[str]]:
    """Return the paths that the API received reads of since the last call."""
    seen = 0

    def since() -> list[str]:
        nonlocal seen
        paths = [item.path for item in api.requests(method="GET") if item.path.startswith("/v1/")]
        new, seen = paths[seen:], len(paths)
        return new

    return since
