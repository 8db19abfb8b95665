"""How self-evaluation and similarity make a quality and a label (METHOD.md A, label; the paper leaves the form open).

Fitted on the training split in two passes over fixed-size histograms, so that any number of rows takes the same memory.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from selfj.config import ScoreSettings
from selfj.errors import DataError

Floats = NDArray[np.float64]

_SELF_EVALUATION_RANGE = (0.0, 9.0)
_SIMILARITY_RANGE = (-1.0, 1.0)
_QUALITY_RANGE = (0.0, 1.0)


@dataclass
class Distribution:
    """A histogram over a known range, with exact moments: what normalisation needs to know of a signal."""

    low: float
    high: float
    bins: int = 10_000
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of squared deviations from the mean."""
    minimum: float = math.inf
    maximum: float = -math.inf
    histogram: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.histogram = np.zeros(self.bins, dtype=np.int64)

    def add(self, values: Floats) -> None:
        """Take in finite values (others must be left out by the caller)."""
        if values.size == 0:
            return
        total = self.count + values.size
        mean, squares = float(values.mean()), float(((values - values.mean()) ** 2).sum())
        self.squares += squares + (mean - self.mean) ** 2 * self.count * values.size / total
        self.mean += (mean - self.mean) * values.size / total
        self.count = total
        self.minimum, self.maximum = min(self.minimum, float(values.min())), max(self.maximum, float(values.max()))
        self.histogram += np.bincount(self._bin(values), minlength=self.bins)

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return math.sqrt(self.squares / self.count) if self.count else 0.0

    def rank(self, values: Floats) -> Floats:
        """Share of values below, ties (one bin) counted half: 0 to 1."""
        below = np.concatenate([[0], np.cumsum(self.histogram)])
        bins = self._bin(values)
        return (below[bins] + 0.5 * self.histogram[bins]) / max(self.count, 1)

    def quantile(self, share: float) -> float:
        """Smallest bin edge with at least `share` of the values below it."""
        reached = int(np.searchsorted(np.cumsum(self.histogram), share * self.count))
        return self.low + (min(reached, self.bins - 1) + 1) / self.bins * (self.high - self.low)

    def _bin(self, values: Floats) -> NDArray[np.int64]:
        places = (values - self.low) / (self.high - self.low) * self.bins
        return np.clip(places.astype(np.int64), 0, self.bins - 1)


@dataclass(frozen=True)
class Signals:
    """The two signals of some answers; NaN where one could not be made."""

    self_evaluation: Floats
    similarity: Floats


class Passes(Protocol):
    """Signals that can be read more than once, part by part."""

    def each(self) -> Iterable[Signals]:
        """The parts, from the beginning."""


class Combination:
    """Quality and label from the two signals, fitted on a training split.

    Args:
        settings: form, weights and cuts.
    """

    def __init__(self, settings: ScoreSettings) -> None:
        self.settings = settings
        self.self_evaluation = Distribution(*_SELF_EVALUATION_RANGE)
        self.similarity = Distribution(*_SIMILARITY_RANGE)
        self.cut_points: list[float] = []

    @classmethod
    def fit(cls, settings: ScoreSettings, signals: Passes) -> "Combination":
        """Fit to the signals of a training split, which are read twice.

        Raises DataError if no answer has the signals that the weights ask for.
        """
        combination = cls(settings)
        for part in signals.each():
            combination.self_evaluation.add(part.self_evaluation[np.isfinite(part.self_evaluation)])
            combination.similarity.add(part.similarity[np.isfinite(part.similarity)])
        quality = Distribution(*_QUALITY_RANGE)
        for part in signals.each():
            values = combination.quality(part)
            quality.add(values[np.isfinite(values)])
        if not quality.count:
            raise DataError(
                "score: no answer of the train split has both signals; "
                "see the reasons in the tables self_evaluations and similarities"
            )
        combination.cut_points = _cut_points(settings, quality)
        return combination

    def quality(self, signals: Signals) -> Floats:
        """0 to 1; NaN where a signal with weight is missing."""
        parts = [
            (self.settings.self_evaluation_weight, signals.self_evaluation, self.self_evaluation),
            (self.settings.similarity_weight, signals.similarity, self.similarity),
        ]
        used = [(weight, self._comparable(values, distribution)) for weight, values, distribution in parts if weight]
        mean = np.average([values for _, values in used], axis=0, weights=[weight for weight, _ in used])
        return _normal_cdf(mean) if self.settings.combination == "zscore" else mean

    def label(self, quality: Floats) -> NDArray[np.int64]:
        """Classes 0 to 9 of finite qualities."""
        return np.searchsorted(self.cut_points, quality, side="right")

    def constants(self) -> dict[str, Any]:
        """What was fitted, for the manifest."""
        names = ("count", "mean", "deviation", "minimum", "maximum")
        return {
            "self_evaluation": {name: getattr(self.self_evaluation, name) for name in names},
            "similarity": {name: getattr(self.similarity, name) for name in names},
            "cut_points": self.cut_points,
        }

    def _comparable(self, values: Floats, distribution: Distribution) -> Floats:
        if self.settings.combination == "zscore":
            return (values - distribution.mean) / (distribution.deviation or 1.0)
        if self.settings.combination == "minmax":
            return np.clip((values - distribution.minimum) / ((distribution.maximum - distribution.minimum) or 1.0), 0.0, 1.0)
        known = np.isfinite(values)
        ranks = np.full(values.shape, np.nan)
        ranks[known] = distribution.rank(values[known])
        return ranks


def _cut_points(settings: ScoreSettings, quality: Distribution) -> list[float]:
    shares = [tenth / 10 for tenth in range(1, 10)]
    if settings.cuts == "quantile":
        return [quality.quantile(share) for share in shares]
    return [quality.minimum + share * (quality.maximum - quality.minimum) for share in shares]


def _normal_cdf(values: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(values), dtype=np.float64)
