"""A policy behind a Ray Serve handle: requests that come close together share a call, and each is answered as soon as it is done.

A call of Ray Serve's costs several milliseconds of both processes, on the cores that the engines need.
"""

import asyncio
import contextvars
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from selfj.serve.clients import ATTEMPTS, PAUSE_S, Calls, Refusal, ReplicaLost
from selfj.serve.services import Delta, Overloaded, PromptRefused, SampleCall, Sampled, Unavailable

CALLS_TOGETHER = 4
"""Requests of one call at the most."""
USUALLY_TOGETHER = 2
"""Requests of one call where autoscaling matters."""
GATHER_S = 0.01
"""How long a request waits for others while calls are under way; it takes tens of times as long itself."""


@dataclass
class _Asked:
    """One request, until it is answered."""

    call: SampleCall
    answered: "asyncio.Future[Sampled]"
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


class PolicyClient:
    """A policy behind a handle.

    Args:
        calls: of the policy's deployment.
        room: requests that may be under way or wait; above it they are turned away. Below 0: no bound.
    """

    def __init__(self, calls: Calls, room: int = -1) -> None:
        self._calls = calls
        self._room = room
        self._outstanding = 0
        self._waiting: list[_Asked] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def sample(self, call: SampleCall) -> Sampled:
        """All answers, when the last is finished."""
        if 0 <= self._room <= self._outstanding:
            raise Overloaded("too many requests wait for the model already")
        asked = _Asked(call, asyncio.get_running_loop().create_future())
        self._outstanding += 1
        try:
            self._waiting.append(asked)
            self._plan()
            return await asked.answered
        finally:
            self._outstanding -= 1

    async def stream(self, call: SampleCall) -> AsyncIterator[Delta]:
        """Pieces as they come."""
        async for delta in self._calls.pieces("stream", call):
            yield delta

    async def ready(self) -> bool:
        """Whether it can answer now."""
        return await self._calls.ready()

    def _plan(self) -> None:
        if not self._tasks or len(self._waiting) >= CALLS_TOGETHER:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._send)

    def _send(self) -> None:
        """One call for all that wait. It belongs to none of its requests: Ray cancels what a cancelled request has asked."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._waiting = _unanswered(self._waiting), []
        if batch:
            task = self._start(self._call(batch))
            for asked in batch:
                asked.answered.add_done_callback(partial(self._given_up, asked, batch, task))

    def _given_up(self, asked: _Asked, batch: Sequence[_Asked], call: "asyncio.Task[None]", _: object) -> None:
        """Whoever does not wait any more ends his part of the call, or the call if he was the last."""
        if not asked.answered.cancelled():
            return
        if _unanswered(batch):
            self._start(self._calls.tell("forget", asked.key))
        else:
            call.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = contextvars.Context().run(asyncio.ensure_future, work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _call(self, batch: Sequence[_Asked]) -> None:
        try:
            await self._answer(batch)
        except Exception as problem:
            for asked in _unanswered(batch):
                asked.answered.set_exception(problem)

    async def _answer(self, batch: Sequence[_Asked]) -> None:
        """Ask for all; where the replica ends on the way, another one for what is left."""
        for _ in range(ATTEMPTS):
            left = _unanswered(batch)
            if not left:
                return
            try:
                await self._ask(left)
            except ReplicaLost:
                await asyncio.sleep(PAUSE_S)
        if _unanswered(batch):
            raise Unavailable("the model's replicas ended while they worked on the request")

    async def _ask(self, left: Sequence[_Asked]) -> None:
        pieces = self._calls.pieces("sample_each", {asked.key: asked.call for asked in left})
        by_key = {asked.key: asked for asked in left}
        async with aclosing(cast(AsyncGenerator[dict[str, Sampled | Refusal], None], pieces)) as answers:
            async for finished in answers:
                for key, answer in finished.items():
                    _give(by_key[key], answer)


def _give(asked: _Asked, answer: Sampled | Refusal) -> None:
    if asked.answered.done():
        return
    if isinstance(answer, Refusal):
        asked.answered.set_exception(PromptRefused(answer.message, answer.field))
    else:
        asked.answered.set_result(answer)


def _unanswered(batch: Sequence[_Asked]) -> list[_Asked]:
    return [asked for asked in batch if not asked.answered.done()]
