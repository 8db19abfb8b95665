"""Whether a deployment has replicas that run, as Ray Serve's controller says; asked only when somebody wants to know."""

import asyncio
import time

FRESH_S = 1.0
"""How long an answer of the controller is good for."""


class Replicas:
    """The replicas of one deployment."""

    def __init__(self, application: str, deployment: str) -> None:
        self._application = application
        self._deployment = deployment
        self._states: dict[str, int] | None = None
        self._asked = -FRESH_S
        self._lock = asyncio.Lock()

    def lost(self) -> None:
        """A call has met a replica that is gone: what is known is no longer fresh."""
        self._asked = -FRESH_S

    async def any(self) -> bool:
        """Whether one runs, or still finishes what it has begun: Ray Serve lists nothing of an application that is deleted."""
        states = await self._known()
        return states is None or states.get("RUNNING", 0) + states.get("STOPPING", 0) > 0

    async def running(self) -> bool:
        """Whether one takes new requests."""
        return (await self._known() or {}).get("RUNNING", 0) > 0

    async def _known(self) -> dict[str, int] | None:
        async with self._lock:
            if time.monotonic() - self._asked > FRESH_S:
                self._states = await asyncio.to_thread(self._ask)
                self._asked = time.monotonic()
        return self._states

    def _ask(self) -> dict[str, int] | None:
        from ray import serve
        from ray.exceptions import RayError
        from ray.serve.exceptions import RayServeException

        try:
            application = serve.status().applications.get(self._application)
        except (RayError, RayServeException):  # the controller is being replaced; requests go on without it
            return None
        deployment = application and application.deployments.get(self._deployment)
        return {str(state): count for state, count in deployment.replica_states.items()} if deployment else None
