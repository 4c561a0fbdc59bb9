"""The emulator of the Layers API as a process, beside a local Airflow that is connected to it."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_layers.emulator.control_client import EmulatorControl
from dev import CHECKOUT
from dev.airflow_client import WAIT_TIMEOUT
from dev.local_airflow import HOMES, LocalAirflow, free_port
from dev.processes import Child, stop_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class EmulatorProcess:
    """``python -m airflow_provider_layers.emulator``, to be used in a ``with`` statement.

    :param name: name of its log file, ``.airflow/<name>-emulator.log``
    :param options: command-line options
    """

    def __init__(self, name: str, *options: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.control = EmulatorControl(self.url)
        HOMES.mkdir(exist_ok=True)
        self._child = Child(
            name="emulator",
            command=[sys.executable, "-m", "airflow_provider_layers.emulator", "--port", str(port), *options],
            env={"PYTHONUNBUFFERED": "1"},
            log_path=HOMES / f"{name}-emulator.log",
            cwd=CHECKOUT,
        )

    def __enter__(self) -> Self:
        try:
            self._child.log_path.unlink(missing_ok=True)
            self._child.start()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the process."""
        self.control.close()
        stop_all([self._child])

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + WAIT_TIMEOUT
        while True:
            self._child.check_alive()
            try:
                self.control.now()
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET response of the API.

        :param path: path with leading slash
        :param params: query
        """
        headers = {"authorization": f"Bearer {self.control.api_key}"}
        response = httpx.get(self.url + path, params=params, headers=headers, timeout=60.0, trust_env=False)
        response.raise_for_status()
        return response.json()

    def paginate(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Iterate over a collection of the API.

        :param path: path with leading slash
        :param params: query
        """
        while True:
            page = self.get(path, **params)
            yield from page["items"]
            if not page.get("nextCursor"):
                return
            params["cursor"] = page["nextCursor"]


@dataclass(frozen=True)
class Environment:
    """A local Airflow and the emulator it is connected to, both running."""

    airflow: LocalAirflow
    emulator: EmulatorProcess
