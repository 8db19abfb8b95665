"""From settings to what compares answers: a model that judges pairs itself, or a pointwise judge by its scores."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from selfj.arguments import check_limits
from selfj.config import EngineSettings, ModelSettings, OutsideJudgeSettings, absolute_path, as_dict
from selfj.engine import Adapter, Engine, check_model_folder, content_of_model, engine_pool
from selfj.errors import ModelError
from selfj.parts import Pool
from selfj.raters import content_of, judge_pool, load_judge
from selfj.selfjudge.jsft.card import CARD, JsftFolder
from selfj.selfjudge.pairs import PairJudge
from selfj.selfjudge.pairwise import PairRater, PointwiseComparison
from selfj.selfjudge.wording import OVERALL, PRINCIPLES
from selfj.store import Store, content_hash, local_copy


@dataclass
class PairJudgeSettings:
    """What compares two answers."""

    model: ModelSettings = field(default_factory=ModelSettings)
    """A model that judges pairs by itself: one of JSFT (RUN/jsft), or any chat model."""
    adapter: str = ""
    """Folder of a LoRA adapter on it, if that is what judges."""
    prompts: Literal["", "standard", "short"] = ""
    """Prompt texts; by default those that a JSFT model was trained on, else `standard`."""
    principles: list[str] = field(default_factory=list)
    """Names of principles (selfj.selfjudge.wording.PRINCIPLES); each has a vote. By default those that a JSFT model was trained
    on, else `overall`."""
    pointwise: OutsideJudgeSettings | None = None
    """Instead of a model: a judge of single answers (`{kind: selfj, model: runs/pocket/judge}`), whose scores are compared."""


def check_pair_judge(settings: PairJudgeSettings) -> None:
    """Raise SettingsError, in one line, for what would fail in every worker."""
    unknown = [name for name in settings.principles if name not in PRINCIPLES]
    limits = [
        (bool(settings.model.model) != (settings.pointwise is not None), "judge: give either `model` or `pointwise`"),
        (not unknown, f"judge.principles: {', '.join(unknown)}: unknown; there is {', '.join(PRINCIPLES)}"),
    ]
    check_limits(limits)
    if settings.pointwise is None:
        check_model_folder(settings.model.model)
        asking_of(settings)
        adapter_of(settings.adapter)


def load_pair_judge(settings: PairJudgeSettings, engine: EngineSettings, seed: int = 0) -> PairJudge:
    """Load a judge, in the process that is to ask it. Raises ModelError, in one line, if it cannot be."""
    if settings.pointwise is not None:
        return PointwiseComparison(load_judge(settings.pointwise, engine, seed))
    adapter = adapter_of(settings.adapter)
    made, asking = Engine(settings.model, engine, adapter, seed), asking_of(settings)
    return PairRater(made, asking.prompts, asking.principles, asking.max_tokens, adapted=adapter is not None)


@dataclass(frozen=True)
class Asking:
    """How a model is asked about pairs."""

    prompts: str
    principles: list[str]
    max_tokens: int | None
    """Longest prompt; None leaves it to the context."""


def asking_of(settings: PairJudgeSettings) -> Asking:
    """As the settings say; what they leave open as a JSFT model was trained. Raises ModelError if its card cannot be used."""
    folder = settings.model.model
    if not Store(folder).exists(CARD):
        return Asking(settings.prompts or "standard", settings.principles or [OVERALL], None)
    card = JsftFolder.load(folder)
    return Asking(settings.prompts or card.prompts, settings.principles or card.principles, card.max_prompt_tokens)


def adapter_of(folder: str) -> Adapter | None:
    """A LoRA adapter as peft wrote it; None for no folder. Raises ModelError if the folder holds none."""
    if not folder:
        return None
    path = local_copy(folder)
    try:
        rank = int(json.loads((Path(path) / "adapter_config.json").read_text())["r"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ModelError(f"{folder}: no LoRA adapter is there ({problem}); check the path") from None
    return Adapter("judge", path, rank)


def pair_judge_pool(settings: PairJudgeSettings, engine: EngineSettings) -> Pool:
    """Workers that each hold the judge."""
    return engine_pool(engine) if settings.pointwise is None else judge_pool(settings.pointwise, engine)


def pair_judge_made_with(settings: PairJudgeSettings) -> tuple[dict[str, object], dict[str, str]]:
    """What verdicts depend on, for a fingerprint: the settings, and hashes of the judge's files."""
    if settings.pointwise is not None:
        return {"pointwise": as_dict(settings.pointwise, resources=False)}, {"judge": content_of(settings.pointwise)}
    asking = asking_of(settings)
    given = as_dict(replace(settings, pointwise=None), resources=False)
    named = {**given, "prompts": asking.prompts, "principles": asking.principles}
    adapter = {"adapter": content_hash(settings.adapter)} if settings.adapter else {}
    return named, {**content_of_model(settings.model), **adapter}


def located_judge(settings: PairJudgeSettings) -> PairJudgeSettings:
    """The same with absolute paths: a worker may have another working folder."""
    model, pointwise = settings.model, settings.pointwise
    template = model.chat_template and absolute_path(model.chat_template)
    if pointwise is not None and pointwise.kind != "openai":
        pointwise = replace(pointwise, model=absolute_path(pointwise.model))
    found = replace(model, model=model.model and absolute_path(model.model), chat_template=template)
    return replace(settings, model=found, adapter=settings.adapter and absolute_path(settings.adapter), pointwise=pointwise)
