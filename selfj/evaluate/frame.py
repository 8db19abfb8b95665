"""What is the same for all methods of one policy, and how numbers go into metrics.json."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfj.config import Settings
from selfj.evaluate.gold import gold_scale
from selfj.evaluate.metrics.bootstrap import Resamples
from selfj.evaluate.metrics.measures import UNIT, Draws, Gold, Measured, Scale, as_gold, good_threshold, scale_of
from selfj.evaluate.rows import HeldOut


@dataclass
class Frame:
    """What is the same for all methods of one policy: gold, resamples, and how many rows there are."""

    held_out: HeldOut
    gold: Gold
    """Of all rows; NaN where there is none."""
    scale: Scale
    """What the losses are on."""
    scale_is_relative: bool
    """Whether it is no more than the lowest and highest gold of these rows."""
    threshold: float | None
    draws: Draws

    @property
    def judgeable(self) -> NDArray[np.bool_]:
        """(rows,) rows with gold."""
        return self.held_out.has_gold


def frame_of(held_out: HeldOut, settings: Settings) -> Frame:
    """The gold, its threshold and the resamples for one policy's rows."""
    known = held_out.gold[held_out.has_gold]
    threshold = settings.evaluate.good
    if threshold is None and len(known):
        threshold = good_threshold(known)
    named = gold_scale(settings.evaluate)
    scale = named or scale_of(known)
    gold = Gold(held_out.gold, np.full(len(held_out), np.nan), np.zeros(len(held_out), dtype=bool))
    if len(known):
        given = as_gold(known, np.inf if threshold is None else threshold, scale)
        gold.loss[held_out.has_gold] = given.loss
        gold.good[held_out.has_gold] = given.good
    resamples = Resamples(int(held_out.instructions.max()) + 1, settings.evaluate.bootstrap, settings.seed)
    return Frame(held_out, gold, scale, named is None and scale != UNIT, threshold, Draws(resamples, held_out.instructions))


def flat(name: str, value: Measured) -> dict[str, float | None]:
    """A metric with its interval as entries of metrics.json."""
    return {name: rounded(value.value), f"{name}_low": rounded(value.low), f"{name}_high": rounded(value.high)}


def rounded(value: float | None) -> float | None:
    """To six digits after the point."""
    return None if value is None else round(value, 6)
