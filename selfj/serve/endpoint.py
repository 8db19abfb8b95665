"""What every route is given: the settings, the two models, the promises that were calibrated, and who counts."""

from dataclasses import dataclass

from fastapi import Request

from selfj.config import SampleSettings
from selfj.serve.decide import Promises
from selfj.serve.guard.keys import Keys
from selfj.serve.observe.metrics import Metrics
from selfj.serve.services import JudgeService, PairJudgeService, PolicyService
from selfj.serve.settings import ServeSettings


@dataclass(frozen=True)
class Endpoint:
    """One served run."""

    settings: ServeSettings
    name: str
    """Name of the model for clients."""
    policy: PolicyService
    judge: JudgeService
    promises: Promises
    sampling: SampleSettings
    """Defaults of requests: what the run's answers were sampled with, and so what the promises hold for."""
    context: int
    """Longest sequence of the policy in tokens."""
    metrics: Metrics
    keys: Keys | None = None
    """API keys as they were where the endpoint was deployed; without, they are read where the application is made."""
    system_prompt: str = ""
    """What the policy is told before every instruction, as it was when the calibration's answers were drawn."""
    departures: tuple[str, ...] = ()
    """Settings of the policy that are not those of the calibration's answers: no promise was made for any of its answers."""
    comparing: PairJudgeService | None = None
    """What compares two answers, where something can: a tournament among candidates needs it."""


async def endpoint_of(request: Request) -> Endpoint:
    """The endpoint that a route's application serves (`Depends(endpoint_of)`).

    A coroutine, because FastAPI calls plain functions in another thread, which takes longer than the rest of a short request.
    """
    endpoint: Endpoint = request.app.state.endpoint
    return endpoint
