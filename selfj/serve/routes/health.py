"""`GET /health`: whether the endpoint can answer now; `GET /health/live`: whether it runs. The only routes that need no key."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.services import JudgeService, Overloaded, PairJudgeService, PolicyService, ServiceError

router = APIRouter()

Model = PolicyService | JudgeService | PairJudgeService

PATIENCE_S = 5
"""A model that does not say that it is ready within this time is not."""


class Health(BaseModel):
    """What can answer."""

    ready: bool
    policy: bool
    judge: bool
    comparing: bool | None = None
    """Left out where nothing that compares answers is served."""


@router.get("/health", responses={503: {"model": Health}}, response_model_exclude_none=True)
async def health(endpoint: Annotated[Endpoint, Depends(endpoint_of)], response: Response) -> Health:
    """200 when policy and judge can answer, 503 before that, and after one of them was lost."""
    models: list[Model] = [endpoint.policy, endpoint.judge, *([endpoint.comparing] if endpoint.comparing else [])]
    policy, judge, *comparing = await asyncio.gather(*(_ready(model) for model in models))
    ready = all([policy, judge, *comparing])
    if not ready:
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return Health(ready=ready, policy=policy, judge=judge, comparing=comparing[0] if comparing else None)


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """200 as long as requests are taken at all."""
    return {"live": True}


async def _ready(service: Model) -> bool:
    try:
        return await asyncio.wait_for(service.ready(), PATIENCE_S)
    except Overloaded:
        return True
    except (ServiceError, TimeoutError):
        return False
