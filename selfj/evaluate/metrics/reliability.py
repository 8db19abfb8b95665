"""Whether a score means what it says: the expected calibration error and the bins of a reliability diagram.

Only for scores on a known scale, brought to 0…1 (`on_unit_scale`), against gold of 0…1. Both speak of the same thing then:
an answer with score 0.7 should have gold 0.7 on average.

Bins hold equally many rows, as nearly as ties allow: rows of equal score are never parted. Where `before` of `rows` rows have a
lower score and `size` have this one, these go to bin floor(bins · (before + size / 2) / rows). The order of rows never matters.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfj.evaluate.metrics.bootstrap import Statistic
from selfj.evaluate.metrics.measures import MIN_ROWS, Draws, Measured
from selfj.evaluate.metrics.ordered import Column, Floats, as_column
from selfj.evaluate.metrics.weighted import Values

BINS = 10


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability diagram."""

    rows: int
    score: float
    """Mean score, 0 to 1."""
    gold: float
    """Mean gold, 0 to 1."""
    gold_low: float | None = None
    """95 % interval of the mean gold over instructions, the bin's rows as they are."""
    gold_high: float | None = None


def on_unit_scale(scores: Floats, lowest: float, highest: float) -> Floats:
    """Scores on the scale `lowest`…`highest` brought to 0…1 (a judge's 0–9, a self-evaluation's 1–10); NaN stays.

    Raises ValueError for a score that is not on the scale.
    """
    scaled = (scores - lowest) / (highest - lowest)
    if (scaled < -1e-9).any() or (scaled > 1 + 1e-9).any():
        raise ValueError(
            f"scores of {np.nanmin(scores):g} to {np.nanmax(scores):g} are not on the scale {lowest:g} to {highest:g}"
        )
    return np.clip(scaled, 0, 1)


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error of one method."""

    error: Measured
    debiased: float | None = None
    """Less what chance adds, as far as resamples tell; at least 0."""


def calibration_error(scores: Values, gold: Floats, draws: Draws | None = None, bins: int = BINS) -> Measured:
    """The error of `calibration`."""
    return calibration(scores, gold, draws, bins).error


def calibration(scores: Values, gold: Floats, draws: Draws | None = None, bins: int = BINS) -> Calibration:
    """Expected calibration error, 0 to 1: mean over rows of |mean score - mean gold| of the row's bin (Naeini et al. 2015).

    `scores` and `gold`: (rows,) of 0…1. Chance within bins only ever adds to it: of a calibrated score it is 0.03 with 1,000
    rows of gold 0 or 1. `debiased` takes off the mean of the resamples less the value (Kumar et al. 2019); closer to the truth
    on average, by up to half near 0. Percentiles of resamples would miss the truth there: the interval's low end is
    the value less how far off the bins' gaps are altogether in 97.5 % of resamples (by the triangle inequality it is no further
    off), the high end the basic bootstrap's, 2 · value - the 2.5 % percentile. Resamples keep the bins of the rows: with few
    levels of score a whole level would go from bin to bin.
    """
    column = as_column(scores)
    reason = undefined(column.values, gold)
    if reason:
        return Calibration(Measured(None, reason=reason))
    gaps = np.bincount(_bin_of_row(column, bins), column.values - gold, minlength=bins) / len(column)
    value = float(np.abs(gaps).sum())
    if draws is None:
        return Calibration(Measured(value))
    drawn = draws.resamples.statistics(gaps_under_weights(column, gold, bins), draws.instructions).reshape(-1, bins)
    errors = np.abs(drawn).sum(axis=1)
    off, above = draws.resamples.percentiles(np.abs(drawn - gaps).sum(axis=1)), draws.resamples.percentiles(errors)
    if off is None or above is None:
        return Calibration(Measured(value))
    interval = (max(0.0, value - off[1]), max(value, 2 * value - above[0]))
    return Calibration(Measured(value, *interval), debiased(value, errors))


def debiased(value: float, errors: Floats) -> float:
    """An error less what chance adds to it, at least 0; `errors`: (resamples,) the error of each resample."""
    return max(0.0, 2 * value - float(np.nanmean(errors)))


def gaps_under_weights(scores: Values, gold: Floats, bins: int = BINS) -> Statistic:
    """From weights (resamples, rows) to (resamples, bins): each bin's share of rows times its mean score less its mean gold. The
    rows stay in the bins they have when each counts once; the error of a resample is the sum of its gaps' absolute values.
    """
    column = as_column(scores)
    gap_of_row = (_bin_of_row(column, bins)[:, None] == np.arange(bins)) * (column.values - gold)[:, None]
    return lambda weights: weights @ gap_of_row / weights.sum(axis=1, keepdims=True)


def reliability(scores: Values, gold: Floats, draws: Draws | None = None, bins: int = BINS) -> list[Bin]:
    """The bins that hold rows, from the lowest scores to the highest; none where the calibration error is undefined."""
    column = as_column(scores)
    if undefined(column.values, gold):
        return []
    used, bin_of_row, rows = np.unique(_bin_of_row(column, bins), return_inverse=True, return_counts=True)
    means = (np.bincount(bin_of_row, values) / rows for values in (column.values, gold))
    bounds = _bounds(bin_of_row, gold, draws, len(used))
    return [Bin(int(count), float(s), float(g), *bound) for count, s, g, bound in zip(rows, *means, bounds, strict=True)]


def undefined(scores: Floats, gold: Floats) -> str | None:
    """Why there is no calibration error for these rows, or None if there is one."""
    if len(scores) < MIN_ROWS:
        return f"only {len(scores)} rows have both a score and gold"
    for name, values in (("scores", scores), ("gold", gold)):
        if not (values.min() >= 0 and values.max() <= 1):
            return f"{name} of {values.min():g} to {values.max():g} are not within 0 to 1"
    return None


def _bounds(
    bin_of_row: NDArray[np.intp], gold: Floats, draws: Draws | None, count: int
) -> list[tuple[float, float] | tuple[None, None]]:
    if draws is None:
        return [(None, None)] * count
    members = (bin_of_row[:, None] == np.arange(count)).astype(np.float64)
    both = np.concatenate([members, members * gold[:, None]], axis=1)
    sums = draws.resamples.statistics(lambda weights: weights @ both, draws.instructions).reshape(-1, 2 * count)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, count:] / sums[:, :count]
    return [draws.resamples.percentiles(mean) or (None, None) for mean in means.T]


def _bin_of_row(column: Column, bins: int) -> NDArray[np.intp]:
    """(rows,) the bin of each row, the lowest scores in bin 0."""
    below_middle = len(column) - column.starts - column.sizes / 2
    of_group = np.minimum(np.floor(below_middle * bins / len(column)), bins - 1)
    return of_group.astype(np.intp)[column.group_of_row]
