"""Entries of one method in metrics.json beside the metrics of selective prediction: length, calibration, unseen categories."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.evaluate.frame import Frame, flat, rounded
from selfj.evaluate.metrics.length import length_bias
from selfj.evaluate.metrics.measures import measure, paired_difference
from selfj.evaluate.metrics.reliability import calibration, on_unit_scale, reliability
from selfj.evaluate.metrics.weighted import Floats


def length_of(frame: Frame, values: Floats, scored: NDArray[np.bool_]) -> dict[str, Any]:
    """How far the scores follow the length of the answer in tokens, and what they know of gold beyond it."""
    has_gold = bool(frame.judgeable.any())
    rows = scored & frame.judgeable if has_gold else scored
    gold = frame.gold.values[rows] if has_gold else None
    return length_bias(values[rows], gold, frame.held_out.tokens[rows].astype(np.float64), frame.draws.of(rows))


def calibration_of(frame: Frame, values: Floats, rows: NDArray[np.bool_], scale: tuple[float, float]) -> dict[str, Any]:
    """Expected calibration error of scores on a known scale against gold on its own, and the bins of a reliability diagram."""
    scores, gold, draws = on_unit_scale(values[rows], *scale), 1 - frame.gold.loss[rows], frame.draws.of(rows)
    bins = [
        {name: number if number is None else round(number, 6) for name, number in asdict(one).items()}
        for one in reliability(scores, gold, draws)
    ]
    found = calibration(scores, gold, draws)
    error = {**flat("calibration_error", found.error), "calibration_error_debiased": rounded(found.debiased)}
    return {**error, "reliability": bins}


def on_excluded(frame: Frame, name: str, excluded: list[str]) -> dict[str, Any]:
    """Pearson on the categories a judge learnt nothing from, beside that of the whole judge on the same answers."""
    rows = frame.judgeable & np.isin(frame.held_out.categories.astype(str), excluded)
    rows &= frame.held_out.with_score(name) & frame.held_out.with_score("judge")
    gold, draws = frame.gold.of(rows), frame.draws.of(rows)
    own, whole = (frame.held_out.scores[method].values[rows] for method in (name, "judge"))
    difference = paired_difference("pearson", own, whole, gold, draws)
    return {
        "categories": excluded,
        "rows": int(rows.sum()),
        **flat("pearson", measure("pearson", own, gold, draws)),
        **flat("judge", measure("pearson", whole, gold, draws)),
        **flat("difference", difference),
        "reason": difference.reason,
    }
