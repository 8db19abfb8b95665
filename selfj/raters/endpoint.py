"""Any OpenAI-compatible endpoint as judge: GPT-3.5, GPT-4, a vLLM server (METHOD.md part A, the rows from outside).

The official client does the retries (exponential back-off, `Retry-After` honoured), pyrate-limiter the rate limit.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from selfj.config import OutsideJudgeSettings
from selfj.errors import ModelError
from selfj.raters.cache import ReplyCache
from selfj.raters.failures import Failure, failure_of
from selfj.raters.options import EndpointOptions, endpoint_options
from selfj.raters.replies import Reply, Token, rating_messages, rating_of, unrated
from selfj.rating import Question, Rating

REQUEST_PARAMETERS: dict[str, Any] = {"temperature": 0, "max_tokens": 8, "logprobs": True, "top_logprobs": 20}
"""Sent with each question unless `options.parameters` says otherwise; 20 is the most that endpoints give."""


@dataclass(frozen=True)
class _Outcome:
    rating: Rating
    answered: bool
    """Whether the endpoint said anything at all."""


class EndpointRater:
    """Asks a model behind an endpoint for ratings, several at a time, and each question once.

    The key is read from the environment variable that the settings name; it is sent to the endpoint and put nowhere else.

    Raises ModelError if the variable is not set.
    """

    def __init__(self, settings: OutsideJudgeSettings) -> None:
        self.settings = settings
        self.options = endpoint_options(settings)
        self.cache = ReplyCache(settings.cache) if settings.cache else None
        self._key = api_key(settings)
        self._client = _client(settings, self.options, self._key)
        self._silent = 0

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One rating per question, in order; a question's reference is shown where it has one.

        Raises ModelError if the endpoint refuses the key, the model or a parameter, or says nothing to many questions in a row.
        """
        distinct = list(dict.fromkeys(questions))
        with ThreadPoolExecutor(self.settings.max_concurrency) as pool:
            ratings = dict(zip(distinct, self._watched(pool.map(self._rate, distinct)), strict=True))
        return [ratings[question] for question in questions]

    def _watched(self, outcomes: Iterator[_Outcome]) -> Iterator[Rating]:
        for outcome in outcomes:
            self._silent = 0 if outcome.answered else self._silent + 1
            if self._silent >= self.options.give_up_after:
                raise ModelError(
                    f"{self.settings.name}: {self.settings.base_url}: no reply to {self._silent} questions in a row "
                    f"(the last: {outcome.rating.reason}); replies so far are kept: mend it and run again"
                )
            yield outcome.rating

    def _rate(self, question: Question) -> _Outcome:
        request = self._request(question)
        reply = self.cache.find(request) if self.cache else None
        if reply is None:
            asked = self._ask(request)
            if isinstance(asked, Failure):
                return _Outcome(unrated(asked.reason), answered=asked.of_question)
            reply = asked
            if self.cache:
                self.cache.keep(request, reply)
        return _Outcome(rating_of(reply), answered=True)

    def _request(self, question: Question) -> dict[str, Any]:
        """All that the reply depends on, and all that it is kept under."""
        parameters = {**REQUEST_PARAMETERS, **self.options.parameters}
        sent = {name: value for name, value in parameters.items() if value is not None}
        return {"model": self.settings.model, "messages": rating_messages(question, self.options.prompts), "parameters": sent}

    def _ask(self, request: dict[str, Any]) -> Reply | Failure:
        import openai

        try:
            completion = self._client.chat.completions.create(
                model=request["model"], messages=request["messages"], extra_body=request["parameters"]
            )
            return _reply(completion)
        except openai.APIError as problem:
            return failure_of(problem, self.settings, self.options, self._key)
        except (AttributeError, TypeError, ValueError, IndexError):
            return Failure("the endpoint's reply is no chat completion; check base_url (it usually ends in /v1)")


def api_key(settings: OutsideJudgeSettings) -> str:
    """The endpoint's key; the client wants some text also where `api_key_variable` is empty and none is needed.

    Raises ModelError if the variable is not set in this process.
    """
    if not settings.api_key_variable:
        return "none"
    key = os.environ.get(settings.api_key_variable, "").strip()
    if not key:
        raise ModelError(
            f"{settings.name}: the environment variable {settings.api_key_variable} is not set where the judge is asked; set it "
            "before Ray starts, or set api_key_variable to '' for an endpoint without keys"
        )
    return key


def _client(settings: OutsideJudgeSettings, options: EndpointOptions, key: str) -> Any:
    import openai

    return openai.OpenAI(
        api_key=key,
        base_url=settings.base_url,
        timeout=options.timeout_seconds,
        max_retries=options.tries - 1,
        http_client=openai.DefaultHttpxClient(event_hooks={"request": _pauses(settings.requests_per_minute)}),
    )


def _pauses(requests_per_minute: float) -> list[Callable[[Any], None]]:
    """What comes before each request, a repeated one too: a wait, so that requests are evenly apart."""
    if not requests_per_minute:
        return []
    from pyrate_limiter import Limiter, Rate

    limiter = Limiter(Rate(1, math.ceil(60_000 / requests_per_minute)))

    def wait(_: Any) -> None:
        limiter.try_acquire("request")

    return [wait]


def _reply(completion: Any) -> Reply:
    choice = completion.choices[0]
    content = choice.logprobs.content if choice.logprobs is not None else None
    tokens = [Token(token.token, [(other.token, other.logprob) for other in token.top_logprobs]) for token in content or []]
    return Reply(choice.message.content or "", getattr(choice.message, "refusal", None), choice.finish_reason or "", tokens)
