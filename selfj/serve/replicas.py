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
        self._running = 0
        self._asked = -FRESH_S
        self._lock = asyncio.Lock()

    def lost(self) -> None:
        """A call has met a replica that is gone: what is known is no longer fresh."""
        self._asked = -FRESH_S

    async def any(self) -> bool:
        """Whether one runs."""
        async with self._lock:
            if time.monotonic() - self._asked > FRESH_S:
                self._running = await asyncio.to_thread(self._count)
                self._asked = time.monotonic()
        return self._running > 0

    def _count(self) -> int:
        from ray import serve

        application = serve.status().applications.get(self._application)
        deployment = application and application.deployments.get(self._deployment)
        return int(deployment.replica_states.get("RUNNING", 0)) if deployment else 0
