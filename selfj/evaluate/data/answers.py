"""How well methods agree with the gold of single answers, beside how well the gold agrees with itself."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfj.errors import DataError
from selfj.evaluate.data.reading import Answer
from selfj.evaluate.data.scoring import Resampling, ScoredColumn, flat, measured_mean, rounded
from selfj.evaluate.metrics import weighted
from selfj.evaluate.metrics.length import length_bias
from selfj.evaluate.metrics.measures import (
    METRICS,
    Draws,
    Gold,
    as_gold,
    good_threshold,
    loss_in_words,
    measure,
    risk_at_coverages,
    scale_of,
    within_groups,
)
from selfj.evaluate.metrics.weighted import Floats


def gold_of(answers: Sequence[Answer]) -> Floats:
    """(rows,) gold of each answer: the mean where it was graded several times."""
    return np.array([float(np.mean(answer.gold)) for answer in answers])


def answer_metrics(
    answers: Sequence[Answer], columns: Sequence[ScoredColumn], resampling: Resampling, good: float | None = None
) -> dict[str, Any]:
    """Every metric of every method, with intervals over instructions; `good`: gold from which an answer counts as good.

    Raises DataError for fewer rows than a correlation needs.
    """
    if len(answers) < 3:
        raise DataError(f"{len(answers)} answers have gold; at least 3 are needed")
    values, draws = gold_of(answers), resampling.draws(answers)
    threshold = good_threshold(values) if good is None else good
    gold = as_gold(values, np.inf if threshold is None else threshold)
    return {
        "kind": "gold",
        "rows": len(answers),
        "instructions": draws.resamples.instructions,
        "mean_gold": rounded(float(values.mean())),
        "good": threshold,
        "loss": loss_in_words(scale_of(values)),
        "methods": {column.scorer.name: _method(answers, column, gold, draws) for column in columns},
        "gold_repeats": gold_agreement(answers, draws),
    }


def _method(answers: Sequence[Answer], column: ScoredColumn, gold: Gold, draws: Draws) -> dict[str, Any]:
    rows = column.there
    scores, known, chosen = column.scores.values[rows], gold.of(rows), draws.of(rows)
    entry: dict[str, Any] = {
        "title": column.scorer.title,
        "with_reference": column.scorer.with_reference,
        "rows": int(rows.sum()),
        "scored": int(rows.sum()),
        "unscored": int((~rows).sum()),
        "unscored_reasons": column.missing,
    }
    measured = {name: measure(name, scores, known, chosen) for name in METRICS}
    for name, value in measured.items():
        entry.update(flat(name, value))
    entry["reasons"] = {name: value.reason for name, value in measured.items() if value.reason}
    risks = risk_at_coverages(scores, known.loss) if len(scores) else {}
    entry["risk_at_coverage"] = {f"{coverage:.1f}": rounded(risk) for coverage, risk in risks.items()}
    lengths = np.array([len(answer.response) for answer in answers], dtype=np.float64)[rows]
    entry["length"] = length_bias(scores, known.values, lengths, chosen)
    return {**entry, **_within_category(answers, scores, known, chosen, rows)}


def _within_category(answers: Sequence[Answer], scores: Floats, gold: Gold, draws: Draws, rows: Any) -> dict[str, Any]:
    names, numbers = np.unique([answer.place.category for answer in answers], return_inverse=True)
    if len(names) < 2:
        return {}
    value, count = within_groups(scores, gold, numbers[rows], draws)
    return {"within_category": {**flat("pearson", value), "categories": count, "reason": value.reason}}


def gold_agreement(answers: Sequence[Answer], draws: Draws) -> dict[str, Any] | None:
    """Pearson of two gradings of the same answers, mean over pairs of gradings: how well gold agrees with itself.

    `with_mean_of_others`: a grading against the mean of the others. A method is compared with the mean of all gradings, which is
    steadier than one of them, so a good one may come out above both. None where gold was given once, or not equally often.
    """
    times = {len(answer.gold) for answer in answers}
    if len(times) != 1 or times == {1}:
        return None
    graded = np.array([answer.gold for answer in answers]).T
    pairs = list(itertools.combinations(range(len(graded)), 2))
    means = [(graded[i], np.delete(graded, i, axis=0).mean(axis=0)) for i in range(len(graded))]
    two = measured_mean(lambda weights: _mean_pearson([(graded[i], graded[j]) for i, j in pairs], weights), len(answers), draws)
    other = measured_mean(lambda weights: _mean_pearson(means, weights), len(answers), draws)
    return {"times": len(graded), **flat("pearson", two), "with_mean_of_others": flat("pearson", other)}


def _mean_pearson(pairs: list[tuple[Floats, Floats]], weights: Floats) -> Floats:
    return np.mean([weighted.pearson(left, right, weights) for left, right in pairs], axis=0)
