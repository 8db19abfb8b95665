"""Asking a model for a rating: rows of texts in, expected values over the ten digits out, nulls with a reason."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.engine import Engine
from selfj.labels import expected_value, label_token_ids, normalised_probabilities
from selfj.prompts import PromptEncoder, PromptTooLong


@dataclass(frozen=True)
class Question:
    """What is to be rated; with a reference if the model may see it."""

    instruction: str
    response: str
    reference: str | None = None


@dataclass(frozen=True)
class Rating:
    """A model's rating, or why there is none."""

    score: float | None
    """Expected value, 0 to 9."""
    probabilities: list[float] | None
    """The ten digits', summing to 1."""
    digit_mass: float | None
    """Probability of any digit before normalisation."""
    reason: str | None


class Rater:
    """Rates answers with one model, base or adapted, in one kind of prompt; `tokenizer`: where it is not the engine's.

    Raises ModelError if the model's digits are not single tokens in this prompt.
    """

    def __init__(
        self, engine: Engine, prompts: str, max_tokens: int | None = None, *, adapted: bool = False, tokenizer: Any = None
    ) -> None:
        self.engine = engine
        self.adapted = adapted
        room = engine.context - 1
        self.encoder = PromptEncoder(tokenizer or engine.tokenizer, prompts, min(max_tokens or room, room))
        example = self.encoder.rating_text("Is this a question?", "Yes.", "Yes.")
        self.labels = label_token_ids(self.encoder.tokenizer, example)

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One rating per question, in order."""
        encoded = [self.encode(question) for question in questions]
        prompts = [item for item in encoded if isinstance(item, list)]
        return ratings_of(encoded, self.engine.label_logprobs(prompts, self.labels, adapted=self.adapted))

    def encode(self, question: Question) -> list[int] | str:
        """The prompt's tokens, or why there is none."""
        try:
            return self.encoder.rating_ids(question.instruction, question.response, question.reference)
        except PromptTooLong as problem:
            return str(problem)


def ratings_of(encoded: Sequence[list[int] | str], logprobs: NDArray[np.float32]) -> list[Rating]:
    """Ratings of encoded questions: `logprobs` (prompts, 10) of those that became prompts, in order; the others are null."""
    probabilities, mass = normalised_probabilities(logprobs)
    made = iter(zip(expected_value(probabilities).tolist(), probabilities.tolist(), mass.tolist(), strict=True))
    return [_rating(*next(made)) if isinstance(item, list) else Rating(None, None, None, item) for item in encoded]


def _rating(score: float, probabilities: list[float], mass: float) -> Rating:
    if not math.isfinite(score):
        return Rating(None, None, None, "the model gave no finite probability for the digits")
    return Rating(score, probabilities, mass, None)
