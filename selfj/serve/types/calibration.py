"""What the endpoint promises, as JSON: `/v1/calibration`."""

from typing import Literal

from pydantic import BaseModel, Field

from selfj.serve.decide import REFUSAL, Promise
from selfj.serve.endpoint import Endpoint


class CurvePoint(BaseModel):
    """What one threshold does on the calibration split."""

    threshold: float
    """Score (0 to 9) from which answers are given."""
    coverage: float
    """Share of the answers that reach it, 0 to 1."""
    quality: float | None = None
    """Their mean quality, on the calibration's scale; null where nothing is answered."""
    quality_low: float | None = None
    """Its lower bound, for this threshold by itself, with the calibration's confidence."""


class PromiseCard(BaseModel):
    """One promise and what it was seen to do on the calibration split."""

    name: str
    """`coverage=0.8`, `quality=0.7`, `always` …"""
    model: str
    """Name of the model with this promise, for requests."""
    threshold: float | None
    """None: everything is answered."""
    kind: str | None = None
    target: float | None = None
    confidence: float | None = None
    on: str | None = None
    """What quality was."""
    coverage: float | None = None
    quality: float | None = None
    lower_bound: float | None = None
    """Of the quality, with the promise's confidence."""
    departures: list[str] = Field(default_factory=list)
    """Settings of the served policy that are not those of the calibration's answers: then nothing was promised for it."""


class SamplingCard(BaseModel):
    """How the calibration's answers were sampled: the defaults of requests."""

    temperature: float
    top_p: float
    max_tokens: int


class LimitsCard(BaseModel):
    """What one request may ask for."""

    best_of: int
    max_tokens: int
    text_characters: int


class CalibrationCard(BaseModel):
    """A served judge's promises and its curve."""

    object: Literal["calibration"] = "calibration"
    model: str
    default: str
    """Promise of a model name without `@`."""
    promises: list[PromiseCard]
    on: str | None = None
    """What quality is in the curve; null before the first calibration."""
    instructions: int | None = None
    """Instructions calibrated on."""
    confidence: float | None = None
    """Of each lower bound in the curve."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Lowest and highest quality there can be."""
    curve: list[CurvePoint] = Field(default_factory=list)
    """From all answered to hardly any."""
    sampling: SamplingCard
    limits: LimitsCard
    refusal: str
    """Sentence of declined requests, with {score}, {threshold} and {promise}."""


def calibration_card(endpoint: Endpoint) -> CalibrationCard:
    """The card of a served run."""
    promises, settings = endpoint.promises, endpoint.settings
    return CalibrationCard.model_validate(
        {
            **promises.calibration,
            "model": endpoint.name,
            "default": promises.default.name,
            "promises": promise_cards(endpoint),
            "sampling": vars(endpoint.sampling),
            "limits": vars(settings.limits),
            "refusal": settings.refusal or REFUSAL,
        }
    )


def promise_cards(endpoint: Endpoint) -> list[PromiseCard]:
    """The cards of all promises, `always` last."""
    return [promise_card(endpoint, promise, f"{endpoint.name}@{promise.name}") for promise in endpoint.promises.known.values()]


def promise_card(endpoint: Endpoint, promise: Promise, model: str) -> PromiseCard:
    """The card of a promise that requests name as `model`."""
    departures = list(endpoint.departures) if promise.card else []
    named = {"name": promise.name, "model": model, "threshold": promise.threshold, "departures": departures}
    return PromiseCard.model_validate({**promise.card, **named})
