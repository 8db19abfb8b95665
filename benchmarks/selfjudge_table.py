"""SELF-JUDGE's table as its user makes it (`make selfjudge-table`): wall time, peak memory of the machine, and all figures.

    python benchmarks/selfjudge_table.py [settings of the study, such as --seeds [1] or --name NAME to go on with one]

The shared data of people is measured too where it is there. Memory is what the machine's available memory falls by, so nothing
else should run beside it.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from record import write_result
from self_training_memory import measure
from watch import Watch

ROOT = Path(__file__).parents[1]
PAIRS = Path(os.environ.get("SELFJ_SHARED", ROOT.parent / "shared")) / "data/pairs"
STUDY = ["python", "ray_jobs/selfjudge_table.py", "--config", "configs/selfjudge_table.yaml"]
COMMAND = [sys.executable, "cluster/local.py", "run", "--", *STUDY]
REAL = {"votes": "pandalm_human.parquet", "preferences": "ultrafeedback_sample.parquet"}


def main(arguments: list[str]) -> int:
    """Run the study, follow its output, write benchmarks/results/selfjudge_table.json."""
    given = dict(zip(arguments[::2], arguments[1::2], strict=False))
    name = given.get("--name", f"selfjudge_table-{int(time.time())}")
    study = ROOT / given.get("--runs", "runs") / name
    write_memory(study)
    with Watch() as watch:
        command = [*COMMAND, "--name", name, *real_data(), *without_name(arguments)]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
    metrics = study / "report/metrics.json"
    if not metrics.is_file():
        return status
    figures = {**watch.figures, **summary(json.loads(metrics.read_text()))}
    print(write_result("selfjudge_table", figures, " ".join(["python benchmarks/selfjudge_table.py", *arguments])))
    return status


def write_memory(study: Path) -> None:
    """Measure memory once, for the report."""
    file = study / "memory.json"
    if not file.is_file():
        figures = measure()
        study.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(figures, indent=1))


def real_data() -> list[str]:
    """Settings that name the shared data of people, as far as it is there."""
    return [text for name, file in REAL.items() if (PAIRS / file).is_file() for text in (f"--real.{name}", str(PAIRS / file))]


def without_name(arguments: list[str]) -> list[str]:
    """The arguments less `--name NAME`."""
    if "--name" not in arguments:
        return arguments
    place = arguments.index("--name")
    return arguments[:place] + arguments[place + 2 :]


def summary(metrics: dict[str, Any]) -> dict[str, Any]:
    """The figures that results and README may want, each with its interval over the seeds."""
    judge = metrics["judge"]
    return {
        "seeds": metrics["seeds"],
        "judge_accuracy": judge.get("accuracy"),
        "judge_accuracy_clear": judge.get("clear_accuracy"),
        "flip_rate": judge.get("flip_rate"),
        "flip_rate_clear": judge.get("clear_flip_rate"),
        "judge_in_training": metrics["judge_in_training"]["validation"],
        "lm_loss": metrics["judge_in_training"]["lm_loss"],
        "mean_grade": metrics["mean_grade"],
        "above_start": metrics["above_start"],
        "differences": metrics["differences"],
        "win_rate": metrics["win_rate"],
        "grade_win_rate": metrics["grade_win_rate"],
        "arms": metrics["arms"],
        "tournament": {size: point["grade"] for size, point in metrics["tournament"]["by_size"].items()},
        "tournament_gain": {size: point["gain"] for size, point in metrics["tournament"]["by_size"].items()},
        "tournament_counts": {name: value for name, value in metrics["tournament"].items() if name != "by_size"},
        "human_agreement": metrics.get("human_agreement"),
        "preferences": metrics.get("preferences"),
        "memory": metrics.get("memory"),
        "stages": {str(run["seed"]): run["seconds"] for run in metrics["runs"]},
        "problems": {str(run["seed"]): run["problems"] for run in metrics["runs"] if run["problems"]},
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
