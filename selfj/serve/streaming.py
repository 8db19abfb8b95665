"""Chat responses in pieces, as server-sent events.

Under a promise an answer is judged before any of it is sent. `@always` sends at once what the policy writes, and the score at
the end.
"""

import re
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from selfj.rating import Rating
from selfj.serve.answering import completion_id, finish_reason, usage_of, verdict
from selfj.serve.asking import Ask
from selfj.serve.best_of import Candidate, Drawn, count_policy, rate
from selfj.serve.decide import decide
from selfj.serve.endpoint import Endpoint
from selfj.serve.errors import service_error_response
from selfj.serve.services import Delta, PolicyAnswer, Sampled, ServiceError
from selfj.serve.types.completion import ChatChunk, ChatCompletion, Choice, ChoiceDelta, ChunkChoice, Verdict

DONE = b"data: [DONE]\n\n"
PIECE = re.compile(r".{1,48}(?!\S)\s*|.{1,48}", re.DOTALL)
"""Up to 48 characters and the white space after them; inside a word only if it is longer than that."""


Chunks = AsyncGenerator[ChatChunk, None]
"""Whoever reads them closes them, so that nobody writes for a client that has gone away."""


async def events(chunks: Chunks) -> AsyncGenerator[bytes, None]:
    """Chunks as server-sent events. A model that fails on the way ends them with an error object, which clients raise."""
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield _event(chunk.model_dump_json().encode())
        except ServiceError as problem:
            yield _event(bytes(service_error_response(problem).body))
        else:
            yield DONE


async def started(chunks: Chunks) -> Chunks:
    """The same chunks, the first of them made already: what fails before it is raised here."""
    first = await anext(chunks)

    async def all_of_them() -> Chunks:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    return all_of_them()


async def pieces_of(completion: ChatCompletion, include_usage: bool) -> Chunks:
    """A finished response in pieces, one answer after the other."""
    chunk = partial(ChatChunk, id=completion.id, created=completion.created, model=completion.model)
    for choice in completion.choices:
        for piece in _pieces_of_choice(choice):
            yield chunk(choices=[piece])
    if include_usage:
        yield chunk(choices=[], usage=completion.usage)


def _pieces_of_choice(choice: Choice) -> Iterator[ChunkChoice]:
    declined, text = choice.message.refusal is not None, choice.message.refusal or choice.message.content or ""
    first = ChoiceDelta(role="assistant", refusal="") if declined else ChoiceDelta(role="assistant", content="")
    yield ChunkChoice(index=choice.index, delta=first)
    for piece in PIECE.findall(text):
        delta = ChoiceDelta(refusal=piece) if declined else ChoiceDelta(content=piece)
        yield ChunkChoice(index=choice.index, delta=delta)
    yield ChunkChoice(index=choice.index, delta=ChoiceDelta(), finish_reason=choice.finish_reason, selfj=choice.selfj)


async def at_once(endpoint: Endpoint, ask: Ask, include_usage: bool) -> Chunks:
    """What the policy writes while it writes it; each answer's last piece, with its score, when all are judged.

    Nothing comes before the policy's first piece. Raises ServiceError, PromptRefused; a judge that fails leaves null scores.
    """
    chunk = partial(ChatChunk, id=completion_id(ask), created=int(time.time()), model=ask.model)
    written = [_Written(index) for index in range(ask.choices)]
    async with aclosing(cast(AsyncGenerator[Delta, None], endpoint.policy.stream(ask.call))) as deltas:
        async for delta in deltas:
            for piece in written[delta.index].pieces_of(delta):
                yield chunk(choices=[piece])
    drawn = Drawn([])
    count_policy(endpoint, drawn.policy, _sampled(written))
    for one, rating in zip(written, await _ratings(endpoint, ask, written, drawn), strict=True):
        candidate = Candidate(0, one.answer, rating)
        yield chunk(choices=[one.end(verdict(endpoint, ask, decide(rating, ask.promise), [candidate]))])
    if include_usage:
        yield chunk(choices=[], usage=usage_of(drawn))


@dataclass
class _Written:
    """An answer while it is written."""

    index: int
    texts: list[str] = field(default_factory=list)
    last: Delta | None = None

    def pieces_of(self, delta: Delta) -> Iterator[ChunkChoice]:
        if self.last is None:
            yield ChunkChoice(index=self.index, delta=ChoiceDelta(role="assistant", content=""))
        if delta.text:
            yield ChunkChoice(index=self.index, delta=ChoiceDelta(content=delta.text))
        self.texts.append(delta.text)
        self.last = delta

    @property
    def answer(self) -> PolicyAnswer:
        tokens, reason = (self.last.tokens, self.last.finish_reason) if self.last else (0, None)
        return PolicyAnswer("".join(self.texts), tokens, reason or "stop", None)

    def end(self, said: Verdict) -> ChunkChoice:
        reason = finish_reason(self.answer.finish_reason)
        return ChunkChoice(index=self.index, delta=ChoiceDelta(), finish_reason=reason, selfj=said)


def _sampled(written: Sequence[_Written]) -> Sampled:
    prompt = max((one.last.prompt_tokens for one in written if one.last), default=0)
    return Sampled([one.answer for one in written], prompt)


async def _ratings(endpoint: Endpoint, ask: Ask, written: Sequence[_Written], drawn: Drawn) -> list[Rating]:
    try:
        return await rate(endpoint, ask, [one.answer for one in written], drawn)
    except ServiceError as problem:  # the text is sent already: what is missing is its score
        return [Rating(None, None, None, str(problem))] * len(written)


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
