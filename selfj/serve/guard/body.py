"""Bodies are read whole before anything else happens: none is longer, and none takes longer, than is allowed."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selfj.serve.errors import error_response
from selfj.serve.guard.base import Guard


class LimitBody(Guard):
    """413 for a body that is too long, declared or not; 408 for one that does not come.

    Args:
        app: what is guarded.
        limit: longest body in bytes.
        seconds: longest time that it may take.
    """

    def __init__(self, app: ASGIApp, limit: int, seconds: float) -> None:
        super().__init__(app)
        self._limit, self._seconds = limit, seconds

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        try:
            _check_length(Headers(scope=scope).get("content-length", "0"), self._limit)
            async with asyncio.timeout(self._seconds):
                body = await _read(receive, self._limit)
        except _TooLong:
            refusal = error_response(413, f"body: at most {self._limit} bytes", "invalid_request_error", "body")
        except TimeoutError:
            refusal = error_response(408, f"body: did not come within {self._seconds:g} s", "timeout_error", "body")
        except _Gone:
            return
        else:
            await self._app(scope, _Replay(body, receive), send)
            return
        await refusal(scope, receive, send)


class _TooLong(Exception):
    """The body is longer than allowed."""


class _Gone(Exception):
    """The client went away while it sent the body."""


class _Replay:
    """Gives the body as one message, then what else comes: that the client has gone."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _check_length(declared: str, limit: int) -> None:
    if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
        raise _TooLong


async def _read(receive: Receive, limit: int) -> bytes:
    body = bytearray()  # not a list: a million pieces of one byte would take sixty times as much
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > limit:
            raise _TooLong
        if not message.get("more_body", False):
            return bytes(body)
