"""Length bias: how far a score follows the length of the answer, and what it knows of gold beyond that."""

from dataclasses import replace
from typing import Any

import numpy as np

from selfj.evaluate.metrics import weighted
from selfj.evaluate.metrics.bootstrap import Statistic
from selfj.evaluate.metrics.measures import Draws, Measured, as_gold, measure, measured
from selfj.evaluate.metrics.ordered import Floats
from selfj.evaluate.metrics.plain import CONSTANT


def length_bias(scores: Floats, gold: Floats | None, length: Floats, draws: Draws | None = None) -> dict[str, Any]:
    """Pearson of score and length, of gold and length, and of score and gold with length held fixed (`partial`).

    All (rows,) and finite; `length` in any unit; `gold` None where there is none. For metrics.json: NAME, NAME_low and NAME_high
    of `score_length`, `gold_length` and `partial` (None where undefined), `reasons` by name, and `rows`. A score is biased only
    as far as its `score_length` exceeds `gold_length`; `partial` is what remains of its worth.
    """
    found = {"score_length": correlation(scores, length, draws, ("score", "length"))}
    if gold is None:
        found |= dict.fromkeys(("gold_length", "partial"), Measured(None, reason="no gold"))
    else:
        found["gold_length"] = correlation(gold, length, draws, ("gold", "length"))
        found["partial"] = partial_correlation(scores, gold, length, draws)
    reasons = {name: value.reason for name, value in found.items() if value.reason}
    flat = {key: number for name, value in found.items() for key, number in _flat(name, value).items()}
    return {**flat, "rows": len(scores), "reasons": reasons}


def correlation(first: Floats, second: Floats, draws: Draws | None, names: tuple[str, str]) -> Measured:
    """Pearson of two (rows,) columns, -1 to 1; `names` are what a reason calls them."""
    found = measure("pearson", first, as_gold(second, np.inf), draws)
    if found.reason is None or not found.reason.startswith("all"):
        return found
    constant = names[0] if found.reason == "all scores are the same" else names[1]
    return replace(found, reason=f"{constant} does not vary")


def partial_correlation(scores: Floats, gold: Floats, control: Floats, draws: Draws | None = None) -> Measured:
    """Pearson, -1 to 1, of what is left of scores and gold once each is regressed on `control`; all (rows,)."""
    pairs = ((scores, gold), (scores, control), (gold, control))
    names = (("score", "gold"), ("score", "length"), ("gold", "length"))
    alone = [correlation(*pair, None, name) for pair, name in zip(pairs, names, strict=True)]
    for found in alone:
        if found.value is None:
            return found
    value = float(_partial(*(np.array([found.value]) for found in alone))[0])
    return measured(value, partial_under_weights(scores, gold, control), draws)


def partial_under_weights(scores: Floats, gold: Floats, control: Floats) -> Statistic:
    """From weights (resamples, rows) to the partial correlation of each resample (resamples,)."""
    pairs = ((scores, gold), (scores, control), (gold, control))
    return lambda weights: _partial(*(weighted.pearson(*pair, weights) for pair in pairs))


def _partial(direct: Floats, first: Floats, second: Floats) -> Floats:
    left = (1 - first**2) * (1 - second**2)
    return np.clip((direct - first * second) / np.sqrt(np.where(left > CONSTANT, left, np.nan)), -1, 1)


def _flat(name: str, value: Measured) -> dict[str, float | None]:
    numbers = {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
    return {key: None if number is None else round(number, 6) for key, number in numbers.items()}
