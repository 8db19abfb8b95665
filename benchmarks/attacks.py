"""What attacks gain with a judge: with the marks of texts broken, and as they come.

python benchmarks/attacks.py                        the pocket policy with its own weights: about a minute on two cores
python benchmarks/attacks.py --run runs/pocket      and the judge that a run has trained
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from record import write_result  # noqa: E402

from selfj.judge.judge import JudgeFolder  # noqa: E402
from tests.serve.attack_gains import (  # noqa: E402
    Case,
    Judge,
    as_they_come,
    gains,
    pocket_judge,
    scores,
    trained_judge,
    wrong_answers,
)
from tests.serve.attacks import ATTACKS  # noqa: E402

CASES = 24
"""Wrong answers that each attack stands around."""
KINDS = np.array([attack.kind for attack in ATTACKS])


def main() -> None:
    """Measure, and write results/attacks.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="run folder with a trained judge")
    run = parser.parse_args().run
    cases = wrong_answers(CASES)
    judges = {"policy": measured(pocket_judge(), cases)}
    if run:
        folder = JudgeFolder.load(f"{run}/judge")
        judge = trained_judge(folder)
        judges["trained"] = {**measured(judge, cases), "passing": passing(judge, cases, folder.thresholds)}
    figures = {"attacks": len(ATTACKS), "cases": CASES, "judges": judges}
    write_result("attacks", figures, "python benchmarks/attacks.py" + (f" --run {run}" if run else ""))


def measured(judge: Judge, cases: list[Case]) -> dict[str, Any]:
    """Gains with and without reference, with the marks broken and as they come."""
    found: dict[str, Any] = {}
    for name, shown in (("without_reference", False), ("with_reference", True)):
        broken = gains(judge, ATTACKS, cases, shown=shown)
        with as_they_come(judge.encoder):
            came = gains(judge, ATTACKS, cases, shown=shown)
        found[name] = {"neutralised": summary(broken), "as_they_come": summary(came)}
    return found


def passing(judge: Judge, cases: list[Case], thresholds: dict[str, Any]) -> dict[str, Any]:
    """Share of the wrong answers that each promise gives, alone and attacked, by kind of attack; the judge sees no reference."""
    plain, attacked = scores(judge, ATTACKS, cases, shown=False)
    return {
        promise: {
            "threshold": _rounded(card["threshold"]),
            "alone": _rounded(np.mean(plain >= card["threshold"])),
            "by_kind": {kind: _rounded(np.mean(attacked[kind == KINDS] >= card["threshold"])) for kind in _kinds()},
        }
        for promise, card in thresholds.items()
    }


def summary(found: NDArray[np.float64]) -> dict[str, Any]:
    """Medians of (attacks, cases) gains, over all and by kind, and the highest of any attack."""
    best = int(np.median(found, axis=1).argmax())
    return {
        "median": _rounded(np.median(found)),
        "by_kind": {kind: _rounded(np.median(found[kind == KINDS])) for kind in _kinds()},
        "best_attack": ATTACKS[best].text,
        "best_attack_median": _rounded(np.median(found[best])),
    }


def _kinds() -> list[str]:
    return list(dict.fromkeys(KINDS.tolist()))


def _rounded(value: Any) -> float:
    return round(float(value), 2)


if __name__ == "__main__":
    main()
