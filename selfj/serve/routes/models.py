"""`/v1/models`: the names that requests may use, one for each promise."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends

from selfj.serve.decide import Promise
from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.types.models import Model, ModelList, PromiseCard

router = APIRouter()
Served = Annotated[Endpoint, Depends(endpoint_of)]

STARTED = int(time.time())


@router.get("/v1/models")
async def models(endpoint: Served) -> ModelList:
    """The served model, with its default promise, and with each promise that was calibrated."""
    promises = [_model(endpoint, f"{endpoint.name}@{name}", promise) for name, promise in endpoint.promises.known.items()]
    return ModelList(data=[_model(endpoint, endpoint.name, endpoint.promises.default), *promises])


@router.get("/v1/models/{model:path}")
async def model(model: str, endpoint: Served) -> Model:
    """One of them."""
    return _model(endpoint, model, endpoint.promises.asked(model, endpoint.name))


def _model(endpoint: Endpoint, name: str, promise: Promise) -> Model:
    card = {key: promise.card.get(key) for key in PromiseCard.model_fields if key in promise.card}
    default = promise.name == endpoint.promises.default.name
    return Model(id=name, created=STARTED, selfj=PromiseCard(promise=promise.name, default=default, **card))
