"""The local head: found or started, used by a job, gone afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from cluster import local

SCRIPT = Path(local.__file__)
JOB = """
import os, sys, ray
ray.init(logging_level="WARNING")
print("folder", os.getcwd(), "python", sys.executable, "cpus", ray.cluster_resources()["CPU"], flush=True)
if len(sys.argv) > 2:
    import time; time.sleep(60)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def state(tmp_path, monkeypatch) -> Path:
    """No head on record, none named, and no token but the test's."""
    monkeypatch.setattr(local, "STATE", tmp_path)
    monkeypatch.setattr(local, "HEAD_FILE", tmp_path / "head.json")
    for name in ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "right")
    return tmp_path


@pytest.fixture
def job_server() -> Iterator[str]:
    """Answers like the job server of a head with the token "right"."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            allowed = self.headers.get("Authorization") == "Bearer right"
            self.send_response(200 if allowed else 403)
            self.end_headers()
            self.wfile.write(json.dumps({"session_name": f"session_2026_{os.getpid()}"}).encode() if allowed else b"no")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def unused_address() -> str:
    return f"http://127.0.0.1:{local.free_ports([0])[0]}"


class TestCommandLine:
    def test_run_takes_the_command_behind_the_dashes(self):
        options = local.read_options(["--object-store-mb", "200", "run", "--", "python", "job.py", "--seed", "1"])
        assert (options.action, options.command, options.object_store_mb) == ("run", ["python", "job.py", "--seed", "1"], 200)

    @pytest.mark.parametrize("arguments", [["run"], ["run", "--"], ["stop", "it"], ["restart"], []])
    def test_anything_else_is_refused(self, arguments):
        with pytest.raises(SystemExit) as caught:
            local.read_options(arguments)
        assert caught.value.code == 2

    def test_a_problem_is_one_line(self, state, monkeypatch, capsys):
        monkeypatch.setenv("RAY_API_SERVER_ADDRESS", "http://head.invalid:8265")
        assert local.main(["status"]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: no Ray job server answers at http://head.invalid:8265") and error.count("\n") == 1


class TestFindingAHead:
    def test_a_named_head_is_used(self, state, job_server, monkeypatch):
        monkeypatch.setenv("RAY_API_SERVER_ADDRESS", job_server)
        assert local.find_head() == job_server

    def test_a_named_local_address_without_a_head_means_start_one_there(self, state, monkeypatch):
        monkeypatch.setenv("RAY_API_SERVER_ADDRESS", unused_address())
        assert local.find_head() is None

    @pytest.mark.parametrize(
        ("variables", "named"),
        [
            ({}, None),
            ({"RAY_ADDRESS": "10.0.0.1:6379"}, None),  # of a cluster, not of its job server
            ({"RAY_ADDRESS": "http://a:1"}, "http://a:1"),
            ({"RAY_ADDRESS": "http://a:1", "RAY_API_SERVER_ADDRESS": "https://b"}, "https://b"),
        ],
    )
    def test_which_variable_names_a_head(self, state, monkeypatch, variables, named):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert local.named_address() == named

    def test_a_head_of_this_folder_is_used_and_one_of_another_is_not(self, state, job_server, monkeypatch):
        monkeypatch.setattr(local, "DEFAULT_ADDRESS", job_server)
        monkeypatch.setattr(local, "ROOT", Path.cwd())
        assert local.find_head() == job_server
        monkeypatch.setattr(local, "ROOT", state)
        assert local.find_head() is None

    def test_a_head_that_refuses_the_token_is_not_used(self, state, job_server, monkeypatch):
        monkeypatch.setattr(local, "DEFAULT_ADDRESS", job_server)
        monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
        assert local.find_head() is None

    def test_a_session_of_no_process_here_may_be_a_tunnel(self):
        assert local.belongs_here("session_2026-11-20_18-17-30_551478_999999999")

    @pytest.mark.parametrize(
        "record", ["", "[]", "{}", '{"pid": 999999999, "address": "x"}', f'{{"pid": {os.getpid()}, "address": "x"}}']
    )
    def test_a_stale_record_is_no_head(self, state, record):
        local.HEAD_FILE.write_text(record)
        assert local.recorded_head() is None


class TestStarting:
    def test_a_taken_port_is_replaced_and_none_is_chosen_twice(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            chosen = local.free_ports([port, port, port])
        assert port not in chosen and len(set(chosen)) == 3

    def test_a_free_port_is_kept(self):
        (port,) = local.free_ports([0])
        assert local.free_ports([port]) == [port]

    def test_the_head_uses_our_python_and_no_other_cluster(self):
        environment = local.head_environment(
            {"PATH": "/bin", "RAY_ADDRESS": "elsewhere:1", "RAY_AUTH_MODE": "disabled", "HOME": "/h"}, 6379
        )
        assert environment["PATH"] == f"{sys.prefix}/bin:/bin"
        assert environment["RAY_ADDRESS"] == "127.0.0.1:6379" and environment["HOME"] == "/h"
        assert environment["RAY_AUTH_MODE"] == "disabled"  # the user's word counts
        assert local.head_environment({}, 6379)["RAY_AUTH_MODE"] == "token"

    def test_a_head_that_ends_at_once_is_an_error_with_its_last_words(self, state):
        log = state / "head.log"
        log.write_text("first\nthe port is taken\n")
        process = subprocess.Popen(["false"])
        process.wait()
        with pytest.raises(local.LocalHeadError, match="the port is taken"):
            local.wait_until_ready(process, unused_address(), 1, log)

    def test_stopping_ends_children_that_left_the_group(self, monkeypatch):
        parent = subprocess.Popen(["sh", "-c", "setsid sleep 60 & sleep 60"])
        while len(children := psutil.Process(parent.pid).children(recursive=True)) < 2:
            time.sleep(0.05)
        monkeypatch.setattr(local, "STOP_LIMIT_S", 0.5)
        local.stop_head(local.Head(parent.pid, "x"))
        assert not any(map(local.is_alive, children)) and parent.wait(5)

    def test_an_interrupt_counts_again_after_stopping(self):
        before = signal.getsignal(signal.SIGINT)
        with local.uninterrupted():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) == before

    def test_a_failed_start_is_tried_once_more(self, state, monkeypatch, capsys):
        attempts = [local.LocalHeadError("port taken"), local.Head(1, "x")]

        def attempt(*_: object) -> local.Head:
            outcome = attempts.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        monkeypatch.setattr(local, "try_to_start", attempt)
        assert local.start_head(100, stays=False) == local.Head(1, "x")
        assert capsys.readouterr().err == "port taken; once more\n"

    def test_folders_of_ended_heads_go_and_those_of_running_ones_stay(self, state):
        for name in ("job-999999999", f"job-{os.getpid()}", "head"):
            (state / name / "session_2026").mkdir(parents=True)
        folder = local.prepare_folder("head")
        assert sorted(path.name for path in state.iterdir()) == ["head", f"job-{os.getpid()}"]
        assert folder == state / "head" and list(folder.iterdir()) == []


class TestToken:
    def test_a_home_that_cannot_be_written_is_one_line(self, state, monkeypatch):
        monkeypatch.delenv("RAY_AUTH_TOKEN")
        monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
        (state / "home").write_text("a file")
        monkeypatch.setenv("HOME", str(state / "home"))
        with pytest.raises(local.LocalHeadError, match="could not write its token") as caught:
            local.ensure_token()
        assert "\n" not in str(caught.value)


class TestSubmitting:
    class Client:
        """Refuses with each of `refusals` in turn, then takes the job."""

        def __init__(self, *refusals: str) -> None:
            self.refusals = list(refusals)

        def submit_job(self, entrypoint: str) -> str:
            if self.refusals:
                raise RuntimeError(self.refusals.pop(0))
            return entrypoint

    def test_a_head_whose_agent_is_not_up_is_asked_again(self, monkeypatch):
        monkeypatch.setattr(time, "sleep", lambda _: None)
        assert local.submit_when_ready(self.Client("500: No available agent to submit job"), "python job.py") == "python job.py"

    @pytest.mark.parametrize(("refusal", "limit"), [("out of disk\ntrace", 60), ("No available agent\ntrace", -1)])
    def test_another_refusal_is_one_line(self, monkeypatch, refusal, limit):
        monkeypatch.setattr(local, "SUBMIT_LIMIT_S", limit)
        with pytest.raises(local.LocalHeadError) as caught:
            local.submit_when_ready(self.Client(refusal), "python job.py")
        assert str(caught.value) == f"the Ray head did not take the job: {refusal.splitlines()[0]}"


@pytest.fixture
def project(tmp_path) -> Iterator[Path]:
    """A project folder with its own copy of the script (and so its own head), a home without a token, and a job."""
    (tmp_path / "cluster").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "ray_jobs").mkdir()
    shutil.copy(SCRIPT, tmp_path / "cluster")
    (tmp_path / "ray_jobs" / "job.py").write_text(JOB)
    yield tmp_path
    call(project=tmp_path, arguments=["stop"])
    shutil.rmtree(state_of(tmp_path), ignore_errors=True)


def environment_of(project: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**kept, "HOME": str(project / "home"), "RAY_AUTH_MODE": "token"}


def command_line(arguments: list[str]) -> list[str]:
    return [sys.executable, "cluster/local.py", "--object-store-mb", "100", *arguments]


def call(project: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command_line(arguments), cwd=project, env=environment_of(project), capture_output=True, text=True, timeout=120
    )


def state_of(project: Path) -> Path:
    program = f"import sys; sys.path.insert(0, {str(project)!r}); from cluster import local; print(local.STATE)"
    return Path(
        subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=True).stdout.strip()
    )


def processes_of(project: Path) -> list[str]:
    """Command lines of what still runs for a project's head."""
    marks = (str(state_of(project)), str(project))
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline", "status"])]
    return [line for line in lines if any(mark in line for mark in marks)]


def listening_addresses(project: Path) -> set[str]:
    """Addresses on which the head and its children accept connections."""
    head = psutil.Process(json.loads((state_of(project) / "head.json").read_text())["pid"])
    family = [head, *head.children(recursive=True)]
    found = [connection for process in family for connection in process.net_connections() if connection.status == "LISTEN"]
    return {connection.laddr.ip for connection in found}


@pytest.mark.ray
def test_a_head_that_stays_serves_ray_job_submit_and_run(project):
    started = call(project, ["start"])
    address = started.stdout.split()[2]
    assert started.returncode == 0, started.stderr
    assert listening_addresses(project) <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert (project / "home/.ray/auth_token").stat().st_mode & 0o077 == 0

    # As a user does it, from another folder and without --working-dir: the path is relative to the head's folder.
    ray = [str(Path(sys.prefix) / "bin" / "ray"), "job", "submit", "--address", address, "--", "python", "ray_jobs/job.py", "0"]
    submitted = subprocess.run(ray, cwd="/", env=environment_of(project), capture_output=True, text=True, timeout=120)
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    assert f"folder {project} python {sys.prefix}/bin/python" in submitted.stdout

    failed = call(project, ["run", "--", "python", "ray_jobs/job.py", "3"])
    assert failed.returncode == 3
    assert f"using the Ray head that runs at {address}" in failed.stdout
    assert "job FAILED" in failed.stderr

    assert call(project, ["status"]).returncode == 0
    assert call(project, ["stop"]).returncode == 0
    assert call(project, ["status"]).returncode == 1
    assert processes_of(project) == []


@pytest.mark.ray
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.faults)], ids=["term", "kill"])
def test_a_head_started_for_a_job_ends_with_it(project, number):
    run = subprocess.Popen(
        command_line(["run", "--", "python", "ray_jobs/job.py", "0", "slowly"]),
        cwd=project,
        env=environment_of(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    while not any(line.startswith("folder") for line in said):
        said.append(run.stdout.readline())
        assert said[-1], "".join(said)
    run.send_signal(number)
    assert run.wait(30) == (130 if number == signal.SIGTERM else -signal.SIGKILL)
    deadline = time.monotonic() + 15
    while processes_of(project) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert processes_of(project) == []
