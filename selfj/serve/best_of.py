"""Drawing candidates until one is good enough: best-of-N as the report has it (`selfj.evaluate.best_of`).

They come one by one, or several at a time. Where a candidate reaches the score to stop at, drawing ends; else all are drawn.
The one that the judge rates highest is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from selfj.rating import Question, Rating
from selfj.serve.asking import Ask, Drawing
from selfj.serve.endpoint import Endpoint
from selfj.serve.services import PolicyAnswer, Sampled
from selfj.serve.types.completion import ModelTokens


@dataclass(frozen=True)
class Candidate:
    """An answer that was drawn, and what the judge says of it."""

    number: int
    """Place in the order drawn, from 0."""
    answer: PolicyAnswer
    rating: Rating


@dataclass
class Drawn:
    """All candidates of a request, and what they took."""

    candidates: list[list[Candidate]]
    """Those of each answer, in the order drawn."""
    policy: ModelTokens = field(default_factory=ModelTokens)
    judge: ModelTokens = field(default_factory=ModelTokens)


async def draw(endpoint: Endpoint, ask: Ask) -> Drawn:
    """Candidates of every answer asked for. All answers go on together; one that has its candidate waits for the others.

    Raises ServiceError, PromptRefused.
    """
    drawn = Drawn([[] for _ in range(ask.choices)])
    while places := _next_places(drawn.candidates, ask.drawing):
        answers = await _sample(endpoint, ask, places, drawn)
        ratings = await rate(endpoint, ask, answers, drawn)
        for (choice, number), answer, rating in zip(places, answers, ratings, strict=True):
            drawn.candidates[choice].append(Candidate(number, answer, rating))
    return drawn


def ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Highest score first; equal scores in the order drawn; without a score last."""
    return sorted(candidates, key=lambda one: -1.0 if one.rating.score is None else one.rating.score, reverse=True)


def _next_places(candidates: Sequence[Sequence[Candidate]], drawing: Drawing) -> list[tuple[int, int]]:
    """(answer, number) of the candidates to draw now."""
    step = drawing.most if drawing.stop_at is None else drawing.at_a_time
    waiting = [(choice, len(drawn)) for choice, drawn in enumerate(candidates) if not _enough(drawn, drawing)]
    return [(choice, number) for choice, begin in waiting for number in range(begin, min(begin + step, drawing.most))]


def _enough(drawn: Sequence[Candidate], drawing: Drawing) -> bool:
    scores = [one.rating.score for one in drawn if one.rating.score is not None]
    reached = drawing.stop_at is not None and max(scores, default=-1.0) >= drawing.stop_at
    return reached or len(drawn) >= drawing.most


async def _sample(endpoint: Endpoint, ask: Ask, places: Sequence[tuple[int, int]], drawn: Drawn) -> list[PolicyAnswer]:
    sampled = await endpoint.policy.sample(replace(ask.call, seeds=[ask.seed(*place) for place in places]))
    count_policy(endpoint, drawn.policy, sampled)
    return sampled.answers


async def rate(endpoint: Endpoint, ask: Ask, answers: Sequence[PolicyAnswer], drawn: Drawn) -> list[Rating]:
    """The judge's rating of each answer; its tokens go to `drawn`. Raises ServiceError."""
    rated = await endpoint.judge.rate([Question(ask.instruction, answer.text) for answer in answers], ask.call.request_id)
    drawn.judge.prompt_tokens += rated.prompt_tokens
    drawn.judge.cached_tokens += rated.cached_tokens
    endpoint.metrics.tokens("judge", rated.prompt_tokens, 0, rated.cached_tokens)
    return rated.ratings


def count_policy(endpoint: Endpoint, tokens: ModelTokens, sampled: Sampled) -> None:
    """Add what the policy read and wrote to the request's tokens and to the endpoint's metrics."""
    generated = sum(answer.tokens for answer in sampled.answers)
    tokens.prompt_tokens += sampled.prompt_tokens
    tokens.cached_tokens += sampled.cached_tokens
    tokens.completion_tokens += generated
    endpoint.metrics.tokens("policy", sampled.prompt_tokens, generated, sampled.cached_tokens)
