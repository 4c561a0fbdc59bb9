"""The emulator of the Layers API, as a process of its own beside a local Airflow."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_layers.emulator.control_client import EmulatorControl
from dev.home import CHECKOUT, HOMES
from dev.local_airflow import free_port
from dev.processes import Child, stop_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self


class EmulatorProcess:
    """``python -m airflow_provider_layers.emulator``, to be used in a ``with`` statement.

    :param name: names its log file, ``.airflow/<name>-emulator.log``
    :param job_seconds: how long its jobs take
    :param options: further command-line options
    """

    def __init__(self, name: str, *, job_seconds: float, options: tuple[str, ...] = ()) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.control = EmulatorControl(self.address)
        HOMES.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "airflow_provider_layers.emulator", "--port", str(port)]
        self._child = Child(
            name="emulator",
            command=[*command, "--job-seconds", f"{job_seconds:g}", *options],
            env={"PYTHONUNBUFFERED": "1"},
            log_path=HOMES / f"{name}-emulator.log",
            cwd=CHECKOUT,
        )

    def __enter__(self) -> Self:
        try:
            self._child.log_path.unlink(missing_ok=True)
            self._child.start()
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        self.control.close()
        stop_all([self._child])

    def _wait(self, timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
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
        """Ask the API and return the JSON of its answer.

        :param path: path with leading slash
        :param params: query
        """
        headers = {"authorization": f"Bearer {self.control.api_key}"}
        response = httpx.get(self.address + path, params=params, headers=headers, trust_env=False)
        response.raise_for_status()
        return response.json()

    def items(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Walk through a collection of the API.

        :param path: path with leading slash
        :param params: query
        """
        while True:
            page = self.get(path, **params)
            yield from page["items"]
            if not page.get("nextCursor"):
                return
            params["cursor"] = page["nextCursor"]

    @staticmethod
    def picture_type(url: str) -> str:
        """Fetch a picture without a key, as a browser would, and return its content type.

        :param url: its address
        """
        response = httpx.get(url, trust_env=False)
        response.raise_for_status()
        return str(response.headers.get("content-type", ""))
