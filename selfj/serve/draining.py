"""Finishing what has begun before the endpoint stops: the ingress lets nothing new in, while the engines are still there."""

import asyncio
import time
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from selfj.serve.errors import error_response
from selfj.serve.services import Unavailable

LOOP_S = 0.05


class Drain:
    """ASGI middleware that counts requests, and turns new ones away once `close` has been called."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way = 0
        self._closing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or answer 503 with Retry-After."""
        if scope["type"] != "http":  # the application's own life, which ends after this
            await self._app(scope, receive, send)
            return
        if self._closing:
            wait = {"Retry-After": str(Unavailable.retry_after_s), "Connection": "close"}
            await error_response(503, "the endpoint is being stopped", "overloaded_error", headers=wait)(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    async def close(self, limit_s: float) -> int:
        """Let nothing new in and wait until all is finished, `limit_s` seconds at most; how many requests are left then."""
        self._closing = True
        deadline = time.monotonic() + limit_s
        while self._under_way and time.monotonic() < deadline:
            await asyncio.sleep(LOOP_S)
        return self._under_way


def drain(application: str, ingress: str, limit_s: float) -> int:
    """Close all replicas of an application's ingress; how many requests they have left behind. For who stops the endpoint."""
    loop = asyncio.new_event_loop()  # stays open: Ray Serve closes its handle there when it is shut down
    return sum(loop.run_until_complete(_close_all(application, ingress, limit_s)))


async def _close_all(application: str, ingress: str, limit_s: float) -> list[Any]:
    from ray import serve

    handle = serve.get_deployment_handle(ingress, app_name=application)
    found: list[Any] = await handle.broadcast("drain", limit_s).results_async()
    return found
