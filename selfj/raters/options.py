"""What the `options` of a judge from outside may hold, by its kind."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from selfj.config import EngineSettings, OutsideJudgeSettings
from selfj.errors import SettingsError

Options = TypeVar("Options")


@dataclass
class EndpointOptions:
    """Options of kind `openai`."""

    prompts: Literal["standard", "short"] = "standard"
    """Prompt texts (a key of RATING_PROMPTS)."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Parameters of the request, over those of REQUEST_PARAMETERS; null leaves one out."""
    tries: int = 10
    """Requests for one rating, the first included; with the client's back-off ten take about a minute."""
    timeout_seconds: float = 120.0
    """Longest wait for one reply."""
    give_up_after: int = 20
    """So many questions in a row without any reply stop the step: the endpoint is down, or refuses what it is sent."""


@dataclass
class RewardModelOptions:
    """Options of kind `reward_model`."""

    index: int | None = None
    """Which of the model's outputs is the reward, if it has several; -1 is the last."""
    max_tokens: int | None = None
    """Longest input in tokens; by default the model's own limit."""
    batch_tokens: int = 16384
    """Most tokens of a batch, padding included."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """`auto`: the checkpoint's on a GPU, float32 on CPUs."""
    revision: str | None = None
    """Branch, tag or commit of a model on Hugging Face."""
    chat_template: str | None = None
    """Jinja file with a chat template in place of the tokenizer's."""


@dataclass
class TrainedJudgeOptions:
    """Options of kind `selfj`."""

    engine: EngineSettings | None = None
    """How to run it; by default as the run's other engines."""


def endpoint_options(settings: OutsideJudgeSettings) -> EndpointOptions:
    """Options of an endpoint; see `_parsed`."""
    return _parsed(settings, EndpointOptions)


def reward_model_options(settings: OutsideJudgeSettings) -> RewardModelOptions:
    """Options of a reward model; see `_parsed`."""
    return _parsed(settings, RewardModelOptions)


def trained_judge_options(settings: OutsideJudgeSettings) -> TrainedJudgeOptions:
    """Options of another run's judge; see `_parsed`."""
    return _parsed(settings, TrainedJudgeOptions)


def check_judges(judges: Sequence[OutsideJudgeSettings]) -> None:
    """Refuse settings that would fail only when the judge is asked.

    Raises SettingsError, in one line that names the judge.
    """
    for judge in judges:
        _check(judge)


def _check(judge: OutsideJudgeSettings) -> None:
    if not judge.model:
        raise SettingsError(f"{_where(judge)}: model: give the model's name, or the folder of the judge")
    if judge.max_concurrency < 1 or judge.requests_per_minute < 0:
        raise SettingsError(f"{_where(judge)}: max_concurrency is at least 1, requests_per_minute at least 0 (no limit)")
    if judge.kind == "openai":
        _check_endpoint(judge)
    elif judge.kind == "reward_model":
        reward_model_options(judge)
        if judge.with_reference:
            raise SettingsError(f"{_where(judge)}: with_reference: a reward model reads no reference; set it to false")
    else:
        trained_judge_options(judge)


def _check_endpoint(judge: OutsideJudgeSettings) -> None:
    options = endpoint_options(judge)
    if not judge.base_url.startswith(("http://", "https://")):
        raise SettingsError(f"{_where(judge)}: base_url: {judge.base_url!r} is no address; http://HOST/v1 is expected")
    if min(options.tries, options.timeout_seconds, options.give_up_after) <= 0:
        raise SettingsError(f"{_where(judge)}: options: tries, timeout_seconds and give_up_after are above 0")


def _where(judge: OutsideJudgeSettings) -> str:
    return f"settings: evaluate.judges: {judge.name or judge.model or judge.kind}"


def _parsed(settings: OutsideJudgeSettings, kind: type[Options]) -> Options:
    """The options of a judge with the types of `kind`.

    Raises SettingsError, in one line, for an unknown option or a wrong type.
    """
    import jsonargparse

    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, None)
    try:
        return kind(**parser.instantiate(parser.parse_object(settings.options)).as_dict())
    except (jsonargparse.ArgumentError, TypeError, ValueError) as problem:
        raise SettingsError(f"{_where(settings)}: options: {' '.join(str(problem).split())}") from None
