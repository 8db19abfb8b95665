"""A trained judge on disk: an ordinary Hugging Face model folder (or a peft adapter's) with a `judge.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from selfj.prompts import RATING_PROMPTS
from selfj.store import Store, content_hash, hash_of
from selfj.tables import MANIFEST
from selfj.training.card import TrainedFolder

CARD = "judge.json"
"""Written last: a folder that has it is complete."""


@dataclass(frozen=True, kw_only=True)
class JudgeFolder(TrainedFolder):
    """What a judge was made of and how it is to be asked."""

    card_file: ClassVar[str] = CARD
    kind: ClassVar[str] = "judge"
    script: ClassVar[str] = "ray_jobs/train_judge.py"
    known_prompts: ClassVar[Mapping[str, Any]] = RATING_PROMPTS

    adapter: bool
    """Whether the folder holds a LoRA adapter on `base_model` instead of whole weights."""
    policy: str
    """Name of the policy whose answers it was trained to judge."""
    examples: int
    """Answers it was trained on."""
    thresholds: dict[str, Any] = field(default_factory=dict)
    """Thresholds of the score by name (`quality=0.7`), once calibrated: `selfj calibrate`."""
    calibration: dict[str, Any] = field(default_factory=dict)
    """Coverage and quality at every threshold (`curve`) on the calibration split, and what quality was (`on`)."""

    @property
    def model(self) -> str:
        """The model an engine has to load: the folder itself, or the base of the adapter."""
        if not self.adapter:
            return self.path
        return self.base_path if Path(self.base_path).exists() else self.base_model

    @property
    def chat_template(self) -> str | None:
        """File with the chat template the judge was trained with, where an adapter's base may have another."""
        file = Path(self.path) / "chat_template.jinja"
        return str(file) if self.adapter and file.is_file() else None


def judge_hash(path: str) -> str:
    """Hash of what a judge's scores depend on: its files, and its card less what calibration writes there."""
    store = Store(path)
    if not store.exists(CARD):
        return content_hash(path)
    card = {name: value for name, value in json.loads(store.read(CARD)).items() if name not in ("thresholds", "calibration")}
    files = [name for name in store.names("") if name not in (CARD, MANIFEST)]
    return hash_of([card, {name: content_hash(f"{store.address}/{name}") for name in files}])
