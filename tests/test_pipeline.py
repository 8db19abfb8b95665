"""The whole job, as its user runs it: submitted to a local Ray head, on the smallest settings."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from selfj.config import STEPS
from selfj.run import RunFolder
from tests.serve.ports import free_port

ROOT = Path(__file__).parents[1]
METHODS = {"cosine", "self_eval_reference", "self_eval_plus_cosine", "judge_reference", "ppl", "self_eval", "judge"}
FIGURES = {"with_reference", "pearson", "spearman", "auroc", "aurc", "prr", "scored", "unscored"}

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]


def submit(runs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The pipeline as a Ray job on a head of its own."""
    job = [sys.executable, "ray_jobs/pipeline.py", "--config", "configs/pocket_tiny.yaml", "--runs", str(runs)]
    command = [sys.executable, "cluster/local.py", "run", "--", *job]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    address = f"http://127.0.0.1:{free_port()}"  # else a head that its developer has started would run the job
    return run_command(command, {"PATH": path, "RAY_API_SERVER_ADDRESS": address, "RAY_AUTH_MODE": "token", **environment})


def run_command(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder with its output kept."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def direct(runs: Path, *arguments: str, script: str = "pipeline.py") -> subprocess.CompletedProcess[str]:
    """One script with a Ray of its own."""
    command = [sys.executable, f"ray_jobs/{script}", "--config", "configs/pocket_tiny.yaml", "--runs", str(runs), *arguments]
    return run_command(command, {"RAY_ADDRESS": ""})


BLOCKER = '''
import sys

class Blocker:
    """Makes the exact grade unavailable to every process of the job."""

    def find_spec(self, name, path=None, target=None):
        if name == "selfj.pocket.grading":
            raise ImportError("the exact grade is not to be had")

sys.meta_path.insert(0, Blocker())
'''


@dataclass(frozen=True)
class Blocked:
    """A job that could not read the exact grade."""

    run: RunFolder
    status: int
    printed: str
    judge: bool
    """Whether there was a judge when it ended."""


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Blocked:
    """The job where nobody can read the exact grade; it ends when evaluation asks for it."""
    folder = tmp_path_factory.mktemp("blocked")
    (folder / "sitecustomize.py").write_text(BLOCKER)
    result = submit(folder / "runs", PYTHONPATH=f"{folder}:{ROOT}")
    run = RunFolder(str(folder / "runs" / "pocket_tiny"))
    return Blocked(run, result.returncode, result.stdout + result.stderr, Path(run.path("judge/judge.json")).is_file())


@pytest.fixture(scope="module")
def finished(blocked: Blocked) -> tuple[RunFolder, str]:
    """The same job once more, with the grade: a finished run, and what both have printed."""
    result = submit(Path(blocked.run.address).parent)
    printed = result.stdout + result.stderr
    assert result.returncode == 0, blocked.printed[-4000:] + printed[-4000:]
    return blocked.run, blocked.printed + printed


def test_nothing_before_evaluation_can_read_the_exact_grade(blocked: Blocked) -> None:
    """With the grade unavailable the judge is trained all the same; only evaluation, which asks for it, fails."""
    assert blocked.judge, blocked.printed[-6000:]
    assert blocked.status == 2 and "exact grade is not to be had" in blocked.printed


def test_the_job_ends_in_a_report_and_says_where_it_lies(finished: tuple[RunFolder, str]) -> None:
    run, printed = finished
    page = Path(run.path("report/index.html"))
    assert page.is_file() and str(page) in printed
    assert "http://" not in page.read_text().replace("http://www.w3.org", "")


def test_the_metrics_hold_every_method_and_step(finished: tuple[RunFolder, str]) -> None:
    run, _ = finished
    metrics = json.loads(Path(run.path("report/metrics.json")).read_text())
    (policy,) = metrics["policies"].values()
    assert set(policy["methods"]) >= METHODS
    for values in policy["methods"].values():
        assert set(values) >= FIGURES
        assert values["scored"] > 0 and values["unscored"] == 0
    assert set(metrics["steps"]) == set(STEPS) - {"report"}
    for counts in metrics["steps"].values():
        assert counts["rows_in"] == counts["rows_out"] + counts["rejected"]
        assert counts["seconds"] > 0
    assert metrics["gold"] and metrics["seed"] == 1


def test_no_response_is_there_twice_and_every_row_has_its_place(finished: tuple[RunFolder, str]) -> None:
    run, _ = finished
    keys = run.table("responses").read_all().column("response_id").to_pylist()
    assert len(keys) == len(set(keys)) == run.table("instructions").read_all().num_rows
    for part in run.table("instructions").parts():
        instructions = set(run.table("instructions").read(part).column("instruction_id").to_pylist())
        assert set(run.table("responses").read(part).column("instruction_id").to_pylist()) == instructions
        assert run.table("scored").read(part).column("response_id") == run.table("responses").read(part).column("response_id")


def test_progress_in_the_job_log_is_plain_lines(finished: tuple[RunFolder, str]) -> None:
    _, printed = finished
    own = [line for line in printed.split("\n") if line.startswith(tuple(f"{step}:" for step in STEPS))]
    assert any("rows/s" in line for line in own)
    assert not any("\r" in line for line in own)


def test_the_same_command_again_touches_nothing(finished: tuple[RunFolder, str]) -> None:
    run, _ = finished
    tables = [path for path in Path(run.address).rglob("part-*.parquet")]
    before = {path: path.stat().st_mtime_ns for path in tables}
    again = direct(Path(run.address).parent)
    assert again.returncode == 0, again.stderr[-3000:]
    assert {path: path.stat().st_mtime_ns for path in tables} == before


def test_other_settings_are_refused_in_one_line_that_says_what_changed(finished: tuple[RunFolder, str]) -> None:
    run, _ = finished
    refused = direct(Path(run.address).parent, "--sample.temperature", "0.5", script="sample.py")
    assert refused.returncode == 2
    message = [line for line in refused.stderr.splitlines() if line.startswith("error:")]
    assert len(message) == 1 and "sample.temperature: 1.0 → 0.5" in message[0] and "--restart-from sample" in message[0]


def test_an_unknown_setting_is_refused_in_one_line(tmp_path: Path) -> None:
    refused = direct(tmp_path, "--sample.temperatur", "0.5")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: settings:") and len(refused.stderr.strip().splitlines()) == 1


def test_an_unwritable_run_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refused = direct(tmp_path / "file")
    assert refused.returncode == 2
    assert "error:" in refused.stderr and "cannot be written" in refused.stderr and "Traceback" not in refused.stderr
