"""Drawing candidates until one is good enough: best-of-N as the report has it (`selfj.evaluate.best_of`).

They come one by one, or several at a time. Where a candidate reaches the score to stop at, drawing ends; else all are drawn.
The one that the judge rates highest is taken, or the one that wins a tournament among all (`selfj.selfjudge.tournament`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from selfj.rating import Question, Rating
from selfj.selfjudge.tournament import Bracket, rounds
from selfj.serve.asking import Ask, Drawing
from selfj.serve.endpoint import Endpoint
from selfj.serve.services import Compared, PairJudgeService, PolicyAnswer, Rated, Sampled
from selfj.serve.types.completion import ModelTokens


@dataclass(frozen=True)
class Candidate:
    """An answer that was drawn, and what the judge says of it."""

    number: int
    """Place in the order drawn, from 0."""
    answer: PolicyAnswer
    rating: Rating


@dataclass(frozen=True)
class Won:
    """How one answer's tournament went."""

    number: int | None
    """Of the candidate that won; None where no match could be judged."""
    matches: int


@dataclass
class Drawn:
    """All candidates of a request, and what they took."""

    candidates: list[list[Candidate]]
    """Those of each answer, in the order drawn."""
    won: list[Won] = field(default_factory=list)
    """The tournament of each answer; none where none was held."""
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
    if ask.drawing.tournament and endpoint.comparing is not None:
        drawn.won = await _tournaments(endpoint, endpoint.comparing, ask, drawn)
    return drawn


def ranked(candidates: Sequence[Candidate], first: int | None = None) -> list[Candidate]:
    """Candidate number `first` first, then the highest score; equal scores in the order drawn; without a score last."""
    order = sorted(candidates, key=lambda one: -1.0 if one.rating.score is None else one.rating.score, reverse=True)
    return sorted(order, key=lambda one: one.number != first)


async def _tournaments(endpoint: Endpoint, judge: PairJudgeService, ask: Ask, drawn: Drawn) -> list[Won]:
    """Who wins among the candidates of each answer; a round of all answers is one call."""
    texts = [[candidate.answer.text for candidate in candidates] for candidates in drawn.candidates]
    held = rounds([ask.instruction] * len(texts), texts)
    try:
        pairs = next(held)
        while True:
            compared = await judge.compare(pairs, ask.call.request_id)
            _count_judge(endpoint, drawn, compared)
            pairs = held.send(compared.verdicts)
    except StopIteration as end:
        brackets: list[Bracket] = end.value
        return [Won(None if bracket.reason else bracket.winner, len(bracket.matches)) for bracket in brackets]


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
    _count_judge(endpoint, drawn, rated)
    return rated.ratings


def _count_judge(endpoint: Endpoint, drawn: Drawn, judged: Rated | Compared) -> None:
    drawn.judge.prompt_tokens += judged.prompt_tokens
    drawn.judge.cached_tokens += judged.cached_tokens
    endpoint.metrics.tokens("judge", judged.prompt_tokens, 0, judged.cached_tokens)


def count_policy(endpoint: Endpoint, tokens: ModelTokens, sampled: Sampled) -> None:
    """Add what the policy read and wrote to the request's tokens and to the endpoint's metrics."""
    generated = sum(answer.tokens for answer in sampled.answers)
    tokens.prompt_tokens += sampled.prompt_tokens
    tokens.cached_tokens += sampled.cached_tokens
    tokens.completion_tokens += generated
    endpoint.metrics.tokens("policy", sampled.prompt_tokens, generated, sampled.cached_tokens)
