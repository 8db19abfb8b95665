"""The services of the endpoint over Ray Serve handles: what can go wrong on the way, said in the services' own errors.

A call whose replica dies is made once more on another one: nothing of it has reached the client, and its seeds are in it.
"""

import asyncio
import contextlib
import contextvars
import itertools
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from grpc.aio import AioRpcError
from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, RayServeException, ReplicaUnavailableError

from selfj.rating import Question
from selfj.selfjudge.pairs import Pair
from selfj.serve.replicas import Replicas
from selfj.serve.services import Compared, Overloaded, PromptRefused, Rated, ServiceError, Unavailable

ATTEMPTS = 3
PAUSE_S = 0.1
"""Between two attempts."""
PATIENCE_S = 2.0
"""How long a call waits before it looks whether there is any replica at all."""
QUESTIONS = 32
"""Questions of one call to a judge at the most; so many that wait do not wait for another call to come back."""

FEW = 4
"""Fewer questions are not worth a call of their own while another is under way: it, and a step of the engine, cost as much."""


class _EngineStopped(Exception):
    """The replica is still there, its engine is not."""


class ReplicaLost(Unavailable):
    """A replica ended when it had given some of its pieces."""


CALLS = 2
"""Calls to each replica of a judge that are under way before further questions wait: it works on one while the ingress reads
what goes into the next."""
LOST = (RayActorError, ReplicaUnavailableError, AioRpcError, _EngineStopped)
"""The replica died, or could not be reached, or cannot go on."""


@dataclass(frozen=True)
class Refusal:
    """A PromptRefused as a value: across processes an exception would keep its text only."""

    message: str
    field: str


class Calls:
    """Calls of one deployment's methods."""

    def __init__(self, handle: Any, replicas: Replicas) -> None:
        self._handle = handle
        self._replicas = replicas

    async def ask(self, method: str, *arguments: Any) -> Any:
        """One call's value. Raises ServiceError or PromptRefused; cancelling it cancels the work."""
        for _ in range(ATTEMPTS):
            try:
                return _value(await self._answer(getattr(self._handle, method).remote(*arguments)))
            except LOST:
                self._replicas.lost()
                await asyncio.sleep(PAUSE_S)
            except BackPressureError:
                raise Overloaded("too many requests wait for the model already") from None
            except DeploymentUnavailableError:
                raise Unavailable("the model is not there") from None
        raise Unavailable("the model's replicas ended while they worked on the request")

    async def pieces(self, method: str, *arguments: Any) -> AsyncIterator[Any]:
        """The values of one streaming call; it is made once more only while nothing has come."""
        for attempt in range(ATTEMPTS):
            response = getattr(self._handle.options(stream=True), method).remote(*arguments)
            begun = False
            try:
                while True:
                    piece = await self._watched(response.__anext__())
                    begun = True
                    yield _value(piece)
            except StopAsyncIteration:
                return
            except LOST:
                self._replicas.lost()
                if begun or attempt + 1 == ATTEMPTS:
                    ended = ReplicaLost if begun else Unavailable
                    raise ended("the model's replica ended while it worked on the request") from None
                await asyncio.sleep(PAUSE_S)
            except BackPressureError:
                raise Overloaded("too many requests wait for the model already") from None
            except DeploymentUnavailableError:
                raise Unavailable("the model is not there") from None
            finally:
                response.cancel()

    async def tell(self, method: str, *arguments: Any) -> None:
        """Call all replicas; whoever cannot be told is not."""
        with contextlib.suppress(RayError, RayServeException):
            await self._handle.broadcast(method, *arguments).results_async()

    async def ready(self) -> bool:
        """Whether there is a replica that runs."""
        return await self._replicas.running()

    async def _answer(self, response: Any) -> Any:
        done = False
        try:
            value = await self._watched(response)
            done = True
            return value
        finally:
            if not done:
                response.cancel()

    async def _watched(self, response: Any) -> Any:
        """What comes; Unavailable if it takes a while and there is no replica that it could come from."""
        task = asyncio.ensure_future(_awaited(response))
        task.add_done_callback(_seen)
        try:
            while not (await asyncio.wait({task}, timeout=PATIENCE_S))[0]:
                if not await self._replicas.any():
                    raise Unavailable("the model is being started; try again in a moment")
            return task.result()
        finally:
            task.cancel()


class PairJudgeClient:
    """A model that compares answers, behind a handle."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def compare(self, pairs: Sequence[Pair], request_id: str) -> Compared:
        """One verdict per pair: a round of tournaments is one call."""
        compared: Compared = await self._calls.ask("compare", pairs, request_id)
        return compared

    async def ready(self) -> bool:
        """Whether it can compare now."""
        return await self._calls.ready()


@dataclass
class _Waiting:
    """One request's questions, until a call takes them."""

    questions: Sequence[Question]
    rated: "asyncio.Future[Rated]"


class JudgeClient:
    """A judge behind a handle. Requests that come while calls are under way share the next ones, evenly.

    Args:
        calls: of the judge's deployment.
        room: requests that may be under way or wait; above it they are turned away. Below 0: no bound.
        replicas: of the deployment, at the least.
    """

    def __init__(self, calls: Calls, room: int, replicas: int = 1) -> None:
        self._calls = calls
        self._room = room
        self._most_calls = CALLS * replicas
        self._outstanding = 0
        self._under_way: list[int] = []
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def rate(self, questions: Sequence[Question], request_id: str) -> Rated:
        """One rating per question; one that cannot be made is null with a reason."""
        if 0 <= self._room <= self._outstanding:
            raise Overloaded("too many requests wait for the judge already")
        self._outstanding += 1
        try:
            parts = [questions[start : start + QUESTIONS] for start in range(0, len(questions), QUESTIONS)]
            return _joined(await asyncio.gather(*map(self._rate, parts)))
        finally:
            self._outstanding -= 1

    async def ready(self) -> bool:
        """Whether it can judge now."""
        return await self._calls.ready()

    async def _rate(self, questions: Sequence[Question]) -> Rated:
        waiting = _Waiting(questions, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._send_on()
        return await waiting.rated

    def _send_on(self) -> None:
        """Send what waits, if it is a fair share of all that is asked, or if nothing is under way.

        Sent at once, the first of many would travel alone, and the others together after it: the judge idle, then overrun.
        """
        self._waiting = [item for item in self._waiting if not item.rated.done()]
        while self._waiting and self._is_due(_size(self._waiting)):
            self._send(self._next(min(math.ceil(self._share()), QUESTIONS)))

    def _is_due(self, waiting: int) -> bool:
        free = len(self._under_way) < self._most_calls
        return not self._under_way or waiting >= QUESTIONS or (free and waiting >= int(self._share()))

    def _share(self) -> float:
        """Questions of one call, if all that are asked go evenly into as many as may be under way, but not into tiny ones."""
        return max(FEW, (_size(self._waiting) + sum(self._under_way)) / self._most_calls)

    def _next(self, most: int) -> list[_Waiting]:
        """The first that wait, with `most` questions together, or the first alone if it has more."""
        sizes = itertools.accumulate(len(item.questions) for item in self._waiting)
        count = max(1, sum(size <= most for size in sizes))
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch

    def _send(self, batch: Sequence[_Waiting]) -> None:
        """One call. It belongs to none of its requests: Ray cancels what a cancelled request has asked."""
        self._under_way.append(_size(batch))
        task = contextvars.Context().run(asyncio.ensure_future, self._call(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        for item in batch:
            item.rated.add_done_callback(lambda _: None if _wanted(batch) else task.cancel())

    async def _call(self, batch: Sequence[_Waiting]) -> None:
        try:
            rated = await self._calls.ask("rate_each", [item.questions for item in batch])
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            _answer_all(batch, [problem] * len(batch))
        else:
            _answer_all(batch, rated)
        finally:
            self._under_way.remove(_size(batch))
            self._send_on()


def _answer_all(batch: Sequence[_Waiting], results: Sequence[Rated | Exception]) -> None:
    for item, result in zip(batch, results, strict=True):
        if item.rated.done():
            continue
        if isinstance(result, Exception):
            item.rated.set_exception(result)
        else:
            item.rated.set_result(result)


def _size(batch: Sequence[_Waiting]) -> int:
    return sum(len(item.questions) for item in batch)


def _wanted(batch: Sequence[_Waiting]) -> bool:
    return any(not item.rated.cancelled() for item in batch)


def _joined(parts: Sequence[Rated]) -> Rated:
    if len(parts) == 1:
        return parts[0]
    ratings = [rating for part in parts for rating in part.ratings]
    return Rated(ratings, sum(part.prompt_tokens for part in parts), sum(part.cached_tokens for part in parts))


def _seen(task: "asyncio.Task[Any]") -> None:
    """A call that was given up may end in an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


async def _awaited(response: Any) -> Any:
    """What comes. A ServiceError of the replica itself may have a stack trace as its text, which no client may see."""
    try:
        return await response
    except ServiceError:
        raise _EngineStopped from None


def _value(value: Any) -> Any:
    if isinstance(value, Refusal):
        raise PromptRefused(value.message, value.field)
    return value
