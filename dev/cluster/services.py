"""PostgreSQL and Redis as child processes: empty, on free ports, gone at the end."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import redis

from dev.airflow_client import POLL_INTERVAL, WAIT_TIMEOUT
from dev.local_airflow import HOMES, free_port
from dev.processes import Child, stop_all
from dev.system_packages import install_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "airflow"
PACKAGES = ("postgresql", "redis-server")
# Debian keeps the server's programs off the PATH.
POSTGRESQL_FOLDERS = "/usr/lib/postgresql"
MISSING = (
    "PostgreSQL and Redis are needed: initdb, postgres and redis-server were not all found. "
    f"On Debian: sudo apt-get install --no-install-recommends {' '.join(PACKAGES)}"
)
# The database lives as long as the command; nobody needs it after a power failure.
POSTGRESQL_SETTINGS = ("fsync=off", "max_connections=300", "unix_socket_directories=")


class ServiceError(RuntimeError):
    """PostgreSQL or Redis is not installed or does not start."""


@dataclass(frozen=True)
class Services:
    """A running PostgreSQL and a running Redis.

    :param postgresql: process of PostgreSQL
    :param redis: process of Redis
    :param database: address of the database, without a scheme
    :param broker: URL of Redis
    """

    postgresql: Child
    redis: Child
    database: str
    broker: str

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query in the metadata database."""
        with contextlib.closing(psycopg2.connect(f"postgresql{self.database}")) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, values)
            return list(cursor.fetchall())


@contextlib.contextmanager
def running_services(name: str) -> Iterator[Services]:
    """Start PostgreSQL and Redis, installing them if that is possible; stop them at the end.

    :param name: prefix of the log files, ``.airflow/<name>-postgresql.log`` and ``.airflow/<name>-redis.log``
    """
    programs = _programs()
    HOMES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="airflow-cluster-") as folder_name:
        folder = Path(folder_name)
        password, ports = secrets.token_urlsafe(12), (free_port(), free_port())
        password_file, redis_file = folder / "password", folder / "redis.conf"
        password_file.write_text(password)
        redis_file.write_text(
            f'bind 127.0.0.1\nport {ports[1]}\nrequirepass {password}\nsave ""\ndir {folder}\n'
        )
        prefix = _unprivileged(folder)
        data = str(folder / "postgresql")
        _create_database_files(prefix, programs["initdb"], data, password_file)
        options = [option for setting in POSTGRESQL_SETTINGS for option in ("-c", setting)]
        address = ["-h", "127.0.0.1", "-p", str(ports[0])]
        services = Services(
            _child(name, "postgresql", [*prefix, programs["postgres"], "-D", data, *address, *options]),
            _child(name, "redis", [programs["redis-server"], str(redis_file)]),
            f"://{USER}:{password}@127.0.0.1:{ports[0]}/postgres",
            f"redis://:{password}@127.0.0.1:{ports[1]}/0",
        )
        children = (services.postgresql, services.redis)
        try:
            for child in children:
                child.start()
            _wait_until_ready(services)
            yield services
        finally:
            stop_all(children)


def _programs() -> dict[str, str]:
    found = _find_programs()
    if not all(found.values()):
        install_packages(*PACKAGES)
        found = _find_programs()
    programs = {name: path for name, path in found.items() if path}
    if programs.keys() != found.keys():
        raise ServiceError(MISSING)
    return programs


def _find_programs() -> dict[str, str | None]:
    folders = sorted(Path(POSTGRESQL_FOLDERS).glob("*/bin"), key=lambda path: path.parts[-2], reverse=True)
    path = os.pathsep.join([*map(str, folders[:1]), os.environ.get("PATH", os.defpath)])
    return {name: shutil.which(name, path=path) for name in ("initdb", "postgres", "redis-server")}


def _unprivileged(folder: Path) -> list[str]:
    """Return the beginning of a command that PostgreSQL accepts, and give it the folder: it refuses root."""
    if os.geteuid():
        return []
    for path in (folder, folder / "password"):
        shutil.chown(path, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _create_database_files(prefix: list[str], initdb: str, data: str, password_file: Path) -> None:
    options = ["--username", USER, "--pwfile", str(password_file), "--auth", "scram-sha-256"]
    options += ["--encoding", "UTF8", "--no-locale", "--no-sync"]
    command = [*prefix, initdb, "-D", data, *options]
    result = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if result.returncode:
        raise ServiceError(f"initdb failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")


def _child(name: str, service: str, command: list[str]) -> Child:
    log = HOMES / f"{name}-{service}.log"
    log.unlink(missing_ok=True)
    return Child(service, command, {"PATH": os.environ.get("PATH", os.defpath)}, log, Path("/"))


def _wait_until_ready(services: Services) -> None:
    deadline = time.monotonic() + WAIT_TIMEOUT
    while True:
        services.postgresql.check_alive()
        services.redis.check_alive()
        try:
            services.query("SELECT 1")
            with contextlib.closing(redis.Redis.from_url(services.broker)) as client:
                client.ping()
        except (psycopg2.OperationalError, redis.ConnectionError) as error:
            if time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL or Redis does not respond: {error}") from None
            time.sleep(POLL_INTERVAL)
        else:
            return
