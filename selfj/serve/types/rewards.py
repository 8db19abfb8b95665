"""Request and response of `/get_reward`: OpenRLHF's remote reward model (`--reward.remote_url`)."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from selfj.rewards.scale import Scale
from selfj.serve.types.text import ModelName, Several, Text


def _as_list(texts: Any) -> Any:
    return [texts] if isinstance(texts, str) else texts


class RewardRequest(BaseModel):
    """Training samples, as OpenRLHF (0.8 and later) sends them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Annotated[Several[Text], BeforeValidator(_as_list)]
    """Prompt and answer as one text, special tokens included."""
    prompts: Annotated[Several[Text], BeforeValidator(_as_list)]
    """The prompts alone, in the model's chat template if it has one. Without them an answer has no certain beginning."""
    labels: Any = None
    """Not shown to the judge, which does without reference."""


class RewardOptions(BaseModel):
    """How rewards are made: in the address, since the trainer writes the body."""

    model_config = ConfigDict(extra="forbid")

    model: ModelName | None = None
    """Name with promise, for `margin` and `answered`; by default the endpoint's default promise."""
    scale: Scale = "unit"
    """`unit`: score / 9; `score`: 0 to 9; `margin`: score minus threshold; `answered`: 1 from the threshold on, else 0."""
    missing: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """Reward of an answer that could not be judged; by default null, at which OpenRLHF stops."""
    template: str = ""
    """OpenRLHF's `--data.input_template`, `{}` for the instruction, where the prompts have one; `{}` alone: they have none."""
    end: str = ""
    """What ends an answer, where it is none of the tokens that are known."""

    @field_validator("template")
    @classmethod
    def _one_place(cls, template: str) -> str:
        if template and template.count("{}") != 1:
            raise PydanticCustomError("template", "write {} once, where the instruction stands")
        return template


class RewardLogs(BaseModel):
    """Shown beside the reward in OpenRLHF's logs."""

    judged: list[float]
    """1 where there is a score, else 0."""
    answered: list[float]
    """1 where the promise gives the answer, else 0."""


class RewardNote(BaseModel):
    """How one reward came about."""

    score: float | None
    """0 to 9."""
    threshold: float | None
    answered: bool
    reason: str | None
    """Why there is no score."""
    format: str | None
    """The chat format that the prompt was in, `plain` or `template`."""


class RewardResponse(BaseModel):
    """Rewards in the order of the samples."""

    rewards: list[float | None]
    scores: list[float | None]
    """The same: OpenRLHF filters prompts by them (`--algo.dynamic_filtering_enable`), and wants 0 to 1 for that."""
    extra_logs: RewardLogs
    selfj: list[RewardNote]
