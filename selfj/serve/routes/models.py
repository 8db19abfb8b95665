"""`/v1/models`: the names that requests may use, one for each promise."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends

from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.types.calibration import promise_card, promise_cards
from selfj.serve.types.models import Model, ModelList

router = APIRouter()
Served = Annotated[Endpoint, Depends(endpoint_of)]

STARTED = int(time.time())


@router.get("/v1/models")
async def models(endpoint: Served) -> ModelList:
    """The served model, with its default promise, and with each promise that was calibrated."""
    default = promise_card(endpoint, endpoint.promises.default, endpoint.name)
    cards = [default, *promise_cards(endpoint)]
    return ModelList(data=[Model(id=card.model, created=STARTED, selfj=card) for card in cards])


@router.get("/v1/models/{model:path}")
async def model(model: str, endpoint: Served) -> Model:
    """One of them."""
    card = promise_card(endpoint, endpoint.promises.asked(model, endpoint.name), model)
    return Model(id=model, created=STARTED, selfj=card)
