"""What attacks gain with the pocket policy's weights as a judge: with the marks of texts broken, and as they come.

python benchmarks/attacks.py                                        about a minute on two cores
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from record import write_result  # noqa: E402

from tests.serve.attack_gains import as_they_come, gains, pocket_encoder, pocket_scorer, wrong_answers  # noqa: E402
from tests.serve.attacks import ATTACKS  # noqa: E402

CASES = 24
"""Wrong answers that each attack stands around."""


def main() -> None:
    """Measure, and write results/attacks.json."""
    encoder, scorer, cases = pocket_encoder(), pocket_scorer(), wrong_answers(CASES)
    figures: dict[str, Any] = {"attacks": len(ATTACKS), "cases": CASES, "gain": {}}
    for name, shown in (("without_reference", False), ("with_reference", True)):
        broken = gains(encoder, scorer, ATTACKS, cases, shown=shown)
        with as_they_come(encoder):
            came = gains(encoder, scorer, ATTACKS, cases, shown=shown)
        figures["gain"][name] = {"neutralised": summary(broken), "as_they_come": summary(came)}
    write_result("attacks", figures, "python benchmarks/attacks.py")


def summary(found: NDArray[np.float64]) -> dict[str, Any]:
    """Medians of (attacks, cases) gains, over all and by kind, and the highest of any attack."""
    kinds = np.array([attack.kind for attack in ATTACKS])
    best = int(np.median(found, axis=1).argmax())
    return {
        "median": _rounded(np.median(found)),
        "by_kind": {kind: _rounded(np.median(found[kinds == kind])) for kind in dict.fromkeys(kinds.tolist())},
        "best_attack": ATTACKS[best].text,
        "best_attack_median": _rounded(np.median(found[best])),
    }


def _rounded(value: Any) -> float:
    return round(float(value), 2)


if __name__ == "__main__":
    main()
