"""A request ends when its time is up or its client has gone, and its work with it."""

import asyncio
import json

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selfj.serve.errors import error_body, error_response
from selfj.serve.guard.base import Guard


class Deadline(Guard):
    """cancels a request's work after `seconds` (504), or when its client goes away.

    A stream of server-sent events that has begun ends with the error as its last event. Expects the whole body in the first
    message (LimitBody).
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        super().__init__(app)
        self._seconds = seconds

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request as long as it may take."""
        exchange = _Exchange(await receive(), send)
        try:
            async with asyncio.timeout(self._seconds) as limit:
                watch = asyncio.create_task(exchange.watch(receive, limit))
                try:
                    await self._app(scope, exchange.receive, exchange.send)
                finally:
                    watch.cancel()
        except TimeoutError:
            if not limit.expired():
                raise
            if not exchange.gone.is_set():
                await self._end(exchange, scope, receive, send)

    async def _end(self, exchange: "_Exchange", scope: Scope, receive: Receive, send: Send) -> None:
        message = f"the request took longer than {self._seconds:g} s and was cancelled"
        if not exchange.begun:
            await error_response(504, message, "timeout_error")(scope, receive, send)
        elif not exchange.ended:
            event = f"data: {json.dumps(error_body(504, message, 'timeout_error'))}\n\n" if exchange.is_event_stream else ""
            await send({"type": "http.response.body", "body": event.encode()})


class _Exchange:
    """What has passed between client and application."""

    def __init__(self, body: Message, send: Send) -> None:
        self._body: Message | None = body
        self._send = send
        self.gone = asyncio.Event()
        self.begun = self.ended = self.is_event_stream = False

    async def watch(self, receive: Receive, limit: asyncio.Timeout) -> None:
        """Let the time be up as soon as the client has gone."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()
        if not self.ended:
            limit.reschedule(asyncio.get_running_loop().time())

    async def receive(self) -> Message:
        """The body, then nothing until the client has gone."""
        if self._body is not None:
            body, self._body = self._body, None
            return body
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.begun = True
            self.is_event_stream = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
        elif not message.get("more_body", False):
            self.ended = True
        await self._send(message)
