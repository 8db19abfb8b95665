"""A model after JSFT on disk: an ordinary Hugging Face model folder, whole weights, with a `jsft.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from selfj.selfjudge.wording import PAIR_PROMPTS
from selfj.training.card import TrainedFolder

CARD = "jsft.json"
"""Written last: a folder that has it is complete."""


@dataclass(frozen=True, kw_only=True)
class JsftFolder(TrainedFolder):
    """What a model was made of, and how it is to be asked to judge.

    An engine loads the folder as a model: a LoRA adapter that was trained is merged into the weights. Figures in `validation`,
    on the held-out pairs (jsft.objective.JudgeAugmented.summary): `lm` and `judge` (losses), `accuracy`, `accuracy_chosen_first`,
    `accuracy_rejected_first`, `flip_rate`, `ties`, `pairs`; the same with `clear_` before them on the pairs that differ by
    `clear_gap`; `accuracy_PRINCIPLE` where there are several.
    """

    card_file: ClassVar[str] = CARD
    kind: ClassVar[str] = "JSFT model"
    script: ClassVar[str] = "ray_jobs/jsft.py"
    known_prompts: ClassVar[Mapping[str, Any]] = PAIR_PROMPTS

    principles: list[str]
    """What it was trained to compare by."""
    judge_share: float
    """Share of judge examples in each batch; 0: plain supervised fine-tuning."""
    pairs: int
    """Pairs it was trained on."""
    examples: dict[str, int]
    """Training examples by kind: `sft`, `judge`, and of these `rationale`."""
