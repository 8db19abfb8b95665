"""Verdicts on pairs: probabilities of both labels in both orders (METHOD.md B, judging), or two scores of a pointwise judge."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from selfj.engine import Engine
from selfj.prompts import PromptEncoder, PromptTooLong
from selfj.rating import Question, Rating
from selfj.selfjudge.pairs import Pair, Side, Verdict
from selfj.selfjudge.wording import OVERALL, PairEncoder

Floats = NDArray[np.float64]

TIE = 1e-6
"""Scores that differ by less are equal: what is left of the difference is rounding."""


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
        encoded = [self.encode(pair) for pair in pairs]
        prompts = [prompt for made in encoded if isinstance(made, list) for prompt in made]
        return verdicts_of(encoded, self.engine.label_logprobs(prompts, self.encoder.labels, adapted=self.adapted))

    def encode(self, pair: Pair) -> list[list[int]] | str:
        """A pair's prompts, or why there are none: under each principle a first, then b first."""
        orders = ((pair.a, pair.b), (pair.b, pair.a))
        try:
            return [self.encoder.ids(pair.instruction, *order, principle) for principle in self.principles for order in orders]
        except PromptTooLong as problem:
            return str(problem)


def verdicts_of(encoded: Sequence[list[list[int]] | str], logprobs: NDArray[np.float32]) -> list[Verdict]:
    """Verdicts on encoded pairs; those that became no prompts have none, and the reason.

    `logprobs`: (prompts, 2 labels: first shown, second shown) of all prompts in order, over the full vocabulary.
    """
    made = sum(isinstance(item, list) for item in encoded)
    shown = np.exp(logprobs.astype(np.float64)).reshape(made, -1, 2, 2) if made else np.empty((0, 1, 2, 2))
    by_answer = np.stack([shown[:, :, 0], shown[:, :, 1, ::-1]], axis=2)
    judged = iter(by_answer)
    return [verdict_of(next(judged)) if isinstance(item, list) else no_verdict(item) for item in encoded]


def verdict_of(scores: Floats) -> Verdict:
    """The verdict of one pair.

    `scores`: (principles, 2 orders: a first, b first; 2 answers: a, b), the probability that the model calls the answer the
    better one. Under a principle an answer's score is the mean over the orders. Principles vote; where the votes are equal the
    mean score over the principles decides, and where that is equal too neither is preferred.
    """
    if not np.isfinite(scores).all():
        return no_verdict("the model gave no finite probability for the labels")
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


def no_verdict(reason: str) -> Verdict:
    """A pair that could not be judged, and why."""
    return Verdict(None, None, None, reason=reason)


class PointRater(Protocol):
    """What scores one answer at a time: selfj.rating.Rater, or any judge of selfj.raters."""

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One rating per question, in order."""
        ...


class PointwiseComparison:
    """Compares answers by the scores that a pointwise judge (Self-J) gives them: the two methods meet here.

    Args:
        rater: the judge.
        top: the highest score it gives; a verdict's scores are shares of it.
    """

    def __init__(self, rater: PointRater, top: float = 9.0) -> None:
        self.rater = rater
        self.top = top

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict per pair, in order: all answers in one call of the judge, one that is in several pairs once."""
        asked = [(Question(pair.instruction, pair.a), Question(pair.instruction, pair.b)) for pair in pairs]
        distinct = list(dict.fromkeys(question for both in asked for question in both))
        ratings = dict(zip(distinct, self.rater.rate(distinct), strict=True))
        return [verdict_of_ratings(ratings[a], ratings[b], self.top) for a, b in asked]


def verdict_of_ratings(a: Rating, b: Rating, top: float = 9.0) -> Verdict:
    """The verdict that two scores amount to. An order there is none, so nothing flips."""
    if a.score is None or b.score is None:
        unrated = [f"answer {name} could not be rated: {one.reason}" for name, one in (("a", a), ("b", b)) if one.score is None]
        return no_verdict("; ".join(unrated))
    return Verdict(_side(_sign(a.score - b.score)), a.score / top, b.score / top)
