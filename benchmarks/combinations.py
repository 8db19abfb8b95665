"""Which combination of self-evaluation and similarity follows the exact grade best: a comparison on one finished run.

    python benchmarks/combinations.py runs/pocket

Measured on the train and calibration splits, so that choosing by it leaves the test split alone.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from record import write_result

from selfj.config import ScoreSettings
from selfj.pocket.grading import grade_response
from selfj.run import RunFolder
from selfj.score.combine import Combination, Signals

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)


def main(address: str) -> None:
    """Pearson × 100 with the exact grade of each combination and weight."""
    signals, grades = development_rows(RunFolder(address))
    known = np.isfinite(signals.self_evaluation) & np.isfinite(signals.similarity)
    figures: dict[str, Any] = {"rows": int(known.sum())}
    for form in ("zscore", "rank", "minmax"):
        figures[form] = {
            f"self_evaluation_weight={weight}": correlation(form, weight, signals, grades, known) for weight in WEIGHTS
        }
    print(json.dumps(figures, indent=1))
    print(write_result("combinations", figures, f"python benchmarks/combinations.py {Path(address)}"))


def correlation(form: Any, weight: float, signals: Signals, grades: np.ndarray, known: np.ndarray) -> float:
    """Pearson × 100 of quality and grade."""
    settings = ScoreSettings(combination=form, self_evaluation_weight=weight, similarity_weight=1 - weight)
    quality = Combination.fit(settings, Once(signals)).quality(signals)
    return round(100 * float(np.corrcoef(quality[known], grades[known])[0, 1]), 2)


class Once:
    """All signals as one part."""

    def __init__(self, signals: Signals) -> None:
        self.signals = signals

    def each(self) -> list[Signals]:
        """The one part."""
        return [self.signals]


def development_rows(run: RunFolder) -> tuple[Signals, np.ndarray]:
    """Both signals and the exact grade of every response that is not in the test split."""
    instructions = {
        row["instruction_id"]: row for row in run.table("instructions").read_all().to_pylist() if row["split"] != "test"
    }
    responses = {
        row["response_id"]: row for row in run.table("responses").read_all().to_pylist() if row["instruction_id"] in instructions
    }
    scored = [row for row in run.table("scored").read_all().to_pylist() if row["response_id"] in responses]
    grades = [
        grade_response(json.loads(instructions[row["instruction_id"]]["metadata"]), responses[row["response_id"]]["response"])
        for row in scored
    ]
    rated = np.array([row["self_evaluation"] for row in scored], dtype=float)
    return Signals(rated, np.array([row["similarity"] for row in scored], dtype=float)), np.array(grades)


if __name__ == "__main__":
    main(*sys.argv[1:])
