"""The responses of `/v1/models`: OpenAI's, with the promise of each name under `selfj`."""

from typing import Literal

from pydantic import BaseModel


class PromiseCard(BaseModel):
    """What a name promises of the answers that are given; all but the first two null where nothing was promised (`always`)."""

    promise: str
    default: bool
    """Whether the plain name, without `@`, means this."""
    threshold: float | None = None
    """Score (0 to 9) from which answers are given."""
    kind: str | None = None
    """`coverage`, `quality` or `risk`."""
    target: float | None = None
    """Coverage or quality at least, risk at most this."""
    confidence: float | None = None
    """Probability, over the draw of the calibration instructions, that the promise holds."""
    on: str | None = None
    """What quality was."""
    scale: list[float] | None = None
    """Ends of the scale of quality."""
    coverage: float | None = None
    """Share answered, on the calibration instructions."""
    quality: float | None = None
    """Mean quality of what was answered, on the calibration instructions."""


class Model(BaseModel):
    """A name that requests may use."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """Unix time in seconds at which the endpoint started."""
    owned_by: Literal["selfj"] = "selfj"
    selfj: PromiseCard


class ModelList(BaseModel):
    """All names."""

    object: Literal["list"] = "list"
    data: list[Model]
