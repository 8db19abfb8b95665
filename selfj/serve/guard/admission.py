"""How many requests an ingress works on at the same time, and how many may wait for that: the next one gets 503 with Retry-After.

Ray Serve could bound both, but answers in plain text, before any key was asked for, and turns away who only asks for health.
"""

import asyncio
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from selfj.serve.errors import service_error_response
from selfj.serve.guard.base import Guard
from selfj.serve.guard.keys import OPEN
from selfj.serve.services import Overloaded


class Admission(Guard):
    """Lets requests in, in the order they came. Stands behind the keys, so that nobody without one takes a place.

    Args:
        app: what is guarded.
        at_once: requests in work.
        waiting: requests that may wait; below 0: no bound.
        seconds: longest wait.
        open_paths: paths that are never held up.
    """

    def __init__(self, app: ASGIApp, at_once: int, waiting: int, seconds: float, open_paths: Sequence[str] = OPEN) -> None:
        super().__init__(app)
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0
        self._most_waiting, self._seconds, self._open = waiting, seconds, frozenset(open_paths)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        if scope["path"] in self._open:
            await self._app(scope, receive, send)
        elif await self._admitted():
            try:
                await self._app(scope, receive, send)
            finally:
                self._free.release()
        else:
            await service_error_response(Overloaded("too many requests wait already"))(scope, receive, send)

    async def _admitted(self) -> bool:
        if not self._free.locked():
            return await self._free.acquire()
        if 0 <= self._most_waiting <= self._waiting:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                return await self._free.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
