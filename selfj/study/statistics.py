"""The statistics of one run that a comparison asks for, as functions of weights."""

import numpy as np
from numpy.typing import NDArray

from selfj.evaluate.metrics import weighted
from selfj.evaluate.metrics.coverage import as_declined
from selfj.evaluate.metrics.length import partial_under_weights
from selfj.evaluate.metrics.measures import METRICS, MIN_ROWS, Gold, Scale, as_gold, risk_at_coverages
from selfj.evaluate.metrics.ordered import Column, Floats
from selfj.evaluate.metrics.reliability import gaps_under_weights, on_unit_scale
from selfj.study.resampled import Asked, Kernel
from selfj.study.results import Result

WITHIN_FAMILY = "within_family"
STATISTICS = ("pearson", "spearman", "auroc", "prr", "aurc", "excess_aurc", WITHIN_FAMILY)
"""Of every method, in studies and comparisons; the last is the mean of Pearson within each task family."""
ALL_ROWS = "aurc_all_rows"
LENGTH = ("score_length", "gold_length", "partial")
"""Pearson of score and length, of gold and length, and of score and gold with length held constant."""
CALIBRATION = "calibration_error"
FURTHER = (ALL_ROWS, *LENGTH, CALIBRATION)
"""Of every method, in studies."""
NO_GOLD = "the run has no gold"


def all_gold(result: Result, scale: Scale) -> Gold:
    """Gold of all rows with its losses on a scale, NaN where there is none."""
    known = np.isfinite(result.gold)
    gold = Gold(result.gold, np.full(len(result), np.nan), np.zeros(len(result), dtype=bool))
    if known.any():
        given = as_gold(result.gold[known], np.inf if result.good is None else result.good, scale)
        gold.loss[known], gold.good[known] = given.loss, given.good
    return gold


def of_method(result: Result, gold: Gold, name: str, method: str, where: NDArray[np.bool_] | None = None) -> Asked | str:
    """The statistic `name` of one method, on its scored rows with gold (of these only `where`), or why there is none."""
    rows = result.rows(method) if where is None else result.rows(method) & where
    reason = _reason(result, gold, name, method, rows)
    if reason:
        return reason
    if name == ALL_ROWS:
        rows = result.rows()
    return Asked(rows, _kernel(result, gold, name, method, rows))


def difference(
    result: Result, gold: Gold, name: str, first: str, second: str, where: NDArray[np.bool_] | None = None
) -> Asked | str:
    """A statistic of one method less that of another, on the rows that both scored, or why there is none."""
    rows = result.rows(first, second) if where is None else result.rows(first, second) & where
    for method in (first, second):
        reason = _reason(result, gold, name, method, rows)
        if reason:
            return reason
    one, other = (_kernel(result, gold, name, method, rows) for method in (first, second))
    return Asked(rows, lambda weights: one(weights) - other(weights))


def risks(result: Result, gold: Gold, method: str) -> dict[float, float]:
    """Mean loss of what is answered at each coverage; empty if there is nothing to answer."""
    rows = result.rows(method)
    return risk_at_coverages(result.scores[method][rows], gold.loss[rows]) if rows.any() else {}


def _reason(result: Result, gold: Gold, name: str, method: str, rows: NDArray[np.bool_]) -> str | None:
    if method not in result.scores:
        return f"{result.run} has no method {method}"
    if not np.isfinite(result.gold).any():
        return NO_GOLD
    if name == CALIBRATION and _scale(result, method) is None:
        return "its scores are on no known scale"
    metric = METRICS[_LIKE.get(name, name)]
    return metric.undefined(result.scores[method][rows], gold.of(rows))


_LIKE = {WITHIN_FAMILY: "pearson", ALL_ROWS: "aurc", CALIBRATION: "aurc", **dict.fromkeys(LENGTH, "pearson")}
"""The metric that a statistic shares the conditions of."""


def _scale(result: Result, method: str) -> Scale | None:
    return next((known.scale for known in result.methods if known.name == method), None)


def _kernel(result: Result, gold: Gold, name: str, method: str, rows: NDArray[np.bool_]) -> Kernel:
    scores, chosen = result.scores[method][rows], gold.of(rows)
    if name == WITHIN_FAMILY:
        return _within_family(scores, chosen.values, result.families[rows])
    if name in LENGTH:
        return _with_length(name, scores, chosen.values, result.lengths[rows, 0].astype(np.float64))
    if name == CALIBRATION:
        return _calibration(on_unit_scale(scores, *(_scale(result, method) or (0, 1))), chosen)
    kernel, column = METRICS[_LIKE.get(name, name)].kernel, Column(as_declined(scores) if name == ALL_ROWS else scores)
    return lambda weights: kernel(column, chosen, weights)


def _with_length(name: str, scores: Floats, gold: Floats, length: Floats) -> Kernel:
    if name == "partial":
        return partial_under_weights(scores, gold, length)
    column = scores if name == "score_length" else gold
    return lambda weights: weighted.pearson(column, length, weights)


def _calibration(scores: Floats, gold: Gold) -> Kernel:
    gaps = gaps_under_weights(scores, 1 - gold.loss)
    return lambda weights: np.abs(gaps(weights)).sum(axis=1)


def _within_family(scores: Floats, gold: Floats, families: NDArray[np.object_]) -> Kernel:
    """Mean over families of Pearson within each, weighted by rows; families without variation are left out."""
    members = [np.flatnonzero(families == family) for family in np.unique(families)]
    members = [rows for rows in members if len(rows) >= MIN_ROWS and not _constant(scores[rows], gold[rows])]

    if not members:
        return lambda weights: np.full(len(weights), np.nan)
    rows = np.concatenate(members)
    within = weighted.PearsonWithin(scores[rows], gold[rows], np.repeat(np.arange(len(members)), [*map(len, members)]))
    return lambda weights: within(weights[:, rows])


def _constant(*columns: Floats) -> bool:
    return any(weighted.is_constant(column) for column in columns)
