"""Headers of every response: the request's id, and what keeps browsers from doing more with it than was meant."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

from selfj.serve.guard.base import Guard

REQUEST_ID = "X-Request-Id"
_RAW_ID = REQUEST_ID.lower().encode()
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Set where a route does not set its own."""
RAW_SECURITY = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]


class SetHeaders(Guard):
    """names every request (`state.request_id`), and says so in its response."""

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), request_id)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class LeaveIdToProxy(Guard):
    """Outermost behind Ray Serve, whose proxy names every request and repeats the name in the response: not twice."""

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        repeated = [pair for pair in scope["headers"] if pair[0] == _RAW_ID]

        async def send_without(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [pair for pair in message["headers"] if pair not in repeated]
            await send(message)

        await self._app(scope, receive, send_without)


def add_headers(headers: MutableHeaders, request_id: str) -> None:
    """Add to a response's headers what is not there yet."""
    present = {name for name, _ in headers.raw}
    wanted = [(_RAW_ID, request_id.encode()), *RAW_SECURITY]
    headers.raw.extend(pair for pair in wanted if pair[0] not in present)
