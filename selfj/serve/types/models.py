"""The responses of `/v1/models`: OpenAI's, with the promise of each name under `selfj`."""

from typing import Literal

from pydantic import BaseModel

from selfj.serve.types.calibration import PromiseCard


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
