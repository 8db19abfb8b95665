"""A chat request answered whole: candidates drawn, the best picked, its score held against the promise."""

import time
from collections.abc import Sequence
from typing import cast

from selfj.serve.asking import Ask
from selfj.serve.best_of import Candidate, Drawn, Won, draw, ranked
from selfj.serve.decide import Decision, decide, refusal_text
from selfj.serve.endpoint import Endpoint
from selfj.serve.types import completion as types
from selfj.serve.types.completion import ByModel, ChatCompletion, Choice, ChoiceMessage, FinishReason, Usage, Verdict


async def answer(endpoint: Endpoint, ask: Ask) -> ChatCompletion:
    """Every answer asked for, given or declined. Raises ServiceError, PromptRefused."""
    drawn = await draw(endpoint, ask)
    choices = [_choice(endpoint, ask, index, drawn) for index in range(ask.choices)]
    return ChatCompletion(
        id=completion_id(ask), created=int(time.time()), model=ask.model, choices=choices, usage=usage_of(drawn)
    )


def completion_id(ask: Ask) -> str:
    """The response's id: the request's, with OpenAI's prefix."""
    return f"chatcmpl-{ask.call.request_id}"


def verdict(endpoint: Endpoint, ask: Ask, decision: Decision, candidates: Sequence[Candidate], won: Won | None = None) -> Verdict:
    """The decision on the first of the candidates, which are ranked, as it is sent; counted in the endpoint's metrics."""
    endpoint.metrics.decision(ask.promise.name, decision.answered, decision.score)
    return Verdict(
        score=decision.score,
        threshold=decision.threshold,
        answered=decision.answered,
        probabilities=decision.probabilities,
        reason=decision.reason,
        promise=ask.promise.name,
        departures=ask.departures,
        drawn=len(candidates),
        picked_by="tournament" if won is not None and won.number is not None else "score",
        matches=None if won is None else won.matches,
        candidates=[_shown(candidate) for candidate in candidates] if ask.candidates else None,
    )


def usage_of(drawn: Drawn) -> Usage:
    """Tokens of both models."""
    prompt = drawn.policy.prompt_tokens + drawn.judge.prompt_tokens
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=drawn.policy.completion_tokens,
        total_tokens=prompt + drawn.policy.completion_tokens,
        prompt_tokens_details=types.PromptDetails(cached_tokens=drawn.policy.cached_tokens + drawn.judge.cached_tokens),
        selfj=ByModel(policy=drawn.policy, judge=drawn.judge),
    )


def _choice(endpoint: Endpoint, ask: Ask, index: int, drawn: Drawn) -> Choice:
    won = drawn.won[index] if drawn.won else None
    order = ranked(drawn.candidates[index], won.number if won else None)
    best, decision = order[0], decide(order[0].rating, ask.promise)
    said = verdict(endpoint, ask, decision, order, won)
    if decision.answered:
        message, reason = ChoiceMessage(content=best.answer.text, refusal=None), finish_reason(best.answer.finish_reason)
    else:
        sentence = refusal_text(decision, ask.promise, endpoint.settings.refusal)
        message, reason = ChoiceMessage(content=None, refusal=sentence), finish_reason("stop")
    return Choice(index=index, message=message, finish_reason=reason, selfj=said)


def finish_reason(reason: str) -> FinishReason:
    """The policy's reason as the API names it."""
    return cast(FinishReason, reason if reason == "length" else "stop")


def _shown(candidate: Candidate) -> types.Candidate:
    return types.Candidate(
        number=candidate.number,
        content=candidate.answer.text,
        score=candidate.rating.score,
        probabilities=candidate.rating.probabilities,
        reason=candidate.rating.reason,
        finish_reason=finish_reason(candidate.answer.finish_reason),
        tokens=candidate.answer.tokens,
    )
