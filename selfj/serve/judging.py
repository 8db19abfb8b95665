"""Many answers judged in one call: those of one instruction side by side, whose common prefix the engine then computes once."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fastapi import Request

from selfj.rating import Question
from selfj.serve.decide import Decision, Promise, decide
from selfj.serve.endpoint import Endpoint
from selfj.serve.errors import ApiError
from selfj.serve.services import Rated
from selfj.serve.types.judge import JudgeUsage


@dataclass(frozen=True)
class Judged:
    """Decisions of one request, in the order of its questions."""

    decisions: list[Decision]
    """For questions with a reference the score counts, not the decision: thresholds hold for scores without."""
    prompt_tokens: int
    cached_tokens: int

    @property
    def usage(self) -> JudgeUsage:
        """What the judge read."""
        return JudgeUsage(prompt_tokens=self.prompt_tokens, total_tokens=self.prompt_tokens, cached_tokens=self.cached_tokens)


def side_by_side(questions: Sequence[Question]) -> list[Question]:
    """Distinct questions, those about one instruction next to each other, in order of first appearance."""
    groups: dict[tuple[str, str | None], dict[Question, None]] = {}
    for question in questions:
        groups.setdefault((question.instruction, question.reference), {})[question] = None
    return [question for group in groups.values() for question in group]


async def judge_all(endpoint: Endpoint, questions: Sequence[Question], promise: Promise, request_id: str) -> Judged:
    """Judge all questions in one call, equal ones once. Raises ServiceError."""
    distinct = side_by_side(questions)
    rated = await endpoint.judge.rate(distinct, request_id) if distinct else Rated([], 0)
    endpoint.metrics.tokens("judge", rated.prompt_tokens, 0, rated.cached_tokens)
    ratings = dict(zip(distinct, rated.ratings, strict=True))
    decisions = [decide(ratings[question], promise) for question in questions]
    for question, decision in zip(questions, decisions, strict=True):
        if question.reference is None:
            endpoint.metrics.decision(promise.name, decision.answered, decision.score)
    return Judged(decisions, rated.prompt_tokens, rated.cached_tokens)


def check_texts(endpoint: Endpoint, texts: Iterable[tuple[str, str | None]]) -> None:
    """Hold named texts against the limit of characters.

    Raises ApiError with status 422, the field named.
    """
    most = endpoint.settings.limits.text_characters
    for field, text in texts:
        if text is not None and len(text) > most:
            refuse(field, f"{len(text)} characters, at most {most}")


def refuse(field: str, message: str) -> None:
    """Raise ApiError with status 422, the field named."""
    raise ApiError(422, f"{field}: {message}", field=field)


def check_count(endpoint: Endpoint, field: str, count: int) -> None:
    """Hold the number of answers in one request against its limit.

    Raises ApiError with status 422, the field named.
    """
    most = endpoint.settings.limits.items
    if count > most:
        refuse(field, f"{count} answers, at most {most} in one request")


def promise_of(endpoint: Endpoint, model: str | None) -> Promise:
    """The promise in a model's name, or the default where none is named. Raises UnknownModel."""
    return endpoint.promises.default if model is None else endpoint.promises.asked(model, endpoint.name)


def request_id_of(request: Request) -> str:
    """The request's id, made here where no guard has given it one."""
    return getattr(request.state, "request_id", None) or uuid.uuid4().hex
