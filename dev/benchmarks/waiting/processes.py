"""The processes of a run: a server, and a new client for each case at each size."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dev.benchmarks.waiting.cases import CASES, ServerAccess
from dev.benchmarks.waiting.spec import READY, CaseReport, CaseSpec

# The first is for the clients, the last for the server.
CORES = sorted(os.sched_getaffinity(0))
# Seconds, and further seconds for each wait, in which server and clients draw the jobs before a run begins.
LEAD = 0.5
LEAD_PER_WAIT = 0.0005


class ClientError(Exception):
    """A client process ended without a report."""


@dataclass(frozen=True)
class Site:
    """A running server.

    :param address: host and port
    :param folder: contains the certificate, and the AIRFLOW_HOME
    """

    address: str
    folder: Path

    @property
    def certificate(self) -> Path:
        """The server's certificate as a PEM file."""
        return self.folder / "certificate.pem"

    def environment(self, spec: CaseSpec) -> dict[str, str]:
        """Return the environment of a client."""
        # Airflow settings of the user's shell would change the measurement.
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        env |= {"AIRFLOW_HOME": str(self.folder), "SSL_CERT_FILE": str(self.certificate)}
        return env | CASES[spec.case].environment(ServerAccess(self.address, spec.key))


@contextmanager
def running_server() -> Iterator[Site]:
    """Run the server on the last core until the end of the statement."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waiting-")))
        (folder / "airflow.cfg").touch()
        site = Site("", folder)
        key_file = _write_certificate(site.certificate)
        command = [
            sys.executable,
            "-m",
            "dev.benchmarks.waiting.server",
            str(site.certificate),
            str(key_file),
        ]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.terminate)
        os.sched_setaffinity(process.pid, CORES[-1:])
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise ClientError("the server did not start")
        yield Site(f"127.0.0.1:{port}", folder)


def _write_certificate(certificate_file: Path) -> Path:
    """Write a self-signed certificate of 127.0.0.1 and return the file with its private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "waiting benchmark")])
    now = datetime.now(timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file = certificate_file.with_name("key.pem")
    certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key_file


def run_together(site: Site, specs: Sequence[CaseSpec], cores: Sequence[int] = CORES[:1]) -> list[CaseReport]:
    """Run cases at the same time, each in a new process.

    :param site: the server
    :param specs: the cases and their sizes
    :param cores: the cores on which they run
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(_started_client(site, spec, cores)) for spec in specs]
        for client in clients:
            if client.read_line() != READY:
                raise client.error()
        epoch = time.time() + LEAD + LEAD_PER_WAIT * sum(spec.waits for spec in specs)
        for client in clients:
            client.write_line(repr(epoch))
        return [client.report() for client in clients]


@dataclass(frozen=True)
class ClientProcess:
    """A process that runs a case.

    :param spec: the case and its size
    :param process: its stdin and stdout are pipes
    :param log: file with its stderr
    """

    spec: CaseSpec
    process: subprocess.Popen[str]
    log: Path

    def write_line(self, line: str) -> None:
        """Write a line to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def read_line(self) -> str:
        """Read a line from its stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def report(self) -> CaseReport:
        """Wait for its report.

        :raises ClientError: it ended without a report
        """
        line = self.read_line()
        if not line:
            raise self.error()
        return CaseReport(**json.loads(line))

    def error(self) -> ClientError:
        """Return an error with the end of its log."""
        self.process.wait()
        log = self.log.read_text()[-3000:]
        return ClientError(f"{self.spec.case} at {self.spec.waits} waits ended:\n{log}")


@contextmanager
def _started_client(site: Site, spec: CaseSpec, cores: Sequence[int]) -> Iterator[ClientProcess]:
    path = site.folder / f"{spec.key}.log"
    command = [sys.executable, "-W", "ignore", "-m", "dev.benchmarks.waiting.client"]
    with path.open("w") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=site.environment(spec),
        )
    with process:
        try:
            os.sched_setaffinity(process.pid, cores)
            client = ClientProcess(spec, process, path)
            client.write_line(json.dumps(spec.as_json()))
            yield client
        finally:
            process.terminate()
