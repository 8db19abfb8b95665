"""From a score to a decision: model names that carry a promise, thresholds, refusals.

`pocket` is the model, `pocket@coverage=0.8` the model with a promise that `selfj calibrate` made, `pocket@always` answers
whatever the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from selfj.errors import SelfJError, SettingsError
from selfj.judge.judge import JudgeFolder
from selfj.rating import Rating

ALWAYS = "always"
REFUSAL = (
    "I would rather not answer this: my own judge gives the answer I would have given {score} of 9, and I only answer from "
    "{threshold} on. Please ask someone who knows, or ask again with more detail."
)
UNJUDGED = "I would rather not answer this: the answer I would have given could not be judged ({reason})."


class UnknownModel(SelfJError):
    """The model's name, or the promise in it, is not served; the message lists what is."""


@dataclass(frozen=True)
class Promise:
    """A threshold of the judge's score, and what it stands for."""

    name: str
    """`coverage=0.8`, `quality=0.7`, `risk=0.3` or `always`."""
    threshold: float | None
    """Score (0 to 9) from which answers are given; None gives them all."""
    card: Mapping[str, Any]
    """Its entry in judge.json: target, confidence, what quality was (`on`) …; empty for `always`."""


@dataclass(frozen=True)
class Decision:
    """Whether an answer is given, and why."""

    answered: bool
    score: float | None
    """0 to 9; None if the answer could not be judged, which declines it."""
    threshold: float | None
    probabilities: list[float] | None
    reason: str | None
    """Why there is no score."""


@dataclass(frozen=True)
class Promises:
    """What a judge's card promises."""

    known: dict[str, Promise]
    """`always` last."""
    default: Promise
    """What a model name without `@` means."""
    calibration: Mapping[str, Any]
    """judge.json's `calibration`: `on` and `curve`; empty before the first calibration."""

    @classmethod
    def of(cls, judge: JudgeFolder, default: str = "") -> "Promises":
        """The promises of a judge. Raises SettingsError if `default` is none of them."""
        known = {name: Promise(name, float(card["threshold"]), card) for name, card in judge.thresholds.items()}
        last = next(reversed(known), ALWAYS)
        known[ALWAYS] = Promise(ALWAYS, None, {})
        if default and default not in known:
            raise SettingsError(f"promise: {judge.path} has {_listed(known)}, not {default!r}; run selfj calibrate first")
        return cls(known, known[default or last], judge.calibration)

    def asked(self, model: str, served: str) -> Promise:
        """The promise in a model's name. Raises UnknownModel."""
        name, at, promise = model.partition("@")
        if name != served:
            raise UnknownModel(f"model {model!r} is not served here; {served!r} is")
        if not at:
            return self.default
        found = self.known.get(promise)
        if found is None:
            raise UnknownModel(f"model {model!r}: nothing was calibrated for {promise!r}; there is {_listed(self.known)}")
        return found


def decide(rating: Rating, promise: Promise) -> Decision:
    """Answer if nothing was promised or the score reaches the threshold; without a score nothing is promised to be good."""
    reached = rating.score is not None and (promise.threshold is None or rating.score >= promise.threshold)
    answered = promise.threshold is None or reached
    return Decision(answered, rating.score, promise.threshold, rating.probabilities, rating.reason)


def refusal_text(decision: Decision, promise: Promise, sentence: str = "") -> str:
    """What a declined request is told. `sentence`: with {score}, {threshold} and {promise}."""
    if decision.score is None:
        return UNJUDGED.format(reason=decision.reason)
    score, threshold = _told_apart(decision.score, promise.threshold or 0.0)
    return (sentence or REFUSAL).format(score=score, threshold=threshold, promise=promise.name)


def _told_apart(score: float, threshold: float) -> tuple[str, str]:
    """Both with the fewest decimals, at least one, at which they differ."""
    digits = next((places for places in range(1, 9) if round(score, places) != round(threshold, places)), 9)
    return f"{score:.{digits}f}", f"{threshold:.{digits}f}"


def _listed(known: Mapping[str, Promise]) -> str:
    return ", ".join(known)
