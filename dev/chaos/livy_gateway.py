"""Livy's routes in front of the emulator, so that its faults reach a provider that speaks only Livy.

An answer of the emulator is handed on as it came, bad or good, and so is none.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

STATES = {"running": "running", "completed": "success", "failed": "dead", "canceled": "killed"}


class Gateway(ThreadingHTTPServer):
    """Livy, as far as one batch needs it.

    :param api: the emulator's address
    :param api_key: its key
    :param project_id: where the jobs are started
    """

    daemon_threads = True

    def __init__(self, api: str, api_key: str, project_id: str) -> None:
        self.content = f"/v1/projects/{project_id}/content"
        self.jobs: dict[str, str] = {}
        self.numbers = itertools.count(1)
        headers = {"authorization": f"Bearer {api_key}"}
        self.http = httpx.Client(base_url=api, headers=headers, timeout=10.0, trust_env=False)
        super().__init__(("127.0.0.1", 0), _Livy)

    def asked(self, method: str, path: str, sent: dict[str, Any] | None) -> httpx.Response:
        """Ask the emulator what a request to Livy means.

        :param method: HTTP method
        :param path: Livy's path
        :param sent: Livy's body
        """
        parts = path.strip("/").split("/")
        if method == "POST":
            return self.http.post(self.content, json={"brief": {"topic": (sent or {})["args"][0]}})
        job = self.jobs[parts[1]]
        if method == "DELETE":
            return self.http.post(f"/v1/jobs/{job}/cancel")
        return self.http.get(f"/v1/jobs/{job}")

    def told(self, path: str, answer: httpx.Response) -> bytes:
        """Say in Livy's words what the emulator answered.

        :param path: Livy's path
        :param answer: the emulator's answer
        """
        try:
            job = answer.json()
            state = STATES.get(job["status"], job["status"])
            number = path.strip("/").split("/")[1:2] or [str(next(self.numbers))]
            self.jobs.setdefault(number[0], job["jobId"])
        except (ValueError, KeyError, TypeError):
            return answer.content
        return json.dumps({"id": int(number[0]), "state": state, "appId": job["jobId"]}).encode()


class _Livy(BaseHTTPRequestHandler):
    server: Gateway

    def _serve(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")
        if self.path.endswith("/log"):
            self._send(200, b'{"log": [], "from": 0, "total": 0}')
            return
        try:
            answer = self.server.asked(self.command, self.path, sent)
        except httpx.HTTPError:
            self.close_connection = True
            return
        self._send(answer.status_code, self.server.told(self.path, answer))

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the base class's words

    def _send(self, status: int, content: bytes) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's word
        """Say nothing."""


@contextlib.contextmanager
def gateway(api: str, api_key: str, project_id: str) -> Iterator[str]:
    """Serve until the end of the statement, and give the address.

    :param api: the emulator's address
    :param api_key: its key
    :param project_id: where the jobs are started
    """
    with Gateway(api, api_key, project_id) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.http.close()
