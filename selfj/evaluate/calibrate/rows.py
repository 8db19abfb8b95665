"""What thresholds are chosen on: the judge's score without reference and the quality of one split's answers, by instruction."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from selfj.errors import DataError
from selfj.evaluate.calibrate.choose import Bools, Shares
from selfj.evaluate.metrics.bootstrap import Resamples
from selfj.evaluate.metrics.ordered import Floats
from selfj.evaluate.predictions import Predictions

SCORE = "judge"
"""The method that the endpoint declines by."""
ON = ("auto", "gold", "label-free")
"""What may be taken for quality; auto: gold where there is any."""
STEPS = 4_000
"""Beyond so many instructions the test takes means of equal numbers of them: independent too, and within the same bounds."""
_RESAMPLES = 1_000


@dataclass(frozen=True)
class Unit:
    """The user's scale of quality; inside, quality goes from 0 to 1."""

    low: float = 0.0
    high: float = 1.0

    def inside(self, quality: Floats | float) -> Floats:
        """From the user's scale to 0…1."""
        return np.asarray((np.asarray(quality) - self.low) / (self.high - self.low))

    def outside(self, quality: float) -> float:
        """From 0…1 to the user's scale."""
        return self.low + quality * (self.high - self.low)


@dataclass(frozen=True)
class Seen:
    """What a threshold does on some answers, with 95 % bootstrap intervals over instructions (or STEPS groups of them).

    None where nothing is answered.
    """

    rows: int
    instructions: int
    coverage: float
    coverage_interval: tuple[float, float] | None
    quality: float | None
    quality_interval: tuple[float, float] | None


@dataclass(frozen=True)
class CalibrationRows:
    """Answers with a known quality, (rows,) each; instructions stand in the order of their hashes, which is a random one."""

    scores: Floats
    """0 to 9; NaN where the judge could not score: such an answer is declined at every threshold."""
    quality: Floats
    """0 to 1."""
    instructions: NDArray[np.intp]
    """Number of the instruction, from 0, ascending."""
    on: str
    """What quality is."""
    without_quality: int = 0
    """Answers left out since their quality is not known."""

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def number(self) -> int:
        """Instructions."""
        return int(self.instructions[-1]) + 1 if len(self) else 0

    @property
    def unscored(self) -> int:
        """Answers that the judge could not score."""
        return int(np.isnan(self.scores).sum())

    @property
    def weights(self) -> Floats:
        """(rows,) such that every instruction counts once."""
        return 1.0 / np.bincount(self.instructions)[self.instructions]

    def parted(self, instructions: int) -> "tuple[CalibrationRows, CalibrationRows]":
        """The first so many instructions, and the others."""
        first = self.instructions < instructions
        rest = self._of(~first)
        return self._of(first), replace(rest, instructions=rest.instructions - instructions)

    def _of(self, rows: Bools) -> "CalibrationRows":
        return replace(self, scores=self.scores[rows], quality=self.quality[rows], instructions=self.instructions[rows])

    def shares(self, thresholds: Floats) -> Shares:
        """What each instruction brings at each threshold; each of STEPS groups of them if there are more."""
        group = self.instructions // -(-self.number // STEPS)
        weights = self.weights
        sizes = np.bincount(group, weights)
        columns = [np.where(self.scores >= threshold, weights, 0.0) for threshold in thresholds]
        answered = [np.bincount(group, column) / sizes for column in columns]
        quality = [np.bincount(group, column * self.quality) / sizes for column in columns]
        return Shares(np.stack(answered, axis=1), np.stack(quality, axis=1))

    def seen(self, threshold: float, seed: int = 0) -> Seen:
        """What the threshold does on these answers."""
        given = np.where(self.scores >= threshold, self.weights, 0.0)
        total, shares = float(given.sum()), self.shares(np.array([threshold]))
        answered, quality = shares.answered[:, 0], shares.quality[:, 0]
        draws, each = Resamples(len(shares), _RESAMPLES, seed), np.arange(len(shares))
        return Seen(
            rows=len(self),
            instructions=self.number,
            coverage=total / self.number,
            coverage_interval=draws.interval(lambda drawn: drawn @ answered / drawn.sum(axis=1), each),
            quality=float(given @ self.quality) / total if total else None,
            quality_interval=draws.interval(lambda drawn: (drawn @ quality) / (drawn @ answered), each) if total else None,
        )

    def best_coverage(self, target: float) -> float:
        """Largest coverage, 0 to 1, at which a threshold of the score has a mean quality of the target on these answers."""
        known = np.flatnonzero(np.isfinite(self.scores))
        rows = known[np.argsort(-self.scores[known], kind="stable")]
        ends = np.append(np.diff(self.scores[rows]) != 0, True)[: len(rows)]
        return self._largest(rows, target, ends)

    def oracle_coverage(self, target: float) -> float:
        """The same of a judge that makes no mistake and may answer some of the answers that are equally good."""
        rows = np.argsort(-self.quality, kind="stable")
        return self._largest(rows, target, np.ones(len(rows), dtype=bool))

    def _largest(self, rows: NDArray[np.intp], target: float, ends: Bools) -> float:
        """Of the first so many rows: the share of the last end at which their mean quality is at least the target."""
        weights, earned = self.weights[rows], (self.weights * self.quality)[rows]
        answered = np.cumsum(weights)
        enough = ends & (np.cumsum(earned) >= target * answered - 1e-12)
        return float(answered[enough].max(initial=0.0)) / self.number


def unit_of(run: str, on: str) -> Unit:
    """The scale that a finished run's settings name for its gold; 0 to 1 if they name none, or quality is label-free.

    Raises DataError if the run has no predictions.
    """
    predictions = Predictions.read(run)
    with_gold = on == "gold" or (on == "auto" and bool(np.isfinite(predictions.of("calibration").gold).any()))
    return Unit(*predictions.gold_scale) if predictions.gold_scale and with_gold else Unit()


def calibration_rows(
    predictions: Predictions, split: str, on: str = "auto", unit: Unit | None = None, policy: str | None = None
) -> CalibrationRows:
    """The answers of one split, and what their quality is.

    Raises DataError if there is none, if the quality asked for is not there, or if it does not lie on the scale.
    """
    chosen = predictions.of(split, policy)
    if not len(chosen):
        raise DataError(f"no answer is in the {split} split; raise collect.{split}_fraction and run the steps again")
    gold = np.isfinite(chosen.gold)
    if on == "gold" and not gold.any():
        raise DataError("--on gold: no answer of the split has gold; name its source in evaluate.gold, or --on label-free")
    with_gold = on == "gold" or (on == "auto" and bool(gold.any()))
    quality = chosen.gold if with_gold else chosen.quality
    found = _rows(chosen, _inside(quality, unit or Unit(), with_gold), SCORE)
    return replace(found, on=f"gold: {predictions.gold_source}" if with_gold else "label-free quality")


def _inside(quality: Floats, unit: Unit, with_gold: bool) -> Floats:
    inside = unit.inside(quality) if with_gold else quality
    if np.nanmin(inside, initial=0.0) < 0 or np.nanmax(inside, initial=1.0) > 1:
        found = f"gold goes from {np.nanmin(quality):g} to {np.nanmax(quality):g}"
        raise DataError(f"{found}, not from {unit.low:g} to {unit.high:g}; name the ends of its scale: --scale LOW HIGH")
    return inside


def _rows(chosen: Predictions, quality: Floats, method: str) -> CalibrationRows:
    known = np.isfinite(quality)
    if not known.any():
        raise DataError("no answer of the split has a quality; run the score step, or name a source in evaluate.gold")
    kept = chosen.rows(known)
    order = np.argsort(kept.instructions, kind="stable")
    scores = kept.scores[method][order]
    return CalibrationRows(scores, quality[known][order], kept.instructions[order], "", int((~known).sum()))
