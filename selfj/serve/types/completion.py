"""The responses of `/v1/chat/completions`: OpenAI's, whole or in chunks; `selfj` at each choice is the judge's verdict."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_serializer


class _Documented(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


FinishReason = Literal["stop", "length"]


class Candidate(_Documented):
    """One of the answers that were drawn for a choice."""

    number: int
    """Place in the order drawn, from 0."""
    content: str
    score: float | None
    probabilities: list[float] | None
    reason: str | None
    finish_reason: FinishReason
    tokens: int


class Verdict(_Documented):
    """What the judge says of the answer that was picked, and what follows from it."""

    score: float | None
    """Expected value of the ten probabilities, 0 to 9; null if the answer could not be judged."""
    threshold: float | None
    """Score from which answers are given; null gives them all."""
    answered: bool
    probabilities: list[float] | None
    """Of the digits 0 to 9."""
    reason: str | None
    """Why there is no score."""
    promise: str
    """`coverage=0.8`, `always` …"""
    departures: list[str]
    """Fields of the request in which it differs from how the answers of the calibration were drawn. The promise was made for
    requests where this is empty."""
    drawn: int
    """Candidates that this answer was picked from."""
    picked_by: Literal["score", "tournament"] = "score"
    """How it was picked; `score` too where no match of a tournament could be judged."""
    matches: int | None = None
    """Matches of the tournament, always one fewer than candidates; null without one."""
    candidates: list[Candidate] | None = None
    """All of them, highest score first, if asked for."""


class ChoiceMessage(_Documented):
    """An answer, or a refusal: one of the two is null."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None


class Choice(_Documented):
    """One of the `n` answers."""

    index: int
    message: ChoiceMessage
    finish_reason: FinishReason
    logprobs: None = None
    selfj: Verdict


class ModelTokens(_Documented):
    """Tokens of one model; a prompt counts each time it is read."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens that were found in the prefix cache."""
    completion_tokens: int = 0
    """Of all candidates. The judge writes none: its rating is read from the probabilities of the next token."""


class ByModel(_Documented):
    """Tokens of both models."""

    policy: ModelTokens
    judge: ModelTokens


class PromptDetails(_Documented):
    """OpenAI's breakdown of prompt tokens."""

    cached_tokens: int


class Usage(_Documented):
    """Tokens of policy and judge together, and of each."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    selfj: ByModel


class ChatCompletion(_Documented):
    """The whole response."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    """Unix time in seconds."""
    model: str
    """Name and promise, also where the request named no promise."""
    choices: list[Choice]
    usage: Usage


class ChoiceDelta(_Documented):
    """A piece of a message; fields that are not set are left out."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: str | None = None

    @model_serializer(mode="wrap")
    def _only_what_is_set(self, serialise: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {name: value for name, value in serialise(self).items() if name in self.model_fields_set}


class ChunkChoice(_Documented):
    """A piece of one of the `n` answers; the last has `finish_reason` and `selfj`."""

    index: int
    delta: ChoiceDelta
    finish_reason: FinishReason | None = None
    logprobs: None = None
    selfj: Verdict | None = None


class ChatChunk(_Documented):
    """A piece of a response that is streamed."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    """In the last chunk, which has no choices, if it was asked for."""
