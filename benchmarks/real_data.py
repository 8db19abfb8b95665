"""A slice of the shared real instructions through the whole pipeline with the pocket policy.

    python benchmarks/real_data.py [rows]

Its judge is worth nothing (the policy knows another world); what counts is that long, multilingual and code-bearing text passes
through every step and every row is accounted for.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from record import write_result

from selfj.run import RunFolder

ROOT = Path(__file__).parents[1]


def main(rows: int = 300) -> int:
    """Run the job on `rows` instructions of configs/shared_data.yaml; write benchmarks/results/real_data.json."""
    name = f"real-data-{int(time.time())}"
    settings = ["--config", "configs/shared_data.yaml", "--name", name, "--collect.max_instructions", str(rows)]
    started = time.monotonic()
    command = [sys.executable, "cluster/local.py", "run", "--", "python", "ray_jobs/pipeline.py", *settings]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    if status == 0:
        figures = {"seconds": round(time.monotonic() - started, 1), **accounts(RunFolder(str(ROOT / "runs" / name)))}
        print(write_result("real_data", figures, f"python benchmarks/real_data.py {rows}"))
    return status


def accounts(run: RunFolder) -> dict[str, Any]:
    """Rows of every step, and why some were left out or have no score."""
    metrics = json.loads(run.store.read("report/metrics.json"))
    scored = run.table("scored").read_all().to_pylist()
    lengths = sorted(len(row["instruction"]) for row in run.table("instructions").read_all().to_pylist())
    return {
        "steps": metrics["steps"],
        "rejected_reasons": metrics.get("rejected_reasons"),
        "scored": sum(row["quality"] is not None for row in scored),
        "unscored": sum(row["quality"] is None for row in scored),
        "longest_instruction_characters": lengths[-1],
        "median_instruction_characters": lengths[len(lengths) // 2],
    }


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
