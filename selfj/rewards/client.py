"""A small client of the judge endpoint, for trainers: sync and async, with retries.

The requests are made by the official `openai` client, whose connections, time-outs and retries (408, 429, 5xx, connections that
are refused or closed without a whole response; with `Retry-After`) are what a reward call needs. A judgement changes nothing, so
asking twice is harmless. Nothing of OpenAI's is asked.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

from selfj.errors import SelfJError
from selfj.rewards.answers import Answer, Judged, batches, judged_of, request_of
from selfj.rewards.scale import reward_of
from selfj.rewards.settings import RewardSettings


class RewardError(SelfJError):
    """The endpoint gave no judgement: it cannot be reached, or refuses the request. Training should stop, not go on without."""


def reward_for(judged: Judged, settings: RewardSettings) -> float | None:
    """The reward on the scale of the settings; `missing` where there is no score. Raises SettingsError, as reward_of does."""
    if judged.score is None:
        return settings.missing
    return reward_of(judged.score, judged.threshold, settings.scale)


class _Client:
    """What both clients share. Picklable: a copy opens connections of its own."""

    def __init__(self, settings: RewardSettings | None = None) -> None:
        self.settings = settings or RewardSettings()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.settings,)

    def rewards(self, judged: Sequence[Judged]) -> list[float | None]:
        """Rewards on the scale of the settings; `missing` where there is no score."""
        return [reward_for(answer, self.settings) for answer in judged]

    def _batches(self, answers: Sequence[Answer]) -> list[list[int]]:
        return list(batches(answers, self.settings.answers_per_request, self.settings.characters_per_request))

    def _options(self) -> dict[str, Any]:
        settings = self.settings
        return {
            "api_key": settings.key or "none",
            "base_url": settings.base_url,
            "timeout": settings.timeout_s,
            "max_retries": settings.tries - 1,
        }


class JudgeClient(_Client):
    """Asks the endpoint, from any thread."""

    def judge(self, answers: Sequence[Answer]) -> list[Judged]:
        """One judgement for each answer, in order. Raises RewardError."""
        wanted = self._batches(answers)
        with ThreadPoolExecutor(self.settings.requests_at_once) as pool:
            replies = list(pool.map(lambda batch: self._ask([answers[place] for place in batch]), wanted))
        return _in_order(wanted, replies)

    def post(self, path: str, body: dict[str, Any], parameters: dict[str, Any] | None = None) -> Any:
        """The reply of a route, as JSON says it. Raises RewardError."""
        import openai

        try:
            return self._openai.post(path, body=body, cast_to=object, options={"params": parameters or {}})
        except openai.APIError as problem:
            raise _reward_error(problem, self.settings) from None

    def _ask(self, answers: Sequence[Answer]) -> list[Judged]:
        return _checked(self.post("/v1/judge", request_of(answers, self.settings.model)), len(answers), self.settings)

    @cached_property
    def _openai(self) -> Any:
        import openai

        return openai.OpenAI(**self._options())


class AsyncJudgeClient(_Client):
    """Asks the endpoint, within one event loop."""

    async def judge(self, answers: Sequence[Answer]) -> list[Judged]:
        """One judgement for each answer, in order. Raises RewardError."""
        wanted = self._batches(answers)
        replies = await asyncio.gather(*(self._ask([answers[place] for place in batch]) for batch in wanted))
        return _in_order(wanted, replies)

    async def _ask(self, answers: Sequence[Answer]) -> list[Judged]:
        import openai

        async with self._free:
            try:
                reply = await self._openai.post("/v1/judge", body=request_of(answers, self.settings.model), cast_to=object)
            except openai.APIError as problem:
                raise _reward_error(problem, self.settings) from None
        return _checked(reply, len(answers), self.settings)

    @cached_property
    def _free(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(self.settings.requests_at_once)

    @cached_property
    def _openai(self) -> Any:
        import openai

        return openai.AsyncOpenAI(**self._options())


def _in_order(wanted: Sequence[Sequence[int]], replies: Sequence[Sequence[Judged]]) -> list[Judged]:
    places = [place for batch in wanted for place in batch]
    found = dict(zip(places, (judged for reply in replies for judged in reply), strict=True))
    return [found[place] for place in range(len(found))]


def _checked(reply: Any, count: int, settings: RewardSettings) -> list[Judged]:
    try:
        judged = judged_of(reply)
    except (KeyError, TypeError):
        raise RewardError(f"{settings.base_url}: the reply is no judgement; check base_url") from None
    if len(judged) != count:
        raise RewardError(f"{settings.base_url}: {len(judged)} judgements for {count} answers")
    return judged


def _reward_error(problem: Any, settings: RewardSettings) -> RewardError:
    """What a failed request says, in one line, without the key."""
    body = getattr(problem, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    status = getattr(problem, "status_code", None)
    text = " ".join(str(said or _with_cause(problem)).split())[:300]
    if settings.key:
        text = text.replace(settings.key, "***")
    hint = f"; set {settings.key_variable} to an API key" if status == 401 else ""
    return RewardError(f"{settings.base_url}: {f'status {status}, ' if status else ''}{text}{hint}")


def _with_cause(problem: Any) -> str:
    """What `openai` says of a connection, and what was the matter with it."""
    cause = str(problem.__cause__ or "")
    return f"{str(problem).rstrip('.')} ({cause})" if cause else str(problem)
