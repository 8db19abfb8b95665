"""A vLLM engine that many coroutines ask at the same time: one thread of this process steps it.

The thread is in the process of its Ray Serve replica, so a replica that is killed leaves no engine behind, and there is no second
process between a request and the scheduler (docs/results.md has both ways measured).
"""

import asyncio
import itertools
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from selfj.engine import Engine
from selfj.serve.services import Unavailable

Sink = Callable[[Any], None]
"""Gets vLLM's outputs of one request, or the exception that ended it; called in the event loop."""

SWITCH_S = 0.0005
"""Longest wait of the engine's thread for Python's lock while the event loop computes (Python's own: 0.005)."""


@dataclass(frozen=True)
class _Request:
    key: str
    prompt: list[int]
    parameters: Any
    adapted: bool
    sink: Sink
    loop: asyncio.AbstractEventLoop


class ServedEngine:
    """One engine, asked from asyncio.

    Args:
        build: makes the engine; called in the thread that will step it.

    Raises what `build` raises.
    """

    def __init__(self, build: Callable[[], Engine]) -> None:
        sys.setswitchinterval(SWITCH_S)
        self._inbox: SimpleQueue[_Request | str | None] = SimpleQueue()
        self._keys = map(str, itertools.count())
        self._problem: BaseException | None = None
        self._built = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(build,), name="engine", daemon=True)
        self._thread.start()
        self._built.wait()
        if self._problem is not None:
            raise self._problem

    engine: Engine
    """What was built: its tokenizer, its context length, its adapter."""

    def check(self) -> None:
        """Raise Unavailable if the engine has failed; it does not recover."""
        if self._problem is not None or not self._thread.is_alive():
            raise Unavailable("the engine has stopped")

    def close(self) -> None:
        """Stop the thread; what is under way gets Unavailable."""
        self._inbox.put(None)
        self._thread.join(timeout=10)

    async def generate(self, prompts: Sequence[list[int]], parameters: Sequence[Any], adapted: bool = False) -> list[Any]:
        """Finished outputs of all prompts, in order. Cancelling it takes them out of the engine."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in prompts]
        sinks = [_resolver(future) for future in futures]
        keys = self._ask(loop, prompts, parameters, adapted, sinks)
        try:
            return [await future for future in futures]
        finally:
            self._abort(key for key, future in zip(keys, futures, strict=True) if not future.done() or future.cancelled())
            _forget(futures)

    async def stream(
        self, prompts: Sequence[list[int]], parameters: Sequence[Any], adapted: bool = False
    ) -> AsyncIterator[tuple[int, Any]]:
        """Outputs as they come, each with its prompt's place, until all prompts are finished. Closing it cancels the rest."""
        outputs: asyncio.Queue[tuple[int, Any]] = asyncio.Queue()
        sinks = [_putter(outputs, place) for place in range(len(prompts))]
        keys = self._ask(asyncio.get_running_loop(), prompts, parameters, adapted, sinks)
        unfinished = dict(enumerate(keys))
        try:
            while unfinished:
                place, output = await outputs.get()
                if isinstance(output, BaseException):
                    raise output
                if output.finished:
                    del unfinished[place]
                yield place, output
        finally:
            self._abort(unfinished.values())

    def _ask(
        self,
        loop: asyncio.AbstractEventLoop,
        prompts: Sequence[list[int]],
        parameters: Sequence[Any],
        adapted: bool,
        sinks: Sequence[Sink],
    ) -> list[str]:
        keys = [next(self._keys) for _ in prompts]
        for request in zip(keys, prompts, parameters, sinks, strict=True):
            key, prompt, how, sink = request
            self._inbox.put(_Request(key, prompt, how, adapted, sink, loop))
        self.check()  # once more: a thread that ended just now has not seen them
        return keys

    def _abort(self, keys: Any) -> None:
        for key in keys:
            self._inbox.put(key)

    def _run(self, build: Callable[[], Engine]) -> None:
        waiting: dict[str, _Request] = {}
        try:
            self.engine = build()
            self._built.set()
            core = self.engine.core
            while self._take(core, waiting):
                _deliver(core.step(), waiting)
        except BaseException as problem:
            self._problem = problem
        else:
            self._problem = Unavailable("the engine is being stopped")
        self._built.set()
        _fail([*waiting.values(), *self._left()], Unavailable("the engine has stopped"))

    def _left(self) -> list[_Request]:
        found = []
        while not self._inbox.empty():
            item = self._inbox.get()
            found += [item] if isinstance(item, _Request) else []
        return found

    def _take(self, core: Any, waiting: dict[str, _Request]) -> bool:
        """Hand new requests and cancellations to vLLM; wait for some if it has nothing to do. False: to be stopped."""
        try:
            item = self._inbox.get(block=not core.has_unfinished_requests())
            while item is not None:
                if isinstance(item, str):
                    if waiting.pop(item, None) is not None:
                        core.abort_request([item])
                else:
                    self._add(core, item, waiting)
                item = self._inbox.get(block=not core.has_unfinished_requests())
        except Empty:
            return True
        return False

    def _add(self, core: Any, request: _Request, waiting: dict[str, _Request]) -> None:
        try:
            prompt = {"type": "token", "prompt_token_ids": request.prompt}
            core.add_request(request.key, prompt, request.parameters, lora_request=self.engine.lora if request.adapted else None)
        except Exception as problem:  # vLLM refuses this request; the others go on
            _fail([request], problem)
        else:
            waiting[request.key] = request


def _deliver(outputs: Sequence[Any], waiting: dict[str, _Request]) -> None:
    """Give one step's outputs to their requests' event loops, one call for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Sink, Any]]] = {}
    for output in outputs:
        request = waiting.pop(output.request_id, None) if output.finished else waiting.get(output.request_id)
        if request is not None:
            by_loop.setdefault(request.loop, []).append((request.sink, output))
    for loop, results in by_loop.items():
        loop.call_soon_threadsafe(_sink_all, results)


def _fail(requests: Any, problem: BaseException) -> None:
    for request in requests:
        request.loop.call_soon_threadsafe(request.sink, problem)


def _sink_all(results: Sequence[tuple[Sink, Any]]) -> None:
    for sink, output in results:
        sink(output)


def _resolver(future: "asyncio.Future[Any]") -> Sink:
    def resolve(output: Any) -> None:
        if future.done():
            return
        if isinstance(output, BaseException):
            future.set_exception(output)
        elif output.finished:
            future.set_result(output)

    return resolve


def _putter(outputs: "asyncio.Queue[tuple[int, Any]]", place: int) -> Sink:
    return lambda output: outputs.put_nowait((place, output))


def _forget(futures: Sequence["asyncio.Future[Any]"]) -> None:
    """Take exceptions nobody waits for any more, so that asyncio does not report them as lost."""
    for future in futures:
        if not future.cancel() and not future.cancelled():
            future.exception()
