"""Rows of the tables that categories are found with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CATEGORIES = "categories"
EXAMPLES = "category_examples"
CENTROIDS = "centroids"
Floats = NDArray[np.floating]


@dataclass
class Category:
    """What a classifier says of an instruction."""

    instruction_id: str
    category: str | None
    score: float | None
    """Cosine to the nearest centroid, or probability of the category among all."""
    margin: float | None
    """By how much the second category is lower."""
    mass: float | None
    """By the policy: probability of any category's number before normalisation."""
    reason: str | None
    """Why there is no category."""


def decided(keys: list[str], names: list[str], scores: Floats, least: float, margin: float, unit: str) -> list[Category]:
    """The category of the highest score of each row, if it is at least `least` and ahead of the second by `margin`.

    scores: (rows, categories); `unit`: what they are, for reasons.
    """
    return [_decided(key, names, row, least, margin, unit) for key, row in zip(keys, scores, strict=True)]


def _decided(key: str, names: list[str], scores: Floats, least: float, margin: float, unit: str) -> Category:
    if not np.isfinite(scores).all():
        return Category(key, None, None, None, None, f"no finite {unit}")
    second, best = np.argsort(scores, kind="stable")[-2:]
    score, ahead = float(scores[best]), float(scores[best] - scores[second])
    reason = None
    if score < least:
        reason = f"{unit} below {least:g}: {score:.3f}, of {names[best]}"
    elif ahead < margin:
        reason = f"margin below {margin:g}: {ahead:.3f}, between {names[best]} and {names[second]}"
    return Category(key, None if reason else names[best], score, ahead, None, reason)
