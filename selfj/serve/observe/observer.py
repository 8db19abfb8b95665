"""The outermost layer of the application: times every request, counts it, and writes its log line."""

import asyncio
import time
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from selfj.serve.endpoint import Endpoint
from selfj.serve.observe.log import error_fields, open_log, write_line
from selfj.serve.observe.record import CURRENT, RecordedMetrics, RequestRecord
from selfj.serve.settings import LogSettings

CLOSED = 499
"""Status of a request whose client went away before there was a response."""
UNKNOWN_ROUTE = "other"
"""Route of paths that are not served: clients cannot make new time series."""
LONGEST_TEXT = 100_000


class RequestFailed(Exception):
    """An unexpected error, for the servers around the application, which log its text: the error's own may quote users."""


def add_observer(app: FastAPI, endpoint: Endpoint) -> None:
    """Observe all requests, and what routes count. To be called after everything else that adds middleware."""
    open_log()
    app.state.endpoint = replace(endpoint, metrics=RecordedMetrics(endpoint.metrics))
    app.add_middleware(RequestObserver, endpoint=endpoint)


class RequestObserver:
    """ASGI middleware. A streamed response counts until its last byte."""

    def __init__(self, app: ASGIApp, endpoint: Endpoint) -> None:
        self._app = app
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        observed = _Observed(scope, receive, send, self._endpoint.settings.log)
        try:
            await self._app(scope, observed.receive, observed.send)
        except Exception as problem:
            observed.failed(problem)
            if self._endpoint.settings.log.texts:
                raise
            raise RequestFailed(f"request {scope['state'].get('request_id')}: the request log has the error's place") from None
        except BaseException as problem:
            observed.failed(problem)
            raise
        finally:
            observed.end(self._endpoint)


class _Observed:
    """One request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, log: LogSettings) -> None:
        self._scope, self._receive, self._send, self._log = scope, receive, send, log
        self._began = time.perf_counter()
        self._status: int | None = None
        self._error: dict[str, Any] = {}
        self._texts = {"request": b"", "response": b""}
        self._record = RequestRecord()
        self._token = CURRENT.set(self._record)

    async def receive(self) -> Message:
        message = await self._receive()
        self._keep("request", message)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        self._keep("response", message)
        await self._send(message)

    def _keep(self, side: str, message: Message) -> None:
        if self._log.texts and message["type"] in ("http.request", "http.response.body"):
            self._texts[side] = (self._texts[side] + message.get("body", b""))[:LONGEST_TEXT]

    def failed(self, problem: BaseException) -> None:
        if isinstance(problem, asyncio.CancelledError):
            self._status = self._status or CLOSED
        else:
            self._status = 500
            self._error = error_fields(problem, self._log.texts)

    def end(self, endpoint: Endpoint) -> None:
        CURRENT.reset(self._token)
        seconds = time.perf_counter() - self._began
        route, status = _route(self._scope), self._status or CLOSED
        endpoint.metrics.request(route, status, seconds)
        if self._log.requests or self._error:
            write_line({**self._fields(route, status, seconds), **self._record.as_fields(), **self._error, **self._said()})

    def _fields(self, route: str, status: int, seconds: float) -> dict[str, Any]:
        return {
            "request_id": self._scope["state"].get("request_id"),
            "method": self._scope["method"],
            "route": route,
            "status": status,
            "milliseconds": round(1000 * seconds, 1),
        }

    def _said(self) -> dict[str, str]:
        return {f"{side}_body": body.decode(errors="replace") for side, body in self._texts.items() if body}


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", UNKNOWN_ROUTE))
