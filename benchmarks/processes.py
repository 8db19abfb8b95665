"""A command with all the processes that it starts: how long it takes, and their memory over time."""

import contextlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
_EVERY_SECONDS = 2.0
_POINTS = 40


@dataclass
class Measured:
    """What a command took."""

    seconds: float
    memory: list[float]
    """GB of all processes together, every two seconds: the sum of the proportional set sizes, in which a page that several share
    counts once.
    """

    def figures(self) -> dict[str, Any]:
        """For a result file: the highest value, and the highest of each of up to 40 stretches of equal length."""
        size = -(-len(self.memory) // _POINTS)
        over_time = [round(max(self.memory[start : start + size]), 2) for start in range(0, len(self.memory), size)]
        return {"seconds": round(self.seconds, 1), "peak_gb": round(max(self.memory), 2), "memory_gb": over_time}


def measured(command: list[str], environment: dict[str, str] | None = None) -> Measured:
    """Run a command to its end. Raises SystemExit if it fails."""
    started, memory = time.monotonic(), [0.0]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    while process.poll() is None:
        memory.append(sum(memory_of(process.pid)) / 1e9)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_EVERY_SECONDS)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Measured(time.monotonic() - started, memory)


def memory_of(pid: int) -> list[int]:
    """Proportional set size of a process and of each below it, in bytes."""
    sizes = []
    with contextlib.suppress(psutil.Error):
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                sizes.append(process.memory_full_info().pss)
    return sizes
