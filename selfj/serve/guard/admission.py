"""How many requests an ingress works on at the same time, and how many may wait for that: the next one gets 503 with Retry-After.

Ray Serve could bound both, but answers in plain text, and turns away who only asks for health.
"""

import asyncio
import json
from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selfj.serve.errors import error_body, service_error_response
from selfj.serve.guard.base import Guard
from selfj.serve.guard.headers import RAW_SECURITY
from selfj.serve.guard.keys import OPEN
from selfj.serve.observe.metrics import Metrics
from selfj.serve.services import Overloaded

FULL = "too many requests wait already"


class Places:
    """Requests in work and those that wait for that, in the order they came.

    Args:
        at_once: requests in work.
        waiting: requests that may wait; below 0: no bound.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._waiting, self._most_waiting = 0, waiting

    @property
    def full(self) -> bool:
        """Whether the next request could not even wait."""
        return self._free.locked() and 0 <= self._most_waiting <= self._waiting

    async def taken(self, seconds: float) -> bool:
        """Take a place, or False if there is none within `seconds`."""
        if not self._free.locked():
            return await self._free.acquire()
        if self.full:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                return await self._free.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()


class Admission(Guard):
    """Lets requests in. Stands behind the keys, so that nobody without one takes a place.

    Args:
        app: what is guarded.
        places: how many there are.
        seconds: longest wait.
        open_paths: paths that are never held up.
    """

    def __init__(self, app: ASGIApp, places: Places, seconds: float, open_paths: Sequence[str] = OPEN) -> None:
        super().__init__(app)
        self._places, self._seconds, self._open = places, seconds, frozenset(open_paths)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        if scope["path"] in self._open:
            await self._app(scope, receive, send)
        elif await self._places.taken(self._seconds):
            try:
                await self._app(scope, receive, send)
            finally:
                self._places.leave()
        else:
            await service_error_response(Overloaded(FULL))(scope, receive, send)


class TurnAway(Guard):
    """Outermost: refuses while all places are taken, before anything is read, checked, routed or logged, with bytes made once.

    An ingress that is asked for more than it can do should not spend the engines' cores on saying so.

    Args:
        app: what is guarded.
        places: those that `Admission` gives.
        metrics: counts who is turned away.
        open_paths: paths that are never held up.
    """

    def __init__(self, app: ASGIApp, places: Places, metrics: Metrics, open_paths: Sequence[str] = OPEN) -> None:
        super().__init__(app)
        self._places, self._metrics, self._open = places, metrics, frozenset(open_paths)
        self._start, self._body = _refusal()

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if not self._places.full or scope["path"] in self._open:
            await self._app(scope, receive, send)
            return
        self._metrics.turned_away()
        await send(dict(self._start))
        await send(dict(self._body))


def _refusal() -> tuple[Message, Message]:
    body = json.dumps(error_body(Overloaded.status, FULL, "overloaded_error")).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(Overloaded.retry_after_s).encode()),
        *RAW_SECURITY,
    ]
    start = {"type": "http.response.start", "status": Overloaded.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}
