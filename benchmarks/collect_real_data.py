"""Collect on the four real files of ../shared/data/instructions: rows in, out and rejected by reason, seconds, memory.

    python benchmarks/collect_real_data.py

Memory is the sum of the proportional set sizes of the command and everything that it starts (Ray included).
"""

import contextlib
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from record import write_result

from selfj.collect import step_counts
from selfj.run import RunFolder

ROOT = Path(__file__).parents[1]
COMMAND = ["ray_jobs/collect.py", "--config", "configs/shared_data.yaml"]


def main() -> None:
    """Run the job, write benchmarks/results/collect_real_data.json."""
    with tempfile.TemporaryDirectory() as runs:
        figures = measured([sys.executable, *COMMAND, "--runs", runs])
        run = RunFolder(f"{runs}/shared-data")
        figures |= counted(run)
    print(json.dumps(figures, indent=1))
    print(write_result("collect_real_data", figures, "python benchmarks/collect_real_data.py"))


def measured(command: list[str]) -> dict[str, Any]:
    """Seconds and peak memory of a command with all its processes, and of its largest process."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT)
    peak = largest = 0
    while process.poll() is None:
        sizes = memory_of(process.pid)
        peak, largest = max(peak, sum(sizes)), max([largest, *sizes])
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "seconds_of_the_command": round(time.monotonic() - started, 1),
        "peak_gb_all_processes": round(peak / 1e9, 2),
        "peak_gb_largest_process": round(largest / 1e9, 2),
        "load_before": [round(value, 1) for value in psutil.getloadavg()],
    }


def memory_of(pid: int) -> list[int]:
    """Proportional set size of a process and of each below it, in bytes."""
    sizes = []
    with contextlib.suppress(psutil.Error):
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                sizes.append(process.memory_full_info().pss)
    return sizes


def counted(run: RunFolder) -> dict[str, Any]:
    """Rows of the step, by reason and by source; seconds of its tables."""
    manifest = run.upstream("instructions", "report")
    tables = {name: run.upstream(name, "report") for name in ("collected", "instructions")}
    seconds = {
        name: {"seconds": table.seconds, "rows_per_second": round(table.rows_per_second)} for name, table in tables.items()
    }
    return {**dataclasses.asdict(step_counts(run)), "tables": seconds, "parts": manifest.parts, **manifest.details}


if __name__ == "__main__":
    main()
