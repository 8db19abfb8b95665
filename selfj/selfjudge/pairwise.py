"""Verdicts on pairs: probabilities of both labels in both orders (METHOD.md B, judging)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfj.engine import Engine
from selfj.prompts import PromptEncoder, PromptTooLong
from selfj.rating import Question, Rater
from selfj.selfjudge.pairs import Pair, Side, Verdict
from selfj.selfjudge.wording import OVERALL, PairEncoder

Floats = NDArray[np.float64]

TIE = 1e-6
"""Scores that differ by less are equal: what is left of the difference is rounding."""


@dataclass(frozen=True)
class _Asked:
    """One prompt: which pair it is about, under which principle, and whether `a` is shown first."""

    pair: int
    principle: int
    a_first: bool
    prompt: list[int]


class PairRater:
    """Compares answers with one model, base or adapted, each pair in both orders and under each principle.

    Args:
        prompts: a key of selfj.selfjudge.wording.PAIR_PROMPTS.
        principles: names of principles; each has a vote.
        max_tokens: longest prompt; by default what the engine's context leaves.

    Raises ModelError if the model's labels are not single tokens in this prompt.
    """

    def __init__(
        self,
        engine: Engine,
        prompts: str,
        principles: Sequence[str] = (OVERALL,),
        max_tokens: int | None = None,
        *,
        adapted: bool = False,
    ) -> None:
        self.engine = engine
        self.adapted = adapted
        self.principles = tuple(principles)
        room = engine.context - 1
        encoder = PromptEncoder(engine.tokenizer, "standard", min(max_tokens or room, room))
        self.encoder = PairEncoder(encoder, prompts)

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict per pair, in order: all prompts of all pairs in one call of the engine."""
        encoded = [self._encode(place, pair) for place, pair in enumerate(pairs)]
        asked = [prompt for found in encoded if isinstance(found, list) for prompt in found]
        logprobs = self.engine.label_logprobs([one.prompt for one in asked], self.encoder.labels, adapted=self.adapted)
        scores = np.full((len(pairs), len(self.principles), 2, 2), np.nan)
        for one, (first, second) in zip(asked, np.exp(logprobs.astype(np.float64)), strict=True):
            order = (first, second) if one.a_first else (second, first)
            scores[one.pair, one.principle, 0 if one.a_first else 1] = order
        return [
            verdict_of(scores[place]) if isinstance(found, list) else Verdict(None, None, None, reason=found)
            for place, found in enumerate(encoded)
        ]

    def _encode(self, place: int, pair: Pair) -> list[_Asked] | str:
        try:
            return [
                _Asked(place, number, a_first, self._ids(pair, principle, a_first))
                for number, principle in enumerate(self.principles)
                for a_first in (True, False)
            ]
        except PromptTooLong as problem:
            return str(problem)

    def _ids(self, pair: Pair, principle: str, a_first: bool) -> list[int]:
        first, second = (pair.a, pair.b) if a_first else (pair.b, pair.a)
        return self.encoder.ids(pair.instruction, first, second, principle)


def verdict_of(scores: Floats) -> Verdict:
    """The verdict of one pair.

    `scores`: (principles, 2 orders: a first, b first; 2 answers: a, b), the probability that the model calls the answer the
    better one. Under a principle an answer's score is the mean over the orders. Principles vote; where the votes are equal the
    mean score over the principles decides, and where that is equal too neither is preferred.
    """
    if not np.isfinite(scores).all():
        return Verdict(None, None, None, reason="the model gave no finite probability for the labels")
    by_principle = scores.mean(axis=1)
    score_a, score_b = by_principle.mean(axis=0)
    votes = int(np.sum([_sign(a - b) for a, b in by_principle]))
    by_order = scores.mean(axis=0)
    orders = [_sign(a - b) for a, b in by_order]
    return Verdict(_side(votes or _sign(score_a - score_b)), float(score_a), float(score_b), flips=orders[0] != orders[1])


def _sign(difference: float) -> int:
    return 0 if abs(difference) < TIE else int(np.sign(difference))


def _side(sign: int) -> Side | None:
    return {1: "a", -1: "b", 0: None}[int(np.sign(sign))]  # type: ignore[return-value]


class PointwiseComparison:
    """Compares answers by the scores that a pointwise judge (Self-J) gives them: the two methods meet here."""

    def __init__(self, rater: Rater) -> None:
        self.rater = rater

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict per pair; the scores are the expected labels divided by 9."""
        questions = [Question(pair.instruction, answer) for pair in pairs for answer in (pair.a, pair.b)]
        ratings = self.rater.rate(questions)
        return [self._verdict(ratings[place].score, ratings[place + 1].score) for place in range(0, len(ratings), 2)]

    def _verdict(self, a: float | None, b: float | None) -> Verdict:
        if a is None or b is None:
            return Verdict(None, None, None, reason="an answer could not be rated")
        return Verdict(_side(_sign(a - b)), a / 9, b / 9)
