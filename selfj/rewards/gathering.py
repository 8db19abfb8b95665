"""Answers that come one at a time are judged together: those of one instruction in one request."""

import asyncio
from collections.abc import Sequence

from selfj.rewards.answers import Answer, Judged
from selfj.rewards.client import AsyncJudgeClient
from selfj.rewards.settings import RewardSettings

Waiting = tuple[Answer, "asyncio.Future[Judged]"]


class GatheringClient:
    """Collects what is asked within `wait_s` seconds of the first, then asks for all of it; within one event loop."""

    def __init__(self, settings: RewardSettings, wait_s: float = 0.01) -> None:
        self.client = AsyncJudgeClient(settings)
        self.wait_s = wait_s
        self._waiting: list[Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def judge(self, answer: Answer) -> Judged:
        """The judgement of one answer. Raises RewardError."""
        judged: asyncio.Future[Judged] = asyncio.get_running_loop().create_future()
        self._waiting.append((answer, judged))
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._ask_soon())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await judged

    async def _ask_soon(self) -> None:
        await asyncio.sleep(self.wait_s)
        waiting, self._waiting = self._waiting, []
        try:
            judgements = await self.client.judge([answer for answer, _ in waiting])
        except BaseException as problem:
            _fail(waiting, problem)
            if not isinstance(problem, Exception):
                raise
        else:
            for (_, judged), judgement in zip(waiting, judgements, strict=True):
                if not judged.done():
                    judged.set_result(judgement)


def _fail(waiting: Sequence[Waiting], problem: BaseException) -> None:
    for _, judged in waiting:
        if not judged.done():
            judged.set_exception(problem)
