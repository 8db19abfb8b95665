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
    """One step's script, on the Ray cluster at an address or with a Ray of its own, in a process group of its own."""
    runs, name = run.address.rsplit("/", 1)
    arguments = [sys.executable, f"ray_jobs/{SCRIPT[step]}", "--config", str(config), "--runs", runs, "--name", name]
    Path(runs).mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": address}
    output = open(log or f"{run.address}.{step}.log", "ab")  # noqa: SIM115 - the child holds it
    return subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True)
