"""What all guards are: ASGI middleware for HTTP, past which the server's own messages go."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Guard:
    """Stands before an application; subclasses say what it does with a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request; anything else (`lifespan`) goes on as it is."""
        if scope["type"] == "http":
            await self.guard(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        raise NotImplementedError
