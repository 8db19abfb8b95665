"""How the tests start a step's script, and the run folders it works on."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from selfj.run import RunFolder

ROOT = Path(__file__).parents[2]
SCRIPT = {"collect": "collect.py", "sample": "sample.py", "score": "score.py", "train": "train_judge.py"}
LIMIT_S = 400
INSTRUCTIONS = 160


def copy(run: RunFolder | None, name: str, config: Path) -> RunFolder:
    """A copy of a run folder, or a new one."""
    target = config.parent / "runs" / f"{name}-{time.monotonic_ns()}"
    if run is not None:
        shutil.copytree(run.address, target)
    return RunFolder(str(target))


def command(config: Path, run: RunFolder, step: str, log: Path | None = None, address: str = "") -> "subprocess.Popen[bytes]":
    """One step's script."""
    runs, name = run.address.rsplit("/", 1)
    arguments = [f"ray_jobs/{SCRIPT[step]}", "--config", str(config), "--runs", runs, "--name", name]
    Path(runs).mkdir(exist_ok=True)
    return start(arguments, log or Path(f"{run.address}.{step}.log"), address)


def start(arguments: list[str], log: Path, address: str = "") -> "subprocess.Popen[bytes]":
    """A script of ours with its arguments, on the Ray cluster at an address or with a Ray of its own, in a process group of its
    own; what it prints is added to the log.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": address}
    output = open(log, "ab")  # noqa: SIM115 - the child holds it
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
    )
