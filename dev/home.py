"""The AIRFLOW_HOME of one local Airflow: its environment, its lock, its database and its admin."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from dev.airflow_client import AirflowError
from dev.releases import EVERY_RELEASE, airflow_version, installed_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from dev.releases import Release

CHECKOUT = Path(__file__).resolve().parents[1]
HOMES = CHECKOUT / ".airflow"
USER = "admin"
PASSWORDS = "passwords.json"


def environment(
    home: Path,
    release: Release,
    address: str,
    connections: Mapping[str, str],
    settings: Mapping[str, str],
    users: Mapping[str, str],
) -> dict[str, str]:
    """Compose the environment in which all components of one Airflow run.

    :param home: its AIRFLOW_HOME
    :param release: what is particular to this release of Airflow
    :param address: the api-server's base URL
    :param connections: connection URIs or JSON texts by connection id
    :param settings: environment that wins over everything set here
    :param users: the role of each user
    """
    # Airflow settings of the person's own shell would make this a different Airflow.
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    env |= EVERY_RELEASE | dict(release.settings)
    env |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": address.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in users.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / PASSWORDS),
        # Airflow starts `airflow` by that name now and then.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }
    env |= {f"AIRFLOW_CONN_{name.upper()}": value for name, value in connections.items()}
    return env | dict(settings)


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold an AIRFLOW_HOME for this program alone.

    :param home: the directory
    """
    HOMES.mkdir(exist_ok=True)
    with (home.parent / f"{home.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AirflowError(f"another program is using {home}; stop it first") from None
        yield


def prepare(home: Path, env: Mapping[str, str], dags: Sequence[Path], passwords: Mapping[str, str]) -> None:
    """Empty an AIRFLOW_HOME and put into it what Airflow needs at its first start.

    :param home: the directory
    :param env: the environment of the components
    :param dags: folders with DAG files
    :param passwords: the password of each user
    """
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    # An empty file keeps four components from each writing the default one at the same moment.
    (home / "airflow.cfg").touch()
    (home / PASSWORDS).write_text(json.dumps(dict(passwords)))
    (home / PASSWORDS).chmod(0o600)
    _link_dags(home / "dags", dags, installed_release().unreadable)
    with (
        contextlib.closing(sqlite3.connect(_migrated_database(env))) as source,
        contextlib.closing(sqlite3.connect(home / "airflow.db")) as target,
    ):
        source.backup(target)


def _link_dags(link: Path, folders: Sequence[Path], left_out: Sequence[str]) -> None:
    link.mkdir()
    (link / ".airflowignore").write_text("".join(f"{name}\n" for name in left_out))
    for number, folder in enumerate(folders):
        if not folder.exists():
            raise AirflowError(f"there are no DAGs at {folder}")
        (link / f"{number}_{folder.name}").symlink_to(folder.resolve(), target_is_directory=folder.is_dir())


def _migrated_database(env: Mapping[str, str]) -> Path:
    """Return an empty database with Airflow's tables, made once for each version of Airflow.

    :param env: the environment of the components
    """
    template = HOMES / f"template-{airflow_version()}.db"
    if template.exists():
        return template
    with tempfile.TemporaryDirectory(dir=HOMES, prefix="migrate-") as scratch:
        database = Path(scratch, "airflow.db")
        made = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env={
                **env,
                "AIRFLOW_HOME": scratch,
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
            },
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise AirflowError(f"`airflow db migrate` failed:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
        database.replace(template)
    return template


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does: unwind the program, so that every ``with`` gets its turn."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
