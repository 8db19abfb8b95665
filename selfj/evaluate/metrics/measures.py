"""The metrics of selective prediction, each as a value with its interval, or None with the reason why there is none.

Scores: higher means "answer", any scale. Gold: higher means better, any scale. Only rows with both come in; NaN is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from selfj.evaluate.metrics import plain, weighted
from selfj.evaluate.metrics.bootstrap import Resamples, Statistic
from selfj.evaluate.metrics.ordered import Column, Floats, as_column
from selfj.evaluate.metrics.weighted import Values

MIN_ROWS = 3
"""With two rows every correlation is 1 or -1."""
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)

Scale = tuple[float, float]
"""Gold of the worst and of the best answer there can be."""
UNIT: Scale = (0.0, 1.0)

Rows = NDArray[np.bool_] | NDArray[np.intp]
"""Some of the rows: a mask, or their numbers."""


@dataclass(frozen=True)
class Measured:
    """A metric's value with its 95 % interval over instructions, or the reason why it has no value."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Gold:
    """Gold of some rows in the three forms that metrics need."""

    values: Floats
    """(rows,) as given; higher is better."""
    loss: Floats
    """(rows,) 0 to 1; lower is better, and never rises with gold."""
    good: NDArray[np.bool_]
    """(rows,) whether the row counts as a good answer."""

    @cached_property
    def column(self) -> Column:
        """The values with their order."""
        return Column(self.values)

    def of(self, rows: Rows) -> "Gold":
        """The gold of some of the rows."""
        return Gold(self.values[rows], self.loss[rows], self.good[rows])


def as_gold(values: Floats, threshold: float, scale: Scale | None = None) -> Gold:
    """Gold with its losses on `scale` (by default `scale_of` these values), good at or above `threshold`."""
    return Gold(values, losses(values, scale), values >= threshold)


def losses(gold: Floats, scale: Scale | None = None) -> Floats:
    """Loss of each row, 0 to 1: (best - gold) / (best - worst), the scale being by default that of these rows."""
    worst, best = scale or scale_of(gold)
    return (best - gold) / (best - worst)


def scale_of(gold: Floats) -> Scale:
    """The scale that gold is taken to be on where nobody says: 0 to 1 if all of it lies there, else its lowest to its highest."""
    if not len(gold) or (gold.min() >= 0 and gold.max() <= 1):
        return UNIT
    lowest, highest = float(gold.min()), float(gold.max())
    return (lowest, highest) if lowest < highest else (lowest - 1, lowest)


def loss_in_words(scale: Scale) -> str:
    """How a loss follows from gold on a scale."""
    worst, best = scale
    return "1 - gold" if scale == UNIT else f"({best:g} - gold) / {best - worst:g}"


def good_threshold(gold: Floats) -> float | None:
    """Default threshold: the median; where that is the lowest gold, the next one up; None if gold does not vary."""
    levels = np.unique(gold)
    if len(levels) < 2:
        return None
    median = float(np.median(gold))
    return median if median > levels[0] else float(levels[1])


@dataclass(frozen=True)
class Metric:
    """One metric: how it is computed, and when it is undefined."""

    plain: Callable[[Column, Gold], float]
    """From scores and gold to the value."""
    kernel: Callable[[Values, Gold, Floats], Floats]
    """From scores (rows,), gold and weights (resamples, rows) to (resamples,)."""
    needs_varied_scores: bool = False
    """A constant score leaves it undefined (a correlation); otherwise a constant score is one big tie."""
    needs_varied_gold: bool = False
    needs_both_classes: bool = False

    def undefined(self, scores: Floats, gold: Gold) -> str | None:
        """Why it has no value on these rows, or None if it has one."""
        if len(scores) < MIN_ROWS:
            return f"only {len(scores)} rows have both a score and gold"
        if not (np.isfinite(scores).all() and np.isfinite(gold.values).all()):
            raise ValueError("scores and gold must be finite; leave out the rows without")
        if self.needs_varied_scores and weighted.is_constant(scores):
            return "all scores are the same"
        if self.needs_varied_gold and weighted.is_constant(gold.values):
            return "all gold is the same"
        if self.needs_both_classes and gold.good.all() == gold.good.any():
            return "all rows are good" if gold.good.all() else "no row is good"
        return None


METRICS = {
    "pearson": Metric(
        lambda s, g: plain.pearson(s.values, g.values),
        lambda s, g, w: weighted.pearson(s, g.values, w),
        needs_varied_scores=True,
        needs_varied_gold=True,
    ),
    "spearman": Metric(
        lambda s, g: plain.spearman(s, g.column),
        lambda s, g, w: weighted.spearman(s, g.column, w),
        needs_varied_scores=True,
        needs_varied_gold=True,
    ),
    "auroc": Metric(lambda s, g: plain.auroc(s, g.good), lambda s, g, w: weighted.auroc(s, g.good, w), needs_both_classes=True),
    "aurc": Metric(lambda s, g: plain.aurc(s, g.loss), lambda s, g, w: weighted.aurc(s, g.loss, w)),
    "excess_aurc": Metric(
        lambda s, g: plain.excess_aurc(s, g.loss, g.column), lambda s, g, w: weighted.excess_aurc(s, g.loss, g.column, w)
    ),
    "prr": Metric(lambda s, g: plain.prr(s, g.column), lambda s, g, w: weighted.prr(s, g.column, w), needs_varied_gold=True),
}
"""Every metric under its name in metrics.json."""


@dataclass(frozen=True)
class Draws:
    """Where intervals come from: resamples, and the instruction that each row belongs to."""

    resamples: Resamples
    instructions: NDArray[np.intp]

    def of(self, rows: Rows) -> "Draws":
        """The draws of some of the rows."""
        return replace(self, instructions=self.instructions[rows])


def measure(name: str, scores: Values, gold: Gold, draws: Draws | None = None) -> Measured:
    """The metric `name` of METRICS for (rows,) scores, with its interval if there are draws to make it from."""
    metric, column = METRICS[name], as_column(scores)
    reason = metric.undefined(column.values, gold)
    if reason:
        return Measured(None, reason=reason)
    return measured(metric.plain(column, gold), lambda weights: metric.kernel(column, gold, weights), draws)


def paired_difference(name: str, first: Values, second: Values, gold: Gold, draws: Draws) -> Measured:
    """Metric of `first` less that of `second` on the same rows, with the interval of the difference."""
    metric, one, other = METRICS[name], as_column(first), as_column(second)
    reason = metric.undefined(one.values, gold) or metric.undefined(other.values, gold)
    if reason:
        return Measured(None, reason=reason)
    kernel, value = metric.kernel, metric.plain(one, gold) - metric.plain(other, gold)
    return measured(value, lambda weights: kernel(one, gold, weights) - kernel(other, gold, weights), draws)


def within_groups(scores: Floats, gold: Gold, groups: NDArray[np.intp], draws: Draws | None = None) -> tuple[Measured, int]:
    """Mean over groups of Pearson within each, weighted by rows, and how many groups took part.

    Groups of fewer than MIN_ROWS rows, or in which scores or gold do not vary, are left out. This is what a score knows beyond
    which kind of task it looks at.
    """
    metric = METRICS["pearson"]
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    members = [rows for rows in members if not metric.undefined(scores[rows], gold.of(rows))]
    if not members:
        return Measured(None, reason="no family has enough rows in which scores and gold vary"), 0
    rows = np.concatenate(members)
    kernel = weighted.PearsonWithin(scores[rows], gold.values[rows], np.repeat(np.arange(len(members)), [*map(len, members)]))
    value = float(kernel(np.ones((1, len(rows))))[0])
    return measured(value, kernel, draws.of(rows) if draws else None), len(members)


def measured(value: float, statistic: Statistic, draws: Draws | None) -> Measured:
    """A value with the percentile interval of its statistic; a value that is not a number is none."""
    if not np.isfinite(value):
        return Measured(None, reason="undefined on these rows")
    interval = draws.resamples.interval(statistic, draws.instructions) if draws else None
    return Measured(value, *interval) if interval else Measured(value)


def pearson(scores: Floats, gold: Floats) -> Measured:
    """Pearson correlation of two (rows,) columns, -1 to 1."""
    return measure("pearson", scores, _plain(gold))


def spearman(scores: Floats, gold: Floats) -> Measured:
    """Spearman rank correlation of two (rows,) columns, -1 to 1; tied rows share their mean rank."""
    return measure("spearman", scores, _plain(gold))


def auroc(scores: Floats, gold: Floats, threshold: float) -> Measured:
    """Probability that an answer with gold at or above `threshold` has a higher score than one below; ties count half."""
    return measure("auroc", scores, as_gold(gold, threshold))


def aurc(scores: Floats, gold: Floats) -> Measured:
    """Area under the risk-coverage curve, 0 to 1, risk being the mean of `losses`; lower is better."""
    return measure("aurc", scores, _plain(gold))


def excess_aurc(scores: Floats, gold: Floats) -> Measured:
    """AURC above that of the best possible order; 0 is perfect."""
    return measure("excess_aurc", scores, _plain(gold))


def prr(scores: Floats, gold: Floats, max_rejection: float = 1.0) -> Measured:
    """Prediction rejection ratio as lm-polygraph defines it: 1 is the best order, 0 a random one (`weighted.prr`)."""
    everything = _plain(gold)
    reason = METRICS["prr"].undefined(scores, everything)
    return Measured(None, reason=reason) if reason else Measured(plain.prr(Column(scores), everything.column, max_rejection))


def _plain(gold: Floats) -> Gold:
    return as_gold(gold, np.inf)


@dataclass(frozen=True)
class Curve:
    """Risk at each coverage."""

    coverage: Floats
    """(rows,) share of rows answered, 1/rows to 1."""
    risk: Floats
    """(rows,) mean loss of what is answered, expected over the orders of ties."""


def risk_coverage_curve(scores: Values, loss: Floats) -> Curve:
    """Risk of answering only the rows with the highest scores, for every number of rows answered."""
    answered = np.arange(1, len(scores) + 1)
    return Curve(answered / len(scores), np.cumsum(plain.expected_order(as_column(scores), loss)) / answered)


def risk_at_coverages(scores: Values, loss: Floats, coverages: tuple[float, ...] = COVERAGES) -> dict[float, float]:
    """Risk where at least the given share of rows is answered."""
    risk = risk_coverage_curve(scores, loss).risk
    return {coverage: float(risk[max(1, int(np.ceil(coverage * len(risk) - 1e-9))) - 1]) for coverage in coverages}
