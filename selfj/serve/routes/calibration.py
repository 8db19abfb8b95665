"""`GET /v1/calibration`: the promises that may be asked for, and what every threshold does."""

from typing import Annotated

from fastapi import APIRouter, Depends

from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.types.calibration import CalibrationCard, calibration_card

router = APIRouter()


@router.get("/v1/calibration")
async def calibration(endpoint: Annotated[Endpoint, Depends(endpoint_of)]) -> CalibrationCard:
    """The promises of the judge's card, and its curve of thresholds."""
    return calibration_card(endpoint)
