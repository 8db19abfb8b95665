"""The engine's thread: with a stand-in for vLLM that computes one word of every request in each step."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from selfj.serve.engine import ServedEngine
from selfj.serve.services import Unavailable


@dataclass
class StandIn:
    """What vLLM's LLMEngine does, as far as it is asked: a request's parameters are how many steps it takes."""

    open: dict[str, list[int]] = field(default_factory=dict)
    aborted: list[str] = field(default_factory=list)
    adapters: list[object] = field(default_factory=list)
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(10_000))
    steps: int = 0
    fails_at: int = -1

    def has_unfinished_requests(self):
        return bool(self.open)

    def add_request(self, key, prompt, parameters, lora_request):
        if parameters > 100:
            raise ValueError("too many steps")
        self.adapters.append(lora_request)
        self.open[key] = [0, parameters, prompt["prompt_token_ids"][0]]

    def abort_request(self, keys):
        self.aborted += keys
        for key in keys:
            del self.open[key]

    def step(self):
        self.gate.acquire(timeout=10)
        self.steps += 1
        if self.steps == self.fails_at:
            raise MemoryError("no room")
        outputs = []
        for key, state in list(self.open.items()):
            state[0] += 1
            if state[0] == state[1]:
                del self.open[key]
            outputs.append(SimpleNamespace(request_id=key, finished=state[0] == state[1], prompt=state[2], step=state[0]))
        return outputs


@contextlib.contextmanager
def engine_over(core: StandIn):
    engine = ServedEngine(lambda: SimpleNamespace(core=core, lora="adapter"))
    try:
        yield engine
    finally:
        engine.close()


def test_prompts_asked_together_come_back_in_their_order() -> None:
    with engine_over(StandIn()) as engine:
        outputs = asyncio.run(engine.generate([[7], [8], [9]], [5, 1, 3]))
    assert [output.prompt for output in outputs] == [7, 8, 9]
    assert [output.step for output in outputs] == [5, 1, 3]


def test_many_coroutines_share_the_engines_steps() -> None:
    core = StandIn()

    async def ask(engine):
        return await asyncio.gather(*(engine.generate([[number]], [4]) for number in range(50)))

    with engine_over(core) as engine:
        answers = asyncio.run(ask(engine))
    assert [output.prompt for (output,) in answers] == list(range(50))
    assert core.steps < 50


def test_only_adapted_requests_carry_the_adapter() -> None:
    core = StandIn()

    async def ask(engine):
        await engine.generate([[1]], [1], adapted=True)
        await engine.generate([[1]], [1])

    with engine_over(core) as engine:
        asyncio.run(ask(engine))
    assert core.adapters == ["adapter", None]


def test_a_cancelled_request_leaves_the_engine() -> None:
    core = StandIn(gate=threading.Semaphore(1))

    async def ask(engine):
        task = asyncio.ensure_future(engine.generate([[1], [2]], [50, 1]))
        while not core.steps:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        core.gate.release(1000)
        return await engine.generate([[3]], [2])

    with engine_over(core) as engine:
        (after,) = asyncio.run(ask(engine))
    assert after.prompt == 3
    assert "0" in core.aborted  # on a busy machine the other one, finished just before, may be among them


def test_a_stream_that_is_closed_leaves_the_engine() -> None:
    core = StandIn(gate=threading.Semaphore(1))

    async def ask(engine):
        stream = engine.stream([[1]], [90])
        _, first = await anext(stream)
        await stream.aclose()
        core.gate.release(1000)
        await engine.generate([[2]], [2])
        return first

    with engine_over(core) as engine:
        assert asyncio.run(ask(engine)).step == 1
    assert core.aborted == ["0"] and not core.open


def test_a_stream_ends_with_its_last_prompt() -> None:
    async def ask(engine):
        return [(place, output.step) async for place, output in engine.stream([[1], [2]], [3, 1])]

    with engine_over(StandIn()) as engine:
        pieces = asyncio.run(ask(engine))
    assert sorted(pieces) == [(0, 1), (0, 2), (0, 3), (1, 1)]


def test_a_request_that_vllm_refuses_does_not_disturb_the_others() -> None:
    async def ask(engine):
        return await asyncio.gather(engine.generate([[1]], [101]), engine.generate([[2]], [3]), return_exceptions=True)

    with engine_over(StandIn()) as engine:
        refused, answered = asyncio.run(ask(engine))
    assert isinstance(refused, ValueError) and answered[0].prompt == 2


def test_an_engine_that_fails_says_so_to_all_that_wait_and_to_all_that_come() -> None:
    async def ask(engine):
        waiting = await asyncio.gather(*(engine.generate([[1]], [9]) for _ in range(3)), return_exceptions=True)
        with pytest.raises(Unavailable):
            await engine.generate([[1]], [1])
        return waiting

    engine = ServedEngine(lambda: SimpleNamespace(core=StandIn(fails_at=2)))
    assert [type(problem) for problem in asyncio.run(ask(engine))] == [Unavailable] * 3
    with pytest.raises(Unavailable):
        engine.check()


def test_what_waits_when_the_engine_is_closed_is_told() -> None:
    core = StandIn(gate=threading.Semaphore(0))

    async def ask(engine):
        task = asyncio.ensure_future(engine.generate([[1]], [9]))
        await asyncio.sleep(0.01)
        closing = asyncio.to_thread(engine.close)
        core.gate.release(100)
        await closing
        with contextlib.suppress(Unavailable):
            await task
        return task

    assert asyncio.run(ask(ServedEngine(lambda: SimpleNamespace(core=core, lora=None)))).done()


def test_an_engine_that_cannot_be_built_says_why() -> None:
    def build():
        raise ValueError("no such model")

    with pytest.raises(ValueError, match="no such model"):
        ServedEngine(build)
