"""`served`: a real endpoint, started once for all tests, on Ray Serve and vLLM."""

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.serve.folders import make_run
from tests.serve.ports import free_port

START_LIMIT_S = 300


@dataclass(frozen=True)
class Served:
    """An endpoint that runs."""

    url: str
    """Its address, without a slash at the end. Open: it asks for no key."""
    name: str
    """Of its model; the promises are those of tests/serve/fakes.py."""
    run: Path
    process: "subprocess.Popen[str]"
    log: Path
    """What the command has printed."""


@contextlib.contextmanager
def serving(folder: Path, *settings: str, run: Path | None = None) -> Iterator[Served]:
    """`selfj serve` on a run folder (by default a fresh one in `folder`), in a process of its own with a Ray of its own."""
    run = run or make_run(folder / "run")
    log, port = folder / "serve.log", free_port()
    command = [sys.executable, "-m", "selfj.cli", "serve", str(run), "--port", str(port), "--access.open", "true", *settings]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, text=True, preexec_fn=_die_with_parent)
        served = Served(f"http://127.0.0.1:{port}", "pocket", run, process, log)
        try:
            _wait_until_ready(served)
            yield served
        finally:
            process.terminate()
            process.wait(timeout=120)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One endpoint for all tests, with small engines: nobody may change or kill it."""
    with serving(tmp_path_factory.mktemp("served"), *small_engines()) as endpoint:
        yield endpoint


def small_engines() -> Sequence[str]:
    """Settings of engines that start quickly."""
    return ["--engine.max_sequences", "64", "--engine.max_batched_tokens", "2048"]


def _wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        assert served.process.poll() is None, served.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{served.url}/health").status_code == 200:
                return
        time.sleep(0.3)
    raise AssertionError(f"not ready after {START_LIMIT_S} s:\n{served.log.read_text()}")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG
