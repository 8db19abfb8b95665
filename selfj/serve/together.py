"""Several requests of one call to a replica: each is given back as soon as it is finished, and can be ended by itself."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any

PAUSE_S = 0.01
"""How long what is finished waits for what finishes next: an engine that answers one is often about to answer another."""


class Together:
    """Requests in work, by their keys."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def forget(self, key: str) -> None:
        """End one request; nothing is given back for it."""
        if key in self._tasks:
            self._tasks[key].cancel()

    async def run(self, work: Mapping[str, Coroutine[Any, Any, Any]]) -> AsyncGenerator[dict[str, Any], None]:
        """What is finished, by key, until all are. Raises what the first of them raises; the others end with it."""
        started = {key: asyncio.ensure_future(one) for key, one in work.items()}
        self._tasks |= started
        tasks = dict(started)
        try:
            while tasks:
                await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
                if len(tasks) > 1:
                    await asyncio.sleep(PAUSE_S)
                done = {key: tasks.pop(key) for key in [key for key, task in tasks.items() if task.done()]}
                yield {key: task.result() for key, task in done.items() if not task.cancelled()}
        finally:
            for key, task in started.items():
                self._end(key, task)

    def _end(self, key: str, task: "asyncio.Task[Any]") -> None:
        task.cancel()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # told once already, or of no interest
        if self._tasks.get(key) is task:
            del self._tasks[key]
