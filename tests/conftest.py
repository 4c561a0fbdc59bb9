"""What all tests share: their AIRFLOW_HOME, and no way off this machine."""

from __future__ import annotations

import atexit
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from dev.releases import airflow_version, installed_release

if TYPE_CHECKING:
    from collections.abc import Iterator

# Airflow reads its home and writes into it as soon as it is imported, and obeys the settings of the shell.
assert "airflow" not in sys.modules, "Airflow was imported before it was given a home."
for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
HOME = tempfile.mkdtemp(prefix="airflow-provider-layers-tests-")
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
}


def _remove_home(owner: int = os.getpid()) -> None:
    # A process that Airflow forks inherits this hook, and must not take the home away from its parent.
    if os.getpid() == owner:
        shutil.rmtree(HOME, ignore_errors=True)


atexit.register(_remove_home)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if installed_release().has_rest:
        return
    skip = pytest.mark.skip(reason=f"needs Airflow 3, this is {airflow_version()}")
    for item in items:
        if item.get_closest_marker("airflow3"):
            item.add_marker(skip)


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session", autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if not _is_here(address):
            pytest.fail(f"A test reached for {address}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield
