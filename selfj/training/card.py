"""The card in a trained model's folder: what the model was made of, and how it is to be asked."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from selfj.errors import ModelError
from selfj.store import Store

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class TrainedFolder:
    """An ordinary Hugging Face model folder that a training of ours made, with a card, which is written last."""

    card_file: ClassVar[str]
    """Name of the card: a folder that has it is complete."""
    kind: ClassVar[str]
    """What errors call such a model."""
    script: ClassVar[str]
    """What trains one."""
    known_prompts: ClassVar[Mapping[str, Any]]
    """Prompt texts of this version (dataclasses) by name."""

    path: str
    """The folder's address."""
    base_model: str
    """Folder or Hugging Face name of the model that training started from, as the user wrote it."""
    base_path: str
    """Where that was at the time."""
    revision: str | None
    adapter_rank: int | None
    """Rank of the LoRA adapter that was trained; None for a full fine-tune."""
    prompts: str
    """Name of the prompt texts (a key of `known_prompts`)."""
    prompt_texts: dict[str, Any]
    """The texts themselves as they were in training."""
    labels: list[str]
    label_token_ids: list[int]
    end_token_id: int
    max_prompt_tokens: int
    """Longest prompt in training; a longer one lost the middle of its answers, and should in use."""
    data: str
    """Fingerprint of the table it was trained on."""
    settings: dict[str, Any]
    """Training settings."""
    counts: dict[str, int]
    """Rows considered and why some were left out."""
    validation: dict[str, float]
    """Figures on held-out rows at the end of training."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """Losses and validations over the training (selfj.training.job.Point)."""

    @classmethod
    def load(cls, path: str) -> Self:
        """Read a model's card.

        Raises ModelError, in one line, if the folder is not finished, or if its prompt texts are not those of this version
        (scores would silently be of another kind).
        """
        store, name = Store(path), cls.card_file
        if not store.exists(name):
            raise ModelError(f"{path}: no {cls.kind} is there (no {name}); train one with {cls.script}, or check the path")
        try:
            values = json.loads(store.read(name))
            known = {item.name for item in dataclasses.fields(cls)} - {"path"}
            model = cls(path=store.address, **{key: value for key, value in values.items() if key in known})
        except (ValueError, TypeError, AttributeError) as problem:
            raise ModelError(f"{path}/{name}: not a {cls.kind}'s card ({problem}); train the {cls.kind} anew") from None
        model.check_prompts()
        return model

    def write(self) -> None:
        """Write the card, which finishes the folder."""
        values = {"format": _FORMAT, **{name: value for name, value in dataclasses.asdict(self).items() if name != "path"}}
        Store(self.path).write(self.card_file, json.dumps(values, indent=1, ensure_ascii=False).encode())

    def check_prompts(self) -> None:
        """Raise ModelError if the model was trained on other prompt texts than this version would ask it with."""
        known = self.known_prompts.get(self.prompts)
        if known is None or dataclasses.asdict(known) != self.prompt_texts:
            other = f"trained with other {self.prompts!r} prompts than this version has"
            raise ModelError(f"{self.path}: the {self.kind} was {other}; train it anew")
