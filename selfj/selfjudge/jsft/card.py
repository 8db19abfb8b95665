"""A model after JSFT on disk: an ordinary Hugging Face model folder, whole weights, with a `jsft.json`."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from selfj.errors import ModelError
from selfj.selfjudge.wording import PAIR_PROMPTS
from selfj.store import Store

CARD = "jsft.json"
"""Written last: a folder that has it is complete."""

_FORMAT = 1


@dataclass(frozen=True)
class JsftFolder:
    """What a model was made of, and how it is to be asked to judge."""

    path: str
    """The folder's address. An engine loads it as a model: a LoRA adapter that was trained is merged into the weights."""
    base_model: str
    """Folder or Hugging Face name of the model that training started from, as the user wrote it."""
    base_path: str
    """Where that was at the time."""
    revision: str | None
    adapter_rank: int | None
    """Rank of the LoRA adapter that was trained and merged; None for a full fine-tune."""
    prompts: str
    """Name of the judge's prompt texts (a key of PAIR_PROMPTS)."""
    prompt_texts: dict[str, Any]
    """The texts themselves as they were in training."""
    principles: list[str]
    """What it was trained to compare by."""
    labels: list[str]
    label_token_ids: list[int]
    end_token_id: int
    max_prompt_tokens: int
    """Longest judge prompt in training."""
    judge_share: float
    """Share of judge examples in each batch; 0: plain supervised fine-tuning."""
    data: str
    """Fingerprint of the table `preferences` it was trained on."""
    settings: dict[str, Any]
    """Training settings."""
    pairs: int
    """Pairs it was trained on."""
    examples: dict[str, int]
    """Training examples by kind: `sft`, `judge`, and of these `rationale`."""
    counts: dict[str, int]
    """Pairs considered, and why some were left out."""
    validation: dict[str, float]
    """Figures on the held-out pairs at the end (jsft.objective.JudgeAugmented.summary): `lm` and `judge` (losses), `accuracy`,
    `accuracy_chosen_first`, `accuracy_rejected_first`, `flip_rate`, `ties`, `pairs`; the same with `clear_` before them on the
    pairs that differ by `clear_gap`; `accuracy_PRINCIPLE` where there are several."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """Losses and validations over the training (selfj.training.job.Point)."""

    @classmethod
    def load(cls, path: str) -> "JsftFolder":
        """Read a model's card.

        Raises ModelError, in one line, if the folder is not finished, or if its prompt texts are not those of this version.
        """
        store = Store(path)
        if not store.exists(CARD):
            raise ModelError(f"{path}: no JSFT model is there (no {CARD}); train one with ray_jobs/jsft.py, or check the path")
        try:
            values = json.loads(store.read(CARD))
            known = {item.name for item in dataclasses.fields(cls)} - {"path"}
            model = cls(path=store.address, **{name: value for name, value in values.items() if name in known})
        except (ValueError, TypeError, AttributeError) as problem:
            raise ModelError(f"{path}/{CARD}: not a JSFT model's card ({problem}); train the model anew") from None
        model.check_prompts()
        return model

    def write(self) -> None:
        """Write the card, which finishes the folder."""
        values = {"format": _FORMAT, **{name: value for name, value in dataclasses.asdict(self).items() if name != "path"}}
        Store(self.path).write(CARD, json.dumps(values, indent=1, ensure_ascii=False).encode())

    def check_prompts(self) -> None:
        """Raise ModelError if the model was trained on other prompt texts than this version would ask it with."""
        known = PAIR_PROMPTS.get(self.prompts)
        if known is None or dataclasses.asdict(known) != self.prompt_texts:
            raise ModelError(f"{self.path}: trained with other {self.prompts!r} prompts than this version has; train it anew")
