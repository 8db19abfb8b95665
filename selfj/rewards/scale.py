"""From a score to a reward."""

from typing import Literal, get_args

from selfj.errors import SettingsError

Scale = Literal["unit", "score", "margin", "answered"]
"""`unit`: the score divided by 9, 0 to 1. `score`: as it is, 0 to 9. `margin`: score minus the promise's threshold, -9 to 9.
`answered`: 1 where the score reaches the threshold, else 0."""

SCALES: tuple[Scale, ...] = get_args(Scale)
HIGHEST = 9.0
NEEDS_THRESHOLD: tuple[Scale, ...] = ("margin", "answered")


def reward_of(score: float, threshold: float | None, scale: Scale) -> float:
    """The reward for a score of 0 to 9.

    Raises SettingsError for a scale that needs a threshold where there is none.
    """
    if scale == "unit":
        return score / HIGHEST
    if scale == "score":
        return score
    if threshold is None:
        raise SettingsError(f"scale: {scale} needs a threshold; name a model with a promise, such as pocket@coverage=0.8")
    return score - threshold if scale == "margin" else float(score >= threshold)
