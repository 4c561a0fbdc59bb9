"""Airflow's own API server with our plugin in it, on a real socket, with a real database and the emulator."""

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

from dev.releases import installed_release

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
collect_ignore = [] if installed_release().has_rest else ["auth_manager.py"]


class Clock:
    """Time as the page's cache sees it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def page_clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def database() -> None:
    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base

    import_all_models()
    Base.metadata.create_all(settings.engine)


@pytest.fixture(scope="session")
def api_server(database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's app; what it mounts under ``/layers`` is what the installed entry point gives."""
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
    """Serve an app on a free port and give its address."""
    import uvicorn

    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([own],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{own.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def address(api_server: Any) -> Iterator[str]:
    with listening(api_server) as address:
        yield address


@pytest.fixture(scope="session")
def token(address: str) -> Callable[[str], str]:
    """Log a user in and give the token."""
    known: dict[str, str] = {}

    def log_in(user: str) -> str:
        if user not in known:
            login = {"username": user, "password": PASSWORD}
            answer = httpx.post(f"{address}/auth/token", json=login, trust_env=False)
            known[user] = answer.raise_for_status().json()["access_token"]
        return known[user]

    return log_in


@pytest.fixture
def layers_app(api_server: Any, page_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Our app anew, in the place of the one before, so that no test sees what another has read."""
    from airflow_provider_layers.plugins.app import make_app
    from airflow_provider_layers.plugins.loader import Reader

    (mount,) = [route for route in api_server.routes if getattr(route, "path", None) == "/layers"]
    app = make_app(Reader(clock=page_clock, patience=20.0))
    monkeypatch.setattr(mount, "app", app)
    return app


@pytest.fixture
def get(address: str, layers_app: Any, token: Callable[[str], str]) -> Callable[..., httpx.Response]:
    """Ask for a page: ``get("dag-run", dag_id=..., run_id=..., user="viewer")``."""

    def ask(page: str, *, user: str | None = "viewer", **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token(user)}"} if user else {}
        url = f"{address}/layers/{page}"
        return httpx.get(url, params=query, headers=headers, timeout=30.0, trust_env=False)

    return ask


@dataclass
class Run:
    """
    A run in the database, with what its task instances have pushed.

    :param dag_id: the Dag
    """

    dag_id: str = "made"
    run_id: str = "manual__2026-01-01T00:00:00+00:00"
    state: str = "success"

    @property
    def query(self) -> dict[str, str]:
        """What names it in an address."""
        return {"dag_id": self.dag_id, "run_id": self.run_id}

    def push(
        self,
        value: Any,
        task_id: str = "make",
        map_index: int = -1,
        *,
        state: str = "success",
        key: str = "layers",
    ) -> None:
        """Add a task instance and what it pushed, stored as Airflow 3 does; ``None`` is nothing."""
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from sqlalchemy import insert, select

        row = {"task_id": task_id, "map_index": map_index, "dag_id": self.dag_id, "run_id": self.run_id}
        number = select(DagRun.id).where(DagRun.dag_id == self.dag_id, DagRun.run_id == self.run_id)
        with create_session() as session:
            session.execute(insert(TaskInstance).values(**row, pool="default_pool", state=state))
            if value is not None:
                session.add(XComModel(**row, key=key, value=value, dag_run_id=session.scalar(number)))


def tell(*container_ids: str, **others: Any) -> dict[str, Any]:
    """Say what operators say."""
    told = {"layers_conn_id": "layers_default", "job_id": None, "scheduled_post_ids": []}
    return {**told, "container_ids": list(container_ids), **others}


@pytest.fixture
def run(database: None) -> Iterator[Callable[..., Run]]:
    """Put runs into the database: ``run(dag_id="made")``."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import delete, insert

    def put(dag_id: str = "made", **fields: Any) -> Run:
        made = Run(dag_id, **fields)
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
            row = {"dag_id": dag_id, "run_id": made.run_id, "state": made.state, "run_type": "manual"}
            session.execute(insert(DagRun).values(**row, run_after=datetime.now(timezone.utc)))
        return made

    yield put
    with create_session() as session:
        for model in (DagRun, DagModel):
            session.execute(delete(model))


@pytest.fixture
def content(api: Emulator) -> Iterator[Callable[..., dict[str, Any]]]:
    """Have content made: gives the answer of the API to the request that started it."""

    def make(*, ended: bool = True, variants: int = 1, **brief: Any) -> dict[str, Any]:
        body = {"format": "slideshow-builder", "variantCount": variants, "hook": "Wait for it", **brief}
        answer = http.post(f"/v1/projects/{api.project_id}/content", json=body)
        if ended:
            api.advance(60.0)
        return dict(answer.raise_for_status().json())

    headers = {"Authorization": f"Bearer {api.api_key}"}
    with httpx.Client(base_url=api.url, headers=headers, trust_env=False) as http:
        yield make


@pytest.fixture
def reads(api: Emulator) -> Callable[[], list[str]]:
    """Give the paths that were read of the API since the last call."""
    seen = 0

    def since() -> list[str]:
        nonlocal seen
        paths = [one.path for one in api.requests(method="GET") if one.path.startswith("/v1/")]
        new, seen = paths[seen:], len(paths)
        return new

    return since
