"""Stand-ins for Ray Serve's handles and what they return."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace


@dataclass
class Response:
    """What a handle returns: awaited, it gives the next of `results`; iterated, the pieces of it."""

    result: object
    delay_s: float = 0
    cancelled: bool = False

    def __await__(self):
        return self._result().__await__()

    async def _result(self):
        await asyncio.sleep(self.delay_s)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    async def __anext__(self):
        await asyncio.sleep(self.delay_s)
        if isinstance(self.result, BaseException):
            raise self.result
        if not self.result:
            raise StopAsyncIteration
        piece = self.result.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def cancel(self):
        self.cancelled = True


@dataclass
class Handle:
    """A deployment handle; `results` are values, or functions of the arguments, one for each call."""

    results: list
    delay_s: float = 0
    responses: list[Response] = field(default_factory=list)
    calls: list[tuple] = field(default_factory=list)
    told: list[tuple] = field(default_factory=list)
    """What all replicas were called for."""

    def options(self, stream):
        assert stream
        return self

    def broadcast(self, method, *arguments):
        self.told.append((method, *arguments))
        return SimpleNamespace(results_async=_nothing)

    def __getattr__(self, method):
        return _Method(self, method)


async def _nothing():
    return []


@dataclass
class _Method:
    handle: Handle
    name: str

    def remote(self, *arguments):
        self.handle.calls.append((self.name, *arguments))
        result = self.handle.results.pop(0) if len(self.handle.results) > 1 else self.handle.results[0]
        response = Response(result(*arguments) if callable(result) else result, self.handle.delay_s)
        self.handle.responses.append(response)
        return response


@dataclass
class Standing:
    """Stands for Replicas."""

    there: bool = True

    def lost(self):
        pass

    async def any(self):
        return self.there

    async def running(self):
        return self.there
